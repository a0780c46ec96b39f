// submit: hands what is ready to the batch system, each attempt once. Hold, record, release (docs/architecture.md):
//   1. claim    waiting -> submitting by compare-and-swap, after the claim's index map was written
//   2. submit   held at the backend: nothing may start yet; an error here means unknown, not refused
//   3. record   submitting -> submitted by compare-and-swap; who loses this cancels its held job
//   4. release  the recorded ones
// So "submitting" has never run, and whoever is killed anywhere leaves only held jobs, which monitor releases or cancels.

import type { Refused, Task } from '../backend.ts';
import { covers } from '../domain/hold.ts';
import { refOf } from '../domain/ids.ts';
import { keyOf } from '../domain/states.ts';
import { together } from '../util/concurrency.ts';
import { messageOf } from '../util/errors.ts';
import { requireCredentials } from './credentials.ts';
import { activeCount, farmSettings, type OpenFarm, openFarm } from './farm.ts';
import { activeHolds } from './holds.ts';
import { FREE, type Lease, takeLease } from './lease.ts';
import type { Item, Ports, Step, StepOptions } from './ports.ts';
import { type Attempt, type Claim, claimAttempts, recordAttempts, unclaimAttempts } from './submit/claim.ts';
import { gateJobs, type Picked, pick } from './submit/pick.ts';
import type { Order } from './submit/queue.ts';
import { holdRefused } from './submit/refused.ts';
import { tasksOf } from './submit/tasks.ts';
import { sweep } from './wake.ts';

export interface SubmitOptions extends StepOptions {
  readonly site?: string;
  readonly order?: Order;
  /** False: without the lease, which keeps submitters out of each other's way but is not what makes them safe. */
  readonly lease?: boolean;
}

/** Subjobs handed over in one claim: a thousand need two calls of sbatch, and half of them are claimed during the first. */
const CLAIM = 500;

/** Submits what is ready, as far as there are slots. */
export async function* submit(ports: Ports, options: SubmitOptions = {}): Step {
  const drained = await drainedBy(ports, options.site);
  if (drained) {
    yield drained;
    return;
  }
  yield* requireCredentials(ports, options);
  if (options.dryRun) {
    yield* preview(ports, options);
    return;
  }
  const { name } = farmSettings(ports, options.site);
  const lease = options.lease === false ? FREE : await takeLease(ports, 'submit', name);
  try {
    yield* submitAll(ports, lease, options);
  } finally {
    // Left behind it is taken over; what went wrong before is what matters.
    await lease.release().catch(() => undefined);
  }
}

/** The batch system takes a while for each claim: the one before is recorded and released, the next one made meanwhile. */
async function* submitAll(ports: Ports, lease: Lease, options: SubmitOptions): Step {
  const work = await begin(ports, lease, options);
  const { open } = work;
  let next = await nextClaim(ports, work);
  let sent: Sent | undefined;
  let failed: Failed | undefined;
  try {
    while (sent || (next && !failed)) {
      const going = failed ? undefined : next;
      if (going) next = undefined;
      const [answered, finished, following] = await Promise.all([
        going && send(open, going),
        sent && finish(ports, open, sent),
        going && nextClaim(ports, work).catch((error: unknown): Failed => ({ error })),
      ]);
      sent = answered && 'answers' in answered ? answered : undefined;
      if (following && 'claim' in following) next = following;
      yield* finished?.items ?? [];
      yield* answered?.items ?? [];
      failed ??= [finished, answered, following].find((one): one is Failed => one !== undefined && 'error' in one);
    }
  } finally {
    // Whoever listens has gone, or something went wrong: what was sent is not left alone; the next was never sent.
    if (sent) await finish(ports, open, sent);
    if (next) await unclaimAttempts(ports, next.claim, 'never handed over').catch(() => undefined);
  }
  if (failed) throw failed.error;
  await open.backend.ensure();
}

/** What the claims of one submit share. */
interface Work {
  readonly open: OpenFarm;
  readonly lease: Lease;
  readonly order: Order;
  /** Subjobs in one claim. */
  readonly most: number;
  /** Free slots. */
  room: number;
  /** Rounds in a row that changed nothing. */
  idle: number;
  /** What was looked up already. */
  picked?: Picked | undefined;
}

async function begin(ports: Ports, lease: Lease, options: SubmitOptions): Promise<Work> {
  const farm = farmSettings(ports, options.site);
  const backend = await ports.backend(farm.name);
  const most = Math.min(CLAIM, backend.most ?? CLAIM);
  const order = options.order ?? 'priority';
  const first = async () => {
    await sweep(ports, farm.name);
    const room = await freeSlots(ports, options);
    return { room, ...(room > 0 ? { picked: await pick(ports, farm, { room: Math.min(room, most), order }) } : {}) };
  };
  // A batch system takes a while to say who it is: what is ready is looked up meanwhile, and nothing is claimed before.
  const [open, found] = await together(openFarm(ports, options.site), first());
  return { open, lease, order, most, idle: 0, ...found };
}

