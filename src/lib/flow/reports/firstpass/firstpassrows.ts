// Jobs of the first pass: `list first-pass`, and a part of the page of a run.

import type { FirstPassDoc, FirstPassState } from '../../../domain/firstpass/firstpass.ts';
import { stateText } from '../../../domain/firstpass/firstpassgates.ts';
import { refOf } from '../../../domain/ids.ts';
import type { RunFacts } from '../../../domain/jobs/readiness.ts';
import { hasRun, type Selection } from '../../../domain/selection.ts';
import { idsOfRuns, pages } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { batches } from '../../../util/values/group.ts';
import { runFacts } from '../../jobs/facts.ts';
import { ALL_RUNS } from '../../jobs/select.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from '../look/row.ts';

/** A job of the first pass of a run. */
export interface FirstPassRow extends Row<'first-pass'> {
  readonly run: number;
  readonly job: string;
  /** `held`: it has failed and is tried again; `loading`: what it printed is not loaded yet. */
  readonly state: FirstPassState['state'];
  /** False: the run does not wait for it. */
  readonly required: boolean;
  /** Times that it was started. */
  readonly tries: number;
  /** When it came into its state. */
  readonly since?: Iso;
  /** When it is tried again. */
  readonly until?: Iso;
  /** Where it ran last; its log is there. */
  readonly host?: string;
  /** What it waits for, or how it failed. */
  readonly why?: string;
}

/** Documents read first, and at most. */
const PAGE = { first: 100, most: 1000 } as const;

export async function* firstPassRows(ports: ReadPorts, { refs, runs: set }: Selection): Rows<FirstPassRow> {
  const named = refs?.flatMap(({ run }) => run ?? []).map((run) => [run, run] as const);
  for (const span of named ?? set?.ranges ?? [ALL_RUNS]) {
    for await (const page of pages<FirstPassDoc>(ports.store, idsOfRuns('firstpass:', span), PAGE.first, PAGE.most)) {
      const ids = new Set(page.map(({ _id }) => _id));
      const runs = [...new Set(page.map(({ run }) => run))].filter((run) => !set || hasRun(set, run));
      for (const some of batches(runs, PAGE.first))
        for (const facts of (await factsOf(ports, some)).values())
          for (const row of rowsOfRun(facts, ids))
            if (!refs || refs.some(({ run, module = row.job }) => run === row.run && module === row.job)) yield row;
    }
  }
}

function factsOf(ports: ReadPorts, runs: readonly number[]): Promise<Map<number, RunFacts>> {
  const { level, version } = ports.settings.automatic;
  return runFacts(ports, runs, level, version);
}

/** The jobs of one run; with `ids` only those whose document is among them. */
export function rowsOfRun({ run, firstPass = [] }: RunFacts, ids?: ReadonlySet<string>): FirstPassRow[] {
  return firstPass.filter(({ doc }) => !ids || (doc && ids.has(doc._id))).map((one) => rowOf(run, one));
}

function rowOf(run: number, one: FirstPassState): FirstPassRow {
  const { job, doc, state } = one;
  const until = state === 'held' ? doc?.until : undefined;
  const why = state === 'completed' || state === 'running' ? undefined : stateText(one);
  return {
    ...{ kind: 'first-pass', ref: refOf(run, job.name), run, job: job.name, state, required: job.required },
    tries: doc?.tries ?? 0,
    ...given({ since: doc?.since, until, host: doc?.host, why }),
  };
}
