// reset: puts stuck and lost work back, ends what has expired, and clears away closed claims. With a selection it is
// `retry`. It never touches what a batch system may still run, unless the site has been away for `giveUp`.
import type { ClaimDoc, FarmDoc } from '../../../domain/farms/farm.ts';
import { farmId, refOf } from '../../../domain/ids.ts';
import type { JobDoc, Move } from '../../../domain/jobs/job.ts';
import { isActive, keyOf, madeReady } from '../../../domain/jobs/states.ts';
import { type Change, idsWith } from '../../../store.ts';
import { between, type Iso, isAhead, plus } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { withDryRun } from '../../dry.ts';
import { openClaims, unsettled } from '../../farms/openclaims.ts';
import { actsOf, moveRows } from '../../jobs/moves.ts';
import { openHolds } from '../../jobs/openholds.ts';
import { awaitedIds, heldRows, sweep, wakeHeld } from '../../jobs/wake.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { endExpired } from '../../switches/holds.ts';

export interface ResetOptions extends StepOptions {
  readonly site?: string;
}

/** One round of putting back. */
export function reset(ports: Ports, options: ResetOptions = {}): Step {
  return withDryRun(ports, options, (on) => putRight(on, options));
}

async function* putRight(ports: Ports, options: ResetOptions): Step {
  const site = options.site ?? ports.settings.farm;
  const now = await ports.store.now();
  const { limits } = ports.settings;
  // Views are hints, and documents are read again before they are changed: so all may be asked at once.
  const [open, submitting, farms, claims, held, awaited] = await Promise.all([
    openHolds(ports.store),
    ports.store.view(views.active, { prefix: [site, 'submitting'] }),
    ports.store.range<FarmDoc>(idsWith('farm:')),
    openClaims(ports.store, site, now, CLAIMS, plus(now, -2 * limits.submitting)),
    heldRows(ports, now),
    awaitedIds(ports),
  ]);
  yield* endExpired(ports, open, now);
  yield* unclaim(ports, submitting, site, plus(now, -limits.submitting), 'submit never recorded it');
  yield* otherSites(ports, farms, site, now);
  const counts = await Promise.all([wakeHeld(ports, held, now), sweep(ports, ports.settings.farm, awaited)]);
  const woken = counts.reduce((total, count) => total + count, 0);
  if (woken > 0) yield { kind: 'job', ref: 'all', did: 'woken', jobs: woken };
  await closeClaims(ports, claims);
}

/** Puts claims back that were never recorded: they have never run. `before`: only those claimed before. */
async function* unclaim(ports: Ports, rows: readonly { id: string }[], site: string, before: Iso, why: string): Step {
  yield* putBack(ports, rows, (job, at) =>
    job.subjobs.flatMap(({ index, state }): Move[] => {
      if (state.name !== 'submitting' || state.lock.site !== site) return [];
      // Claimed beyond now, by a wrong clock: it would wait for that day. Who still submits it loses the record.
      if (state.since > before && !isAhead(state.since, at)) return [];
      return [{ index, event: 'unclaim', why, to: madeReady(at) }];
    }),
  );
}

/** Sites that have not been heard of: their claims after `stale`, what they run after `giveUp`. */
async function* otherSites(ports: Ports, farms: readonly FarmDoc[], own: string, now: Iso): Step {
  const { limits } = ports.settings;
  for (const farm of farms.filter((candidate) => candidate.site !== own)) {
    // By a clock that is read now: this process may have been stopped since it began.
    const fresh = isAhead(farm.heartbeat, now) ? await ports.store.now() : now;
    if (isAhead(farm.heartbeat, fresh)) {
      yield await dateBack(ports, farm, fresh);
      continue;
    }
    const silent = between(farm.heartbeat, now);
    if (silent <= limits.stale) continue;
    const rows = await ports.store.view(views.active, { prefix: [farm.site, 'submitting'] });
    yield* unclaim(ports, rows, farm.site, farm.heartbeat, `${farm.site}: no heartbeat since ${farm.heartbeat}`);
    if (silent > limits.giveUp) yield* giveUp(ports, farm);
  }
}

