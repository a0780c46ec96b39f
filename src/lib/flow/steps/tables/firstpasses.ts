// The first pass of runs: which job of a run is next, and its claim. Running one is in runjob.ts.
import { appendHistory, SCHEMA } from '../../../domain/doc.ts';
import {
  COMMAND_JOB,
  type FirstPassDoc,
  type FirstPassState,
  failuresOf,
  firstPassId,
} from '../../../domain/firstpass/firstpass.ts';
import type { RunFacts } from '../../../domain/jobs/readiness.ts';
import { tookEffect } from '../../../store.ts';
import { type Iso, MINUTE, plus } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { batches } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import { runFacts } from '../../jobs/facts.ts';
import type { Item, Ports, Step } from '../../ports.ts';
import { filesOf } from './files.ts';
import { type Claim, LOADING, runJob } from './runjob.ts';

/** Runs that are looked at together. */
const BATCH = 500;

/** Runs the jobs that are due, of at most `limit` runs. */
export async function* firstPasses(ports: Ports, runs: readonly number[], limit = Number.POSITIVE_INFINITY): Step {
  let left = limit;
  for (const some of batches(runs, BATCH)) {
    const facts = [...(await lookAt(ports, some)).values()].filter(isComplete);
    await plan(ports, facts);
    for (const one of facts) {
      if (left <= 0 || ports.stopping?.aborted) return;
      if (yield* ofRun(ports, one)) left--;
    }
  }
}

function lookAt(ports: Ports, runs: readonly number[]): Promise<Map<number, RunFacts>> {
  const { level, version } = ports.settings.automatic;
  return runFacts(ports, runs, level, version);
}

const isComplete = ({ doc, tablesAway }: RunFacts): boolean =>
  !tablesAway && Object.values(doc?.levels ?? {}).some((level) => level.complete);

/** Documents of jobs that wait: a job is not forgotten once its run is processed without it. */
async function plan({ store }: Ports, facts: readonly RunFacts[]): Promise<void> {
  const now = await store.now();
  const fresh = facts.flatMap(({ run, firstPass = [] }) =>
    firstPass
      .filter(({ doc, job, state }) => !doc && state === 'waiting' && job.name !== COMMAND_JOB)
      .map(({ job }) => waiting(run, job.name, now)),
  );
  if (fresh.length === 0) return;
  await store.bulk<FirstPassDoc>(
    fresh.map((doc) => ({ id: doc._id, base: null, change: (old) => (old ? { skip: 'is planned' } : { write: doc }) })),
  );
}

function waiting(run: number, job: string, at: Iso): FirstPassDoc {
  const base = {
    kind: 'firstpass',
    v: SCHEMA,
    run,
    state: 'waiting',
    nonce: '',
    tries: 0,
    failures: 0,
    until: at,
    since: at,
  } as const;
  return { _id: firstPassId(run, job), ...base, ...(job === COMMAND_JOB ? {} : { job }) };
}

/** The jobs of one run, each as soon as those that it needs are completed. The answer says that one was run. */
async function* ofRun(ports: Ports, first: RunFacts): AsyncGenerator<Item, boolean, void> {
  const tried = new Set<string>();
  let files: readonly string[] | undefined;
  for (let facts = first; !facts.tablesAway && facts.doc; facts = have(await lookAt(ports, [first.run]), first.run)) {
    const next = await nextJob(ports, facts, tried);
    if (!next || ports.stopping?.aborted) break;
    tried.add(next.job.name);
    files ??= await filesOf(ports, facts.doc);
    if (files.length === 0) return false;
    const claim = await claimJob(ports, facts.run, next);
    if (claim) yield* runJob(ports, claim, files);
  }
  return tried.size > 0;
}

async function nextJob(
  ports: Ports,
  { firstPass = [] }: RunFacts,
  tried: ReadonlySet<string>,
): Promise<FirstPassState | undefined> {
  for (const one of firstPass) {
    // What it printed lies on the host where it ran.
    const elsewhere = one.state === 'loading' && one.doc?.host !== ports.host;
    if (tried.has(one.job.name) || elsewhere) continue;
    if (one.due || (await isAbandoned(ports, one))) return one;
  }
  return undefined;
}

/** Its process has ended, and with it all that it had started. */
async function isAbandoned({ presence }: Ports, { doc, state }: FirstPassState): Promise<boolean> {
  if (!doc || doc.host === undefined || (state !== 'running' && state !== 'loading')) return false;
  return (await presence?.ended({ ...doc, host: doc.host })) === true;
}

/** Changes whenever somebody takes the job, or puts it back. */
const markOf = (doc: FirstPassDoc | undefined): string => `${doc?.nonce ?? ''} ${doc?.state ?? 'waiting'}`;

/** One process at a time. What has ended well is claimed to be loaded, on its host only. */
async function claimJob(
  ports: Ports,
  run: number,
  { job, doc: seen, missing }: FirstPassState,
): Promise<Claim | undefined> {
  const { store, host, presence } = ports;
  const now = await store.now();
  const nonce = ports.nonce();
  const leave = await presence?.enter(nonce);
  const loads = seen?.state === 'loading' && seen.host === host;
  const outcome = await store.update<FirstPassDoc>(firstPassId(run, job.name), (doc) => {
    if (markOf(doc) !== markOf(seen)) return { skip: 'another has taken it' };
    const { why: _, ...old } = doc ?? waiting(run, job.name, now);
    const history = appendHistory(old.history ?? [], {
      at: now,
      from: old.state,
      to: loads ? 'loading' : 'running',
      by: ports.by,
      why: loads ? 'its tables are loaded again' : `try ${old.tries + 1}`,
    });
    const mine = { ...old, history, nonce, host, since: now, ...given({ holder: presence?.holder }) };
    if (loads) return { write: { ...mine, until: plus(now, LOADING) } };
    const tries = old.tries + 1;
    return {
      write: { ...mine, state: 'running', tries, failures: failuresOf(old), until: plus(now, job.timeout + MINUTE) },
    };
  });
  if (tookEffect(outcome) && outcome.doc) return { job, run, doc: outcome.doc, missing, leave };
  await leave?.();
  return undefined;
}
