// submit: hands what is ready to the batch system, each attempt once: claim, submit held, record, release.
// docs/architecture.md says why that is exactly once.

import type { Refused, Task } from '../../../backend.ts';
import type { FarmDoc } from '../../../domain/farms/farm.ts';
import { drainOf, endText } from '../../../domain/hold.ts';
import { leaseId, refOf } from '../../../domain/ids.ts';
import { keyOf } from '../../../domain/jobs/states.ts';
import { allOf } from '../../../util/concurrency.ts';
import { messageOf } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import { withDryRun } from '../../dry.ts';
import { requireCredentials } from '../../farms/credentials.ts';
import { activeCount, farmDoc, farmSettings, openFarm } from '../../farms/farm.ts';
import { type FarmStorages, farmStorages } from '../../farms/farmstorages.ts';
import { FREE, type Lease, standingLease, takeLease } from '../../farms/lease.ts';
import { lendAll } from '../../farms/lend.ts';
import { badModules } from '../../jobs/badmodules.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import { sweep } from '../../jobs/wake.ts';
import type { Item, ItemOf, OpenFarm, Ports, Step, StepOptions } from '../../ports.ts';
import { type Attempt, type Claim, claimAttempts, recordAttempts, unclaim } from './claim.ts';
import { gateJobs, type Picked, pick } from './pick.ts';
import type { Order } from './queue.ts';
import { holdRefused } from './refused.ts';
import { type Impossible, sortOut, tasksOf } from './tasks.ts';

export interface SubmitOptions extends StepOptions {
  readonly site?: string;
  readonly order?: Order;
  /** False: without the lease, which keeps submitters out of each other's way but is not what makes them safe. */
  readonly lease?: boolean;
}

/** Subjobs handed over in one claim: as many as a store writes together, so that a thousand need one call of sbatch. */
const CLAIM = 1000;

/** Passes named in one call that cannot be submitted. */
const NAMED = 20;

/** Submits what is ready, as far as there are slots. */
export function submit(ports: Ports, options: SubmitOptions = {}): Step {
  return withDryRun(ports, options, (on) => submitReady(on, options));
}

async function* submitReady(ports: Ports, options: SubmitOptions): Step {
  const { name } = farmSettings(ports, options.site);
  // All at once: over a long line each question costs a round trip.
  const [drained, standing, doc] = await Promise.all([
    drainedBy(ports, options.site),
    ports.dry ? undefined : standingLease(ports, leaseId('submit', name)),
    ports.dry ? undefined : farmDoc(ports, name),
  ]);
  if (drained) {
    yield drained;
    return;
  }
  yield* badModules(ports);
  yield* requireCredentials(ports);
  if (ports.dry) {
    yield* preview(ports, options);
    return;
  }
  const lease = options.lease === false ? FREE : await takeLease(ports, 'submit', name, standing);
  try {
    if (lease.note !== undefined) yield { kind: 'farm', ref: name, did: 'took-over', text: lease.note };
    yield* submitAll(ports, lease, options, given({ doc }));
  } finally {
    // Left behind it is taken over; what went wrong before is what matters.
    const released = lease.release().catch(() => undefined);
    if (ports.round) ports.round.after.push(released);
    else await released;
  }
}

async function* submitAll(ports: Ports, lease: Lease, options: SubmitOptions, known: { readonly doc?: FarmDoc }): Step {
  const [open, slots] = await allOf(
    openFarm(ports, options.site, known),
    freeSlots(ports, options),
    sweep(ports, farmSettings(ports, options.site).name),
  );
  const most = Math.min(CLAIM, open.backend.most ?? CLAIM);
  let room = slots;
  const stuck = new Map<string, Impossible>();
  let elements: FarmStorages | undefined;
  // Other submitters may win every claim of a round; a few such rounds in a row and they are left to it.
  for (let idle = 0; room > 0 && idle < 5 && (await lease.renew()); ) {
    const wanted = { room: Math.min(room, most), order: options.order ?? 'priority', skip: stuck };
    const picked = await pick(ports, open.farm, wanted);
    if (picked.examined === 0) break;
    await gateJobs(ports, picked.gated);
    if (picked.ready.length > 0) elements ??= await farmStorages(ports, open.farm);
    const before = stuck.size;
    const claimed = elements ? yield* handOver(ports, open, elements, picked, stuck) : 0;
    room -= claimed;
    idle = claimed > 0 || picked.gated.length > 0 || stuck.size > before ? 0 : idle + 1;
  }
  yield* leftOut(open, elements, stuck);
  await open.backend.ensure();
}

/** What could not be handed over, and the elements that are missing for it. */
function* leftOut(
  { farm }: OpenFarm,
  elements: FarmStorages | undefined,
  stuck: ReadonlyMap<string, Impossible>,
): Generator<Item, void, void> {
  for (const [name, why] of elements?.away ?? []) {
    const text = `cannot be reached, so jobs are submitted without it: ${why}`;
    yield { kind: 'storage', ref: name, did: 'skipped', text, next: `dflow why ${name}` };
  }
  const many = [...stuck.values()];
  for (const { job, index, why } of many.slice(0, NAMED)) {
    const next = `dflow why ${refOf(job.run, job.module, job.pass)}`;
    yield { ...attemptItem({ job, index }, farm.name), did: 'not-submitted', failed: true, text: why, next };
  }
  if (many.length <= NAMED) return;
  const text = `${many.length - NAMED} more passes cannot be submitted now, for reasons like these`;
  yield { kind: 'farm', ref: farm.name, did: 'not-submitted', failed: true, text, next: 'dflow why --all' };
}

