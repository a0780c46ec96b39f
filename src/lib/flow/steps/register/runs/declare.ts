// An operator declares a run complete (`enqueue --complete RUN`): its registered files are all that will be used.

import type { DataDoc } from '../../../../domain/data/data.ts';
import { dataId, refOf, runId } from '../../../../domain/ids.ts';
import { noSuch } from '../../../../domain/named.ts';
import type { RunDoc, RunLevel } from '../../../../domain/runs/run.ts';
import type { Decision } from '../../../../store.ts';
import type { Iso } from '../../../../util/time.ts';
import { withDryRun } from '../../../dry.ts';
import { archivedOf, archivedWords } from '../../../jobs/archived/archived.ts';
import type { ItemOf, Ports, Step, StepOptions } from '../../../ports.ts';
import { withLevel } from './level.ts';

/**
 * Declares a run complete with the files it has, gaps or not: one level, or every level that is still open. What is
 * complete already stays as it is.
 */
export function declareComplete(
  ports: Ports,
  run: number,
  level?: string,
  why?: string,
  options: StepOptions = {},
): Step {
  return withDryRun(ports, options, (on) => declareRun(on, run, level, why));
}

async function* declareRun(ports: Ports, run: number, level: string | undefined, why: string | undefined): Step {
  const doc = (await ports.store.get<RunDoc>([runId(run)])).get(runId(run));
  const base: ItemOf<'run'> = {
    kind: 'run',
    ref: refOf(run),
    did: 'unknown',
    run,
  };
  if (!doc) {
    const archived = (await archivedOf(ports.store, [run])).get(run);
    const words = archived
      ? archivedWords(archived)
      : { text: `run ${run} is not registered`, next: 'dflow list runs' };
    yield { ...base, failed: true, ...words };
    return;
  }
  const levels = level === undefined ? Object.keys(doc.levels) : [level];
  for (const name of levels) {
    if (doc.levels[name]) yield* declareLevel(ports, doc, name, why, base);
    else {
      const text = noSuch('level', name, Object.keys(doc.levels), refOf(run));
      yield { ...base, failed: true, level: name, text, next: `dflow show ${run}` };
    }
  }
}

async function* declareLevel(
  ports: Ports,
  doc: RunDoc,
  level: string,
  why: string | undefined,
  base: ItemOf<'run'>,
): Step {
  const { store } = ports;
  const id = dataId(level, doc.run);
  const data = (await store.get<DataDoc>([id])).get(id);
  const now = await store.now();
  const change = (current: RunDoc | undefined) => declared(current, data, level, now, ports.by, why);
  const decision = change(doc);
  const outcome = 'skip' in decision ? undefined : await store.update<RunDoc>(doc._id, change);
  if ('skip' in decision || (outcome && outcome.result === 'skipped')) {
    const text = `${level}: ${'skip' in decision ? decision.skip : outcome?.why}`;
    const refused = !data?.files.length;
    yield { ...base, did: 'unchanged', level, text, ...(refused ? { failed: true, next: 'dflow register' } : {}) };
  } else if (outcome?.result === 'lost' || outcome?.result === 'frozen') {
    yield {
      ...base,
      did: outcome.result,
      level,
      failed: true,
      text: `${level}: not written`,
      next: `dflow show ${doc._id}`,
    };
  } else {
    yield {
      ...base,
      did: 'completed',
      level,
      text: `${level}: declared complete with ${data?.files.length} ${data?.files.length === 1 ? 'file' : 'files'}`,
    };
  }
}

function declared(
  doc: RunDoc | undefined,
  data: DataDoc | undefined,
  level: string,
  now: Iso,
  by: string,
  why: string | undefined,
): Decision<RunDoc> {
  const previous = doc?.levels[level];
  if (!doc || !previous) return { skip: 'the run is gone' };
  if (previous.complete) return { skip: `complete since ${previous.complete.at}: ${previous.complete.evidence}` };
  if (!data || data.files.length === 0) return { skip: 'no file is registered' };
  const evidence = `declared by ${by}${why ? `: ${why}` : ''}`;
  const subruns = data.files.map((file) => file.subrun);
  const { blocked: _, ...rest } = previous;
  const next: RunLevel = { ...rest, files: data.files.length, complete: { at: now, subruns, evidence } };
  return { write: withLevel(doc, doc.run, next, { level, quiet: 0, now, by }) };
}
