// Labels: lists of runs and passes that people keep, such as gold lists. The label of a run is that of its passes too, so
// that whatever selects, holds or routes passes by a label needs to look at nothing else.
import { appendHistory, type HistoryEntry } from '../../domain/doc.ts';
import { JOB, refOf } from '../../domain/ids.ts';
import { type JobDoc, type Move, transition } from '../../domain/jobs/job.ts';
import { ROUTED } from '../../domain/jobs/readiness.ts';
import { madeReady } from '../../domain/jobs/states.ts';
import { type LabelChange, labelsAfter } from '../../domain/runs/labels.ts';
import type { RunDoc } from '../../domain/runs/run.ts';
import { type Outcome, spansOfRuns, tookEffect } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { batches, groupBy } from '../../util/values/group.ts';
import { nth } from '../../util/values/have.ts';
import { withDryRun } from '../dry.ts';
import type { Item, Ports, Step, StepOptions } from '../ports.ts';

export interface LabelOptions extends StepOptions {
  readonly label: string;
  readonly change: LabelChange;
  readonly why?: string;
}

/** What is labelled: whole runs with all their passes, or single passes. */
export interface Labelled {
  readonly runs: readonly RunDoc[];
  readonly jobs: readonly JobDoc[];
}

/** Runs, and passes, of one batch: a few requests each. */
const BATCH = { runs: 500, jobs: 1000 } as const;

/** Adds a label to runs and passes, or takes it away. One item for each run or pass that was named. */
export function label(ports: Ports, { runs, jobs }: Labelled, options: LabelOptions): Step {
  return withDryRun(ports, options, async function* (on) {
    for (const some of batches(runs, BATCH.runs)) yield* labelRuns(on, some, options);
    for (const some of batches(jobs, BATCH.jobs)) {
      const outcomes = await labelJobs(on, some, options);
      for (const [index, job] of some.entries()) {
        const { run, module, pass } = job;
        const about = { kind: 'job', ref: refOf(run, module, pass), run, module, pass } as const;
        yield { ...about, ...said(options, [nth(outcomes, index)]) };
      }
    }
  });
}

/** The runs first: a pass that is made meanwhile takes its labels from them. */
async function* labelRuns(ports: Ports, runs: readonly RunDoc[], options: LabelOptions): Step {
  const at = await ports.store.now();
  const outcomes = await ports.store.bulk<RunDoc>(
    runs.map((base) => ({
      id: base._id,
      base,
      change: (doc) => {
        const next = doc && labelledRun(doc, options, at, ports.by);
        return next ? { write: next } : { skip: doc ? 'unchanged' : 'the run is gone' };
      },
    })),
  );
  const jobs = await ports.store.ranges<JobDoc>(
    spansOfRuns(
      JOB,
      runs.map(({ run }) => run),
    ),
  );
  const ofJobs = await labelJobs(ports, jobs, options);
  const byRun = groupBy(
    jobs.map(({ run }, index) => ({ run, outcome: nth(ofJobs, index) })),
    ({ run }) => run,
  );
  for (const [index, { run }] of runs.entries()) {
    const own = byRun.get(run)?.map(({ outcome }) => outcome) ?? [];
    const about = { kind: 'run', ref: refOf(run), run, passes: own.filter(tookEffect).length } as const;
    yield { ...about, ...said(options, [nth(outcomes, index)], own) };
  }
}

async function labelJobs(ports: Ports, jobs: readonly JobDoc[], options: LabelOptions): Promise<Outcome[]> {
  const at = await ports.store.now();
  return ports.store.bulk<JobDoc>(
    jobs.map((base) => ({
      id: base._id,
      base,
      change: (doc) => {
        const next = doc && labelledJob(doc, options, at, ports.by);
        return next ? { write: next } : { skip: doc ? 'unchanged' : 'the pass is gone' };
      },
    })),
  );
}

function labelledRun(doc: RunDoc, options: LabelOptions, at: Iso, by: string): RunDoc | undefined {
  const labels = labelsAfter(doc.labels, options.label, options.change);
  if (!labels) return undefined;
  const { labels: _, ...rest } = doc;
  const history = appendHistory(doc.history, entryOf(options, at, by));
  return { ...rest, ...(labels.length > 0 && { labels }), history };
}

/** What it waits for may have depended on its labels: submit looks again. */
function labelledJob(doc: JobDoc, options: LabelOptions, at: Iso, by: string): JobDoc | undefined {
  const labels = labelsAfter(doc.labels, options.label, options.change);
  if (!labels) return undefined;
  const moves = doc.subjobs.flatMap(({ index, state }): Move[] => {
    const awaits = state.name === 'waiting' && state.wake.kind === 'on' ? state.wake.id : '';
    const depends = awaits.startsWith('hold:') || awaits.startsWith(ROUTED);
    return depends ? [{ index, event: 'wake', to: madeReady(at) }] : [];
  });
  const woken = moves.length > 0 ? transition(doc, moves, at, by) : doc;
  return { ...woken, labels, history: appendHistory(woken.history, entryOf(options, at, by)) };
}

function entryOf({ label: name, change, why }: LabelOptions, at: Iso, by: string): HistoryEntry {
  const has = `label ${name}`;
  return { at, ...(change === 'add' ? { to: has } : { from: has, to: `no ${has}` }), by, ...given({ why }) };
}

/** What became of a run or a pass, and of the passes of the run. */
function said(
  { label: name, change }: LabelOptions,
  own: readonly Outcome[],
  passes: readonly Outcome[] = [],
): Pick<Item, 'text' | 'failed'> & { did: 'labelled' | 'unlabelled' | 'unchanged'; label: string } {
  const all = [...own, ...passes];
  const bad = all.filter(({ result, why }) => (result === 'skipped' ? why !== 'unchanged' : !isDone(result)));
  const done = passes.filter(tookEffect).length;
  const did = all.some(tookEffect) ? (change === 'add' ? 'labelled' : 'unlabelled') : 'unchanged';
  if (bad.length > 0) {
    const names = bad.slice(0, 3).map(({ id, result, why }) => `${id} (${why ?? result})`);
    const more = bad.length > 3 ? ` and ${bad.length - 3} more` : '';
    return { did, label: name, failed: true, text: `not written: ${names.join(', ')}${more}` };
  }
  if (did === 'unchanged') {
    const has = change === 'add' ? `has the label '${name}' already` : `does not have the label '${name}'`;
    return { did, label: name, text: has };
  }
  const some = done === 0 ? '' : `, with ${done} ${done === 1 ? 'pass' : 'passes'}`;
  return { did, label: name, text: `${name}${some}` };
}

const isDone = (result: Outcome['result']): boolean => result === 'written' || result === 'already';