async function freeSlots(ports: Ports, options: SubmitOptions): Promise<number> {
  const farm = farmSettings(ports, options.site);
  const free = farm.slots + farm.pending - (await activeCount(ports, farm.name));
  return Math.max(0, Math.min(free, options.limit ?? free));
}

/** A drain or a pause of the whole site, as an item that says so. */
async function drainedBy(ports: Ports, site: string | undefined): Promise<Item | undefined> {
  const farm = farmSettings(ports, site);
  const holds = await activeHolds(ports.store, await ports.store.now());
  const hold = drainOf(holds, farm.name);
  if (!hold) return undefined;
  return {
    kind: 'farm',
    ref: farm.name,
    did: 'drained',
    text: `${hold.what}: ${hold.why}${endText(hold)}`,
    next: `dflow resume ${hold._id}`,
  };
}

/** What a submit would hand over now: the same picking and the same readiness, nothing written. */
async function* preview(ports: Ports, options: SubmitOptions): Step {
  const farm = farmSettings(ports, options.site);
  const room = await freeSlots(ports, options);
  const picked = await pick(ports, farm, { room, order: options.order ?? 'priority', all: true });
  for (const { job, subjobs } of picked.ready) {
    for (const index of subjobs) yield attemptItem({ job, index }, farm.name);
  }
}

function attemptItem(attempt: Pick<Attempt, 'job' | 'index'>, site: string): ItemOf<'job'> {
  const { job, index } = attempt;
  return {
    kind: 'job',
    ref: refOf(job.run, job.module, job.pass, index),
    did: 'submitted',
    run: job.run,
    module: job.module,
    pass: job.pass,
    site,
    text: `at ${site}, ${job.version}`,
  };
}

/** One claim through all four steps. Returns how many subjobs were claimed. */
async function* handOver(
  ports: Ports,
  open: OpenFarm,
  elements: FarmStorages,
  picked: Picked,
  stuck: Map<string, Impossible>,
): AsyncGenerator<Item, number, void> {
  const { possible, impossible } = sortOut(ports, elements, picked.ready);
  for (const one of impossible) stuck.set(one.job._id, one);
  const claim = possible.length === 0 ? undefined : await claimAttempts(ports, open, possible);
  if (!claim || claim.attempts.length === 0) return 0;
  const { tasks, impossible: late } = tasksOf(ports, elements, claim, possible);
  for (const one of late) stuck.set(one.job._id, one);
  await unclaim(
    ports,
    late.map(({ attempt }) => attempt),
  );
  if (tasks.length === 0) return 0;
  const lent = await lendAll(elements.storages, tasks).catch(async (error: unknown) => {
    // No task was handed over: none of them may stay claimed.
    await unclaim(ports, claim.attempts);
    throw error;
  });
  let answers: Map<string, string | Refused>;
  try {
    answers = await open.backend.submit(claim.nonce, lent);
  } catch (error) {
    yield unknownItem(claim, open, error);
    throw error;
  }
  const ids = new Map([...answers].flatMap(([key, answer]) => (typeof answer === 'string' ? [[key, answer]] : [])));
  yield* recordAndRelease(ports, open, claim, tasks, ids);
  for (const { attempt, failure } of await holdRefused(ports, claim, answers)) {
    const text = `refused: ${failure.reason}`;
    yield { ...attemptItem(attempt, open.farm.name), did: 'refused', failed: true, cause: failure.cause, text };
  }
  return claim.attempts.length;
}

function unknownItem(claim: Claim, open: OpenFarm, error: unknown): Item {
  return {
    kind: 'farm',
    ref: open.farm.name,
    did: 'unknown',
    failed: true,
    subjobs: claim.attempts.length,
    text: `submitting ${claim.attempts.length} subjobs: ${messageOf(error)}; the batch system may have taken them; reset puts them back`,
    next: `dflow monitor --site ${open.farm.name}`,
  };
}

async function* recordAndRelease(
  ports: Ports,
  open: OpenFarm,
  claim: Claim,
  tasks: readonly Task[],
  ids: ReadonlyMap<string, string>,
): AsyncGenerator<Item, void, void> {
  const handed = new Set(tasks.map((task) => task.key));
  const { recorded, lost } = await recordAttempts(ports, claim, ids);
  if (lost.length > 0)
    await open.backend.cancel(lost.map((attempt) => keyOf(attempt.lock)).filter((key) => handed.has(key)));
  await open.backend.release(recorded.map((attempt) => keyOf(attempt.lock)));
  for (const attempt of recorded) yield { ...attemptItem(attempt, open.farm.name), key: keyOf(attempt.lock) };
}
