// retry, cancel, reset by selection: an operator's wish, applied to passes. What a batch system may run is not changed
// here but marked as wanted; monitor stops it there until that is confirmed, and only then changes the state.
import { refOf } from '../../domain/ids.ts';
import { allows, type JobDoc, type Move, type Subjob, touch, transition, type Wanted } from '../../domain/jobs/job.ts';
import { causeOf } from '../../domain/jobs/states.ts';
import { type Change, type Decision, tookEffect } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import type { Item, ItemOf, Ports, Step, StepOptions } from '../ports.ts';

export interface OperateOptions extends StepOptions {
  readonly why?: string;
  /** Subjob indexes by job id, where only some of a pass are meant. */
  readonly subjobs?: ReadonlyMap<string, readonly number[]>;
}

export interface RetryOptions extends OperateOptions {
  /** Only subjobs that failed or are held with one of these causes. */
  readonly causes?: readonly string[];
}

/** What a wish means for one subjob. */
type Act = { readonly move: Move } | { readonly index: number; readonly wish: Wanted } | undefined;
type Decide = (subjob: Subjob, at: Iso) => Act;

/** Same passes again: failed, canceled and held subjobs go back to waiting with all their tries. */
export function retry(ports: Ports, jobs: readonly JobDoc[], options: RetryOptions = {}): Step {
  const why = options.why ?? 'retry';
  const { causes } = options;
  return operate(ports, jobs, options, 'retried', (subjob, at) => {
    if (!allows('retry', subjob.state)) return undefined;
    if (causes && !causes.includes(causeOf(subjob.state) ?? '')) return undefined;
    return {
      move: {
        index: subjob.index,
        event: 'retry',
        why,
        to: { name: 'waiting', since: at, wake: { kind: 'ready' } },
        with: { failures: 0, wanted: null, absent: null },
      },
    };
  });
}

/** Also takes back what is active: it is stopped at the backend first. */
export function putBackSelected(ports: Ports, jobs: readonly JobDoc[], options: OperateOptions = {}): Step {
  const why = options.why ?? 'reset';
  return operate(ports, jobs, options, 'reset', (subjob, at) => {
    if (subjob.state.name === 'submitted' || subjob.state.name === 'running') {
      return subjob.wanted?.state === 'waiting'
        ? undefined
        : { index: subjob.index, wish: { state: 'waiting', at, by: ports.by, why } };
    }
    // A claim that was never recorded has never run: its held job becomes an orphan, which monitor cancels.
    const event = subjob.state.name === 'submitting' ? 'unclaim' : 'retry';
    if (!allows(event, subjob.state)) return undefined;
    const to = { name: 'waiting', since: at, wake: { kind: 'ready' } } as const;
    return { move: { index: subjob.index, event, why, to, with: { failures: 0 } } };
  });
}

/** Why a pass that was named is left as it is. */
export function untouched(job: JobDoc): Item {
  const ref = refOf(job.run, job.module, job.pass);
  const wish = job.subjobs.find(({ wanted }) => wanted)?.wanted;
  const item: Item = { kind: 'job', ref, run: job.run, module: job.module, pass: job.pass, did: 'unchanged' };
  if (wish) return { ...item, text: `to be put back since ${wish.at} (${wish.by})`, next: 'dflow monitor' };
  if (job.state === 'waiting') return { ...item, text: 'is waiting already', next: `dflow why ${ref}` };
  const again = `dflow reprocess --request ${job.module}-${job.run} --module ${job.module} --run ${job.run}`;
  return { ...item, text: `is ${job.state}: nothing is to be put back; a request makes a new pass`, next: again };
}

/** Stops jobs, also at the backend. Completed ones stay what they are. */
export function cancel(ports: Ports, jobs: readonly JobDoc[], options: OperateOptions = {}): Step {
  const why = options.why ?? 'canceled by an operator';
  return operate(ports, jobs, options, 'canceled', (subjob, at) => {
    const { state } = subjob;
    if (state.name === 'submitted' || state.name === 'running') {
      return subjob.wanted?.state === 'canceled'
        ? undefined
        : { index: subjob.index, wish: { state: 'canceled', at, by: ports.by, why } };
    }
    // A claim that was never released has never run: its held job becomes an orphan, which monitor cancels.
    const event = state.name === 'submitting' ? 'stopped' : 'cancel';
    if (!allows(event, state)) return undefined;
    return { move: { index: subjob.index, event, why, to: { name: 'canceled', since: at, why } } };
  });
}

async function* operate(
  ports: Ports,
  jobs: readonly JobDoc[],
  options: OperateOptions,
  did: ItemOf<'job'>['did'],
  decide: Decide,
): Step {
  const at = await ports.store.now();
  if (options.dryRun) {
    for (const job of jobs)
      for (const act of acts(job, options, decide, at)) yield { ...itemOf(job, act, did), dryRun: true };
    return;
  }
  const done = new Map<string, NonNullable<Act>[]>();
  const outcomes = await ports.store.bulk<JobDoc>(
    jobs.map(
      (job): Change<JobDoc> => ({
        id: job._id,
        base: job,
        change: (doc): Decision<JobDoc> => {
          const found = doc ? acts(doc, options, decide, at) : [];
          done.set(job._id, found);
          return doc && found.length > 0
            ? { write: applyActs(ports, doc, found, at) }
            : { skip: 'nothing of it can be changed so' };
        },
      }),
    ),
  );
  for (const outcome of outcomes) {
    if (tookEffect(outcome)) for (const act of done.get(outcome.id) ?? []) yield itemOf(outcome.doc!, act, did);
    else if (outcome.result !== 'skipped')
      yield { kind: 'job', ref: outcome.id, did: 'unchanged', failed: true, text: outcome.why ?? outcome.result };
  }
}

function acts(job: JobDoc, options: OperateOptions, decide: Decide, at: Iso): NonNullable<Act>[] {
  const only = options.subjobs?.get(job._id);
  return job.subjobs
    .filter((subjob) => !only || only.includes(subjob.index))
    .flatMap((subjob) => decide(subjob, at) ?? []);
}

function applyActs(ports: Ports, job: JobDoc, found: readonly NonNullable<Act>[], at: Iso): JobDoc {
  const moves = found.flatMap((act) => ('move' in act ? [act.move] : []));
  let next = moves.length > 0 ? transition(job, moves, at, ports.by) : job;
  for (const act of found) if ('wish' in act) next = touch(next, act.index, { wanted: act.wish });
  return next;
}

function itemOf(job: JobDoc, act: NonNullable<Act>, did: ItemOf<'job'>['did']): Item {
  const index = 'move' in act ? act.move.index : act.index;
  const ref = refOf(job.run, job.module, job.pass, index);
  const base = { kind: 'job', ref, run: job.run, module: job.module, pass: job.pass } as const;
  if ('move' in act) return { ...base, did, state: act.move.to.name };
  return {
    ...base,
    did: 'wanted',
    wanted: act.wish.state,
    text: 'it is stopped at the batch system first',
    next: 'dflow monitor',
  };
}
