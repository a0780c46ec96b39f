// retry, cancel, reset by selection: an operator's wish, applied to passes. What a batch system may run is not changed
// here but marked as wanted; monitor stops it there until that is confirmed, and only then changes the state.
import { refOf } from '../../domain/ids.ts';
import { allows, type JobDoc, type Subjob } from '../../domain/jobs/job.ts';
import { causeOf, madeReady } from '../../domain/jobs/states.ts';
import type { Iso } from '../../util/time.ts';
import { withDryRun } from '../dry.ts';
import type { Item, ItemOf, Ports, Step, StepOptions } from '../ports.ts';
import { type Act, actsOf, moveDue } from './moves.ts';

export interface OperateOptions extends StepOptions {
  readonly why?: string;
  /** Subjob indexes by job id, where only some of a pass are meant. */
  readonly subjobs?: ReadonlyMap<string, readonly number[]>;
}

export interface RetryOptions extends OperateOptions {
  /** Only subjobs that failed or are held with one of these causes. */
  readonly causes?: readonly string[];
}

/** What an operator's wish means for one subjob. */
type Decide = (subjob: Subjob, at: Iso) => Act | undefined;

/** Same passes again: failed, canceled and held subjobs go back to waiting with all their tries. */
export function retry(ports: Ports, jobs: readonly JobDoc[], options: RetryOptions = {}): Step {
  const why = options.why ?? 'retry';
  const { causes } = options;
  return operated(ports, jobs, options, 'retried', (subjob, at) => {
    if (!allows('retry', subjob.state)) return undefined;
    if (causes && !causes.includes(causeOf(subjob.state) ?? '')) return undefined;
    const fields = { failures: 0, wanted: null, absent: null };
    return { index: subjob.index, event: 'retry', why, to: madeReady(at), with: fields };
  });
}

/** Also takes back what is active: it is stopped at the backend first. */
export function putBackSelected(ports: Ports, jobs: readonly JobDoc[], options: OperateOptions = {}): Step {
  const why = options.why ?? 'reset';
  return operated(ports, jobs, options, 'reset', (subjob, at) => {
    if (subjob.state.name === 'submitted' || subjob.state.name === 'running') {
      return subjob.wanted?.state === 'waiting'
        ? undefined
        : { index: subjob.index, with: { wanted: { state: 'waiting', at, by: ports.by, why } } };
    }
    // A claim that was never recorded has never run: its held job becomes an orphan, which monitor cancels.
    const event = subjob.state.name === 'submitting' ? 'unclaim' : 'retry';
    if (!allows(event, subjob.state)) return undefined;
    return { index: subjob.index, event, why, to: madeReady(at), with: { failures: 0 } };
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
  return { ...item, text: `is ${job.state}: nothing can be put back; a request makes a new pass`, next: again };
}

/** Stops jobs, also at the backend. Completed ones stay what they are. */
export function cancel(ports: Ports, jobs: readonly JobDoc[], options: OperateOptions = {}): Step {
  const why = options.why ?? 'canceled by an operator';
  return operated(ports, jobs, options, 'canceled', (subjob, at) => {
    const { state } = subjob;
    if (state.name === 'submitted' || state.name === 'running') {
      return subjob.wanted?.state === 'canceled'
        ? undefined
        : { index: subjob.index, with: { wanted: { state: 'canceled', at, by: ports.by, why } } };
    }
    // A claim that was never released has never run: its held job becomes an orphan, which monitor cancels.
    const event = state.name === 'submitting' ? 'stopped' : 'cancel';
    if (!allows(event, state)) return undefined;
    return { index: subjob.index, event, why, to: { name: 'canceled', since: at, why } };
  });
}

const operated = (...[ports, jobs, options, did, decide]: Parameters<typeof operate>): Step =>
  withDryRun(ports, options, (on) => operate(on, jobs, options, did, decide));

async function* operate(
  ports: Ports,
  jobs: readonly JobDoc[],
  options: OperateOptions,
  did: ItemOf<'job'>['did'],
  decide: Decide,
): Step {
  const at = await ports.store.now();
  const acts = (job: JobDoc): Act[] => {
    const only = options.subjobs?.get(job._id);
    return job.subjobs.filter(({ index }) => !only || only.includes(index)).flatMap((one) => decide(one, at) ?? []);
  };
  for (const outcome of await moveDue(ports, jobs, at, acts)) {
    for (const { job, act } of actsOf([outcome])) yield itemOf(job, act, did);
    if (outcome.result === 'lost' || outcome.result === 'frozen')
      yield { kind: 'job', ref: outcome.id, did: 'unchanged', failed: true, text: outcome.why ?? outcome.result };
  }
}

function itemOf(job: JobDoc, act: Act, did: ItemOf<'job'>['did']): Item {
  const ref = refOf(job.run, job.module, job.pass, act.index);
  const base = { kind: 'job', ref, run: job.run, module: job.module, pass: job.pass } as const;
  if ('event' in act) return { ...base, did, state: act.to.name };
  const text = 'the job is stopped at the batch system first';
  const wanted = act.with.wanted ? { wanted: act.with.wanted.state } : {};
  return { ...base, did: 'wanted', ...wanted, text, next: 'dflow monitor' };
}
