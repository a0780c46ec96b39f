// Which ready passes go next: the queue order, the fair share of automatic and requested work, and readiness on fresh
// documents. What turns out not to be ready is told what to wait for, so that it costs nothing until that comes.
import type { JobDoc, Move, Subjob } from '../../../domain/jobs/job.ts';
import type { JobFacts } from '../../../domain/jobs/readiness.ts';
import { firstUnmet, type Gate, jobGates } from '../../../domain/jobs/readiness.ts';
import type { FarmSettings } from '../../../domain/settings.ts';
import { SHARES } from '../../../views/jobs.ts';
import { jobFacts } from '../../jobs/facts.ts';
import { moveJobs } from '../../jobs/moves.ts';
import type { Ports, ReadPorts } from '../../ports.ts';
import { type Order, queue } from './queue.ts';

export interface Ready {
  readonly job: JobDoc;
  readonly facts: JobFacts;
  /** Indexes of the subjobs to claim. */
  readonly subjobs: readonly number[];
}

export interface Gated {
  readonly job: JobDoc;
  readonly gate: Gate;
}

export interface Picked {
  readonly ready: readonly Ready[];
  readonly gated: readonly Gated[];
  /** Passes that were looked at; 0: the queue is empty. */
  readonly examined: number;
}

export interface PickOptions {
  /** Subjobs wanted at most. */
  readonly room: number;
  readonly order: Order;
  /** Passes that cannot be submitted now, though they are ready. */
  readonly skip?: ReadonlyMap<string, unknown>;
  /** Look past gated passes until the room is filled, or there are no more (dry-run, which cannot put them aside). */
  readonly all?: boolean;
}

/** How far down the queue one looks for what can be submitted, in subjobs. */
const FAR = 20_000;

/**
 * The next passes of the queue, judged. What stays in the queue and cannot go (in conflict, or of `skip`) is read past:
 * however many of those stand at its head, they keep nobody else waiting.
 */
export async function pick(ports: Ports, farm: FarmSettings, options: PickOptions): Promise<Picked> {
  const seen = new Set<string>(options.skip?.keys());
  const found: Picked[] = [];
  let left = options.room;
  for (let reach = options.room; ; reach *= 4) {
    const named = await candidates(ports, { ...options, room: reach });
    const ids = named.ids.filter((id) => !seen.has(id));
    for (const id of ids) seen.add(id);
    const picked = await judged(ports, farm, ids, left);
    found.push(picked);
    left -= picked.ready.reduce((total, { subjobs }) => total + subjobs.length, 0);
    const enough = options.all ? left <= 0 : picked.examined > 0 || reach >= FAR;
    if (enough || named.all) return joined(found);
  }
}

function joined(found: readonly Picked[]): Picked {
  return {
    ready: found.flatMap(({ ready }) => ready),
    gated: found.flatMap(({ gated }) => gated),
    examined: found.reduce((total, { examined }) => total + examined, 0),
  };
}

/** Those of `ids` that may go, and those that must wait. */
async function judged(ports: Ports, farm: FarmSettings, ids: readonly string[], room: number): Promise<Picked> {
  if (ids.length === 0) return { ready: [], gated: [], examined: 0 };
  const docs = await ports.store.get<JobDoc>(ids);
  const jobs = ids.flatMap((id) => docs.get(id) ?? []).filter((job) => readySubjobs(job).length > 0);
  const factsOf = await jobFacts(ports, jobs);
  const ready: Ready[] = [];
  const gated: Gated[] = [];
  let left = room;
  for (const job of jobs) {
    const facts = factsOf(job, farm);
    const unmet = firstUnmet(jobGates(facts));
    if (unmet) gated.push({ job, gate: unmet });
    else if (left > 0) {
      const subjobs = readySubjobs(job)
        .slice(0, left)
        .map(({ index }) => index);
      left -= subjobs.length;
      ready.push({ job, facts, subjobs });
    }
  }
  return { ready, gated, examined: ready.length + gated.length };
}

function readySubjobs(job: JobDoc): Subjob[] {
  if (job._conflicts) return [];
  return job.subjobs.filter(({ state }) => state.name === 'waiting' && state.wake.kind === 'ready');
}

/**
 * Ids from the ready view: each share gets its part of the room, and what one leaves flows to the other. `all`: there
 * are no more.
 */
async function candidates(ports: ReadPorts, options: PickOptions): Promise<{ ids: readonly string[]; all: boolean }> {
  const limit = options.room;
  const [automatic, requested] = await Promise.all(
    SHARES.map((share) => queue(ports.store, share, options.order, limit)),
  );
  const auto = takes(automatic ?? []);
  const asked = takes(requested ?? []);
  const ids = shareOut(auto, asked, options.room, ports.settings.automatic.share);
  const read = auto.length < limit && asked.length < limit;
  return { ids, all: read && ids.length === auto.length + asked.length };
}

interface Candidate {
  readonly id: string;
  readonly subjobs: number;
}

function takes(rows: readonly { id: string; value: unknown }[]): Candidate[] {
  return rows.map((row) => ({ id: row.id, subjobs: typeof row.value === 'number' ? row.value : 1 }));
}

/**
 * Interleaves two queues so that after every pass the automatic side has had about `share` of the subjobs, until `room`
 * subjobs are named; an empty queue leaves everything to the other.
 */
export function shareOut(
  automatic: readonly Candidate[],
  requested: readonly Candidate[],
  room: number,
  share: number,
): string[] {
  const ids: string[] = [];
  const given = { automatic: 0, requested: 0 };
  let [a, r] = [0, 0];
  while (given.automatic + given.requested < room) {
    const nextAuto = automatic[a];
    const nextAsked = requested[r];
    if (!nextAuto && !nextAsked) break;
    const total = given.automatic + given.requested;
    const autoIsDue = given.automatic < share * (total + 1);
    if (nextAuto && (autoIsDue || !nextAsked)) {
      ids.push(nextAuto.id);
      given.automatic += nextAuto.subjobs;
      a++;
    } else if (nextAsked) {
      ids.push(nextAsked.id);
      given.requested += nextAsked.subjobs;
      r++;
    }
  }
  return ids;
}

/** Puts passes aside that are not ready: their ready subjobs wait for the document that the gate names. */
export async function gateJobs(ports: Ports, gated: readonly Gated[]): Promise<void> {
  if (gated.length === 0) return;
  const at = await ports.store.now();
  const awaited = new Map(gated.map(({ job, gate }) => [job._id, gate.on ?? `config:${ports.settings.hash}`]));
  await moveJobs(
    ports,
    gated.map(({ job }) => job),
    at,
    (job) => {
      const id = awaited.get(job._id) ?? '';
      return readySubjobs(job).map(({ index, state: { since } }): Move => {
        return { index, event: 'gate', to: { name: 'waiting', since, wake: { kind: 'on', id } } };
      });
    },
  );
}