/** A heartbeat beyond now is no sign of life: its silence is counted from now on. */
async function dateBack({ store }: Ports, farm: FarmDoc, now: Iso): Promise<Item> {
  const text = `its heartbeat is dated ${farm.heartbeat}, beyond the store's clock: it counts as ${now}`;
  const item: Item = { kind: 'farm', ref: farm.site, did: 'dated-back', text };
  await store.update<FarmDoc>(farmId(farm.site), (doc) =>
    doc && doc.heartbeat === farm.heartbeat ? { write: { ...doc, heartbeat: now } } : { skip: 'it is back' },
  );
  return item;
}

/** Gives a silent site's work up: its epoch is bumped, then its jobs are put back one by one. */
export async function* giveUp(ports: Ports, farm: FarmDoc): Step {
  const rows = await ports.store.view(views.active, { prefix: [farm.site] });
  if (rows.length === 0) return;
  const { doc: fresh } = await ports.store.update<FarmDoc>(farmId(farm.site), (doc) =>
    doc && doc.heartbeat === farm.heartbeat ? { write: { ...doc, epoch: doc.epoch + 1 } } : { skip: 'it is back' },
  );
  if (fresh?.heartbeat !== farm.heartbeat) return;
  yield* abandon(ports, farm.site, fresh.epoch, `${farm.site} was given up: no heartbeat since ${farm.heartbeat}`);
}

/** Puts back everything that is locked to a site under an epoch before `epoch`, whatever the batch system does with it. */
export async function* abandon(ports: Ports, site: string, epoch: number, why: string): Step {
  const rows = await ports.store.view(views.active, { prefix: [site] });
  yield* putBack(ports, rows, (job, at) =>
    job.subjobs.flatMap(({ index, state }): Move[] => {
      // The site may be back by now, and what it has claimed since is not what was given up.
      if (!isActive(state) || !('lock' in state) || state.lock?.site !== site || state.lock.epoch >= epoch) return [];
      const event = state.name === 'submitting' ? 'unclaim' : 'giveUp';
      return [{ index, event, why, to: madeReady(at), with: { wanted: null, absent: null } }];
    }),
  );
}

/** Applies moves to jobs, one item per move. */
async function* putBack(ports: Ports, rows: readonly { id: string }[], moves: (job: JobDoc, at: Iso) => Move[]): Step {
  for (const { job, act } of actsOf(await moveRows(ports, rows, moves))) {
    const ref = refOf(job.run, job.module, job.pass, act.index);
    const text = 'why' in act ? act.why : '';
    yield { kind: 'job', ref, did: 'put-back', text, state: 'waiting' };
  }
}

/** Claims looked at in one round. */
const CLAIMS = 50;

/**
 * Removes index maps that nothing can refer to any more: the claim is older than a submit may take, and no subjob is
 * locked with it except ended ones, and none of its attempts that were given up may still run. A held leftover of it
 * that shows up later is an orphan and is cancelled as such.
 */
async function closeClaims(ports: Ports, claims: readonly ClaimDoc[]): Promise<void> {
  if (claims.length === 0) return;
  const jobs = await ports.store.get<JobDoc>([...new Set(claims.flatMap((claim) => claim.refs.map(([id]) => id)))]);
  const closed = claims.filter(
    (claim) =>
      unsettled(claim, jobs).length === 0 &&
      claim.refs.every(([id, index], at) => !isActiveUnder(jobs.get(id), index, `${claim.nonce}.${at}`)),
  );
  await ports.store.bulk(
    closed.map(
      (claim): Change<ClaimDoc> => ({
        id: claim._id,
        base: claim,
        change: (doc) => (doc && doc.taken === claim.taken ? { remove: true } : { skip: 'gone, or in use again' }),
      }),
    ),
  );
}

function isActiveUnder(job: JobDoc | undefined, index: number, key: string): boolean {
  const state = job?.subjobs[index]?.state;
  const active = state?.name === 'submitting' || state?.name === 'submitted' || state?.name === 'running';
  return active && keyOf(state.lock) === key;
}