/** A claim that can be handed over. */
interface Prepared {
  readonly claim: Claim;
  readonly tasks: readonly Task[];
  /** Attempts that no task can be made of, and why. */
  readonly impossible: readonly (readonly [Attempt, string])[];
}

/** Picks and claims what goes next; `undefined` when there is nothing more, or it is somebody else's business now. */
async function nextClaim(ports: Ports, work: Work): Promise<Prepared | undefined> {
  const { open, lease, order, most } = work;
  // Other submitters may win every claim of a round; a few such rounds in a row and they are left to it.
  while (work.room > 0 && work.idle < 5) {
    const picked = work.picked ?? (await pick(ports, open.farm, { room: Math.min(work.room, most), order }));
    work.picked = undefined;
    if (picked.examined === 0 || !(await lease.renew())) return undefined;
    await gateJobs(ports, picked.gated);
    const claim = picked.ready.length > 0 ? await claimAttempts(ports, open, picked.ready) : undefined;
    const claimed = claim?.attempts.length ?? 0;
    work.room -= claimed;
    work.idle = claimed > 0 || picked.gated.length > 0 ? 0 : work.idle + 1;
    if (claim && claimed > 0) return { claim, ...(await tasksOf(ports, open.farm, claim, picked)) };
  }
  return undefined;
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
  const hold = holds.find((candidate) => candidate.scope.sites && covers(candidate.scope, { site: farm.name }));
  if (!hold) return undefined;
  return {
    kind: 'farm',
    ref: farm.name,
    did: 'drained',
    text: `${hold.what}: ${hold.why}`,
    next: `dflow resume ${hold._id}`,
  };
}

/** What a submit would hand over now: the same picking and the same readiness, nothing written. */
async function* preview(ports: Ports, options: SubmitOptions): Step {
  const farm = farmSettings(ports, options.site);
  const room = await freeSlots(ports, options);
  const picked = await pick(ports, farm, { room, order: options.order ?? 'priority', all: true });
  for (const { job, subjobs } of picked.ready) {
    for (const index of subjobs) yield { ...attemptItem({ job, index }, farm.name), dryRun: true };
  }
}

function attemptItem(attempt: Pick<Attempt, 'job' | 'index'>, site: string): Item {
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

/** A claim that the batch system has answered. */
interface Sent extends Prepared {
  readonly answers: ReadonlyMap<string, string | Refused>;
}

interface Told {
  readonly items: readonly Item[];
}

interface Failed {
  readonly error: unknown;
}

/** Step 2 of a claim. Never throws: other claims are under way. */
async function send(open: OpenFarm, prepared: Prepared): Promise<(Sent & Told) | (Failed & Told)> {
  const { claim, tasks, impossible } = prepared;
  const items: Item[] = impossible.map(([attempt, why]) => {
    return { ...attemptItem(attempt, open.farm.name), did: 'not-submitted', failed: true, text: why };
  });
  try {
    return { ...prepared, items, answers: await open.backend.submit(claim.nonce, tasks) };
  } catch (error) {
    return { items: [...items, unknownItem(claim, open, error)], error };
  }
}

/** Steps 3 and 4 of a claim; what is refused is held. Never throws: what was done is to be told first. */
async function finish(ports: Ports, open: OpenFarm, sent: Sent): Promise<Told | (Failed & Told)> {
  const { claim, answers } = sent;
  const items: Item[] = [];
  try {
    items.push(...(await recordAndRelease(ports, open, sent)));
    for (const { attempt, failure } of await holdRefused(ports, claim, answers)) {
      const text = `refused: ${failure.reason}`;
      const { cause } = failure;
      items.push({ ...attemptItem(attempt, open.farm.name), did: 'refused', failed: true, cause, text });
    }
    return { items };
  } catch (error) {
    return { items, error };
  }
}

function unknownItem(claim: Claim, open: OpenFarm, error: unknown): Item {
  return {
    kind: 'farm',
    ref: open.farm.name,
    did: 'unknown',
    failed: true,
    subjobs: claim.attempts.length,
    text: `submitting ${claim.attempts.length} subjobs: ${messageOf(error)}; they may have been taken, and are put back by reset`,
    next: `dflow monitor --site ${open.farm.name}`,
  };
}

async function recordAndRelease(ports: Ports, { backend, farm }: OpenFarm, sent: Sent): Promise<Item[]> {
  const handed = new Set(sent.tasks.map((task) => task.key));
  const ids = new Map(
    [...sent.answers].flatMap(([key, answer]) => (typeof answer === 'string' ? [[key, answer]] : [])),
  );
  const { recorded, lost } = await recordAttempts(ports, sent.claim, ids);
  if (lost.length > 0) await backend.cancel(lost.map(({ lock }) => keyOf(lock)).filter((key) => handed.has(key)));
  await backend.release(recorded.map(({ lock }) => keyOf(lock)));
  return recorded.map((attempt) => ({ ...attemptItem(attempt, farm.name), key: keyOf(attempt.lock) }));
}
