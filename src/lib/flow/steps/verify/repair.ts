// Bad copies made anew from good ones, through the claims and the copying of transfer. A repair is a claim, so that purge
// keeps away from a raw file and no transfer takes it over. A source is read byte by byte before it is trusted.

import type { CopyTask } from '../../../domain/data/replicas.ts';
import { isMade, type Result } from '../../../domain/data/slots.ts';
import { parallel } from '../../../util/concurrency.ts';
import { ItemError } from '../../../util/errors.ts';
import { shown } from '../../../util/text/names.ts';
import { groupBy } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import { lanesOfAll, withLanes } from '../../copies/batch.ts';
import { makeClaimed } from '../../copies/claims/claims.ts';
import { type CopyLease, copyOne } from '../../copies/copy.ts';
import { faultOf } from '../../copies/lookfor.ts';
import { Clearing } from '../../copies/removal/clearing.ts';
import { openSession, type Session } from '../../copies/session.ts';
import type { Item, Step } from '../../ports.ts';
import { type Broken, FILES_AT_ONCE, type Ward, wards } from './broken.ts';
import type { VerifySession } from './verifysession.ts';

/** A bad copy, and where it is to come from this time. */
interface Repair {
  readonly task: CopyTask;
  readonly kind: Broken['kind'];
}

/** What the repairs of a call are made with. */
interface Means {
  readonly session: Session;
  readonly clearing: Clearing;
}

/** Makes every bad copy of the selection anew, where a good one is known. Items: `repaired`, `restored`, or failed. */
export async function* repairBad(verify: VerifySession): Step {
  const usable = verify.storages.filter((name) => !verify.faulty.has(name) && !verify.sites.aside.has(name));
  if (usable.length === 0) return;
  const session = await openSession(verify.ports, { to: usable });
  const clearing = await Clearing.open(verify.ports, session.sites);
  try {
    for await (const ward of wards(session, verify, usable)) {
      yield* rounds(session, ward, verify.options.dryRun === true, clearing);
      yield* session.sites.notices(false);
    }
  } finally {
    await clearing.close();
  }
}

/** Each round tries another source for what the one before could not mend. */
async function* rounds(session: Session, ward: Ward, dryRun: boolean, clearing: Clearing): Step {
  const tried = new Set<string>();
  for (;;) {
    const now = await session.ports.store.now();
    const broken = ward.broken(now).filter(({ task }) => !session.sites.aside.has(task.to) && !tried.has(keyOf(task)));
    const repairs: Repair[] = [];
    for (const one of broken) {
      const { kind, task, sources } = one;
      const source = sources.find((one) => !tried.has(keyOf(task, one.site)));
      if (source) repairs.push({ kind, task: { ...task, source } });
      else {
        tried.add(keyOf(task));
        yield { ...hopelessItem(one), ...(dryRun ? { dryRun } : {}) };
      }
    }
    const batch = repairs.slice(0, FILES_AT_ONCE);
    if (batch.length === 0) return;
    for (const { task } of batch) tried.add(keyOf(task, task.source.site));
    if (!dryRun) yield* repairBatch({ session, clearing }, ward, batch, tried);
    for (const { kind, task } of dryRun ? batch : []) {
      yield { ...itemOf(kind, { task, did: 'verified' }), dryRun };
      tried.add(keyOf(task));
    }
  }
}

/** Of a bad copy, or of one try to mend it from `source`. */
const keyOf = ({ id, file, to, path }: Omit<CopyTask, 'source'>, source = ''): string =>
  JSON.stringify([id, file.name, to, path, source]);

/** Repairs are copies like others: as many at once, over all hosts, as lanes are free. What has none waits for the next call. */
async function* repairBatch(means: Means, ward: Ward, batch: readonly Repair[], tried: Set<string>): Step {
  const { session } = means;
  const kinds = new Map(batch.map(({ task, kind }) => [task, kind]));
  for (const mine of groupBy(kinds.keys(), (task) => task.level).values()) {
    yield* withLanes(session, mine, async function* (open, lanes) {
      const { results, recorded, fatal } = await makeClaimed(session, ward.claims, open, {
        copy: (task, lease) => repairOne(means, task, lease),
        run: async (tasks, one) => parallel(tasks, lanesOfAll(lanes, tasks), one),
      });
      // What had no lane, or somebody else has claimed, is theirs, or the next call's.
      const ours = new Set(results.filter(({ did }) => did !== 'canceled').map(({ task }) => task));
      for (const task of mine) if (!ours.has(task)) tried.add(keyOf(task));
      for (const result of results) {
        if (isMade(result) ? recorded.has(result) : result.did === 'failed') {
          yield itemOf(have(kinds, result.task), result);
        }
      }
      if (fatal !== undefined) throw fatal;
    });
  }
}

/** What came back by itself is taken as it is; else the source is read, then copied over the bad one. */
async function repairOne({ session, clearing }: Means, task: CopyTask, lease: CopyLease): Promise<Result> {
  const { file, to, path, source } = task;
  const read = (site: string, where: string) =>
    session.sites.attempt(site, async (storage) =>
      (await storage.stat([where])).has(where) ? storage.readChecksum(where) : undefined,
    );
  const right = (sum: { adler32: string; size: number } | undefined): boolean =>
    sum?.adler32 === file.adler32 && sum.size === file.size;
  // Its checksum may be that of other bytes: compared like any file that is there already.
  const back = right(await read(to, path).catch(unreadable))
    ? await copyOne(session, { task, there: true }, lease)
    : undefined;
  if (back && back.did !== 'failed') return back;
  const found = await read(source.site, source.path).catch(unreadable);
  if (session.sites.blocks(task)) return { task, did: 'released' };
  if (right(found)) return copyOne(session, { task, there: false, clear: clearing.clear }, lease);
  const has = found ? `has ${found.size} bytes, adler32 ${found.adler32}` : 'cannot be read';
  const why = `${source.path} at ${source.site} ${has}; registered: ${file.size} bytes, ${file.adler32}`;
  return { task, did: 'failed', why, fault: faultOf(task) };
}

function unreadable(error: unknown): undefined {
  if (error instanceof ItemError) return undefined;
  throw error;
}

function itemOf(kind: Broken['kind'], result: Result): Item {
  const { task, did, why, fault } = result;
  const { file, to, source, ref } = task;
  if (did === 'failed') {
    const text = shown(`${file.name} to ${to}: ${why ?? 'failed'}`);
    return {
      ...basisOf(kind, task),
      did,
      bytes: 0,
      failed: true,
      text,
      next: `dflow why ${fault === undefined ? to : ref}`,
    };
  }
  const restored = did === 'adopted';
  const text = shown(restored ? `${file.name} at ${to} is good again` : `${file.name} to ${to} from ${source.site}`);
  return { ...basisOf(kind, task), did: restored ? 'restored' : 'repaired', bytes: file.size, text };
}

function hopelessItem({ kind, task, hopeless }: Broken): Item {
  const text = shown(`${task.file.name} at ${task.to}: ${hopeless.text}`);
  return { ...basisOf(kind, task), did: 'failed', bytes: 0, failed: true, text, next: hopeless.next };
}

function basisOf(kind: Broken['kind'], { ref, run, level, file, to: storage }: Omit<CopyTask, 'source'>) {
  return { kind, ref, run, ...(kind === 'replica' && { level }), file: file.name, storage };
}
