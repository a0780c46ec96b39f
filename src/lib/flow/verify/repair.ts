// Bad copies made anew from good ones, through the slots and the copying of transfer. A repair is a claimed slot, so that
// purge keeps away from the file and no transfer takes it over. A source is read byte by byte before it is trusted.
import type { DataDoc, RawFile } from '../../domain/data.ts';
import { refOf } from '../../domain/ids.ts';
import { bufferSite, type CopyTask, repairable, type Source } from '../../domain/replicas.ts';
import type { Result } from '../../domain/slots.ts';
import { parallel } from '../../util/concurrency.ts';
import { ItemError } from '../../util/errors.ts';
import { groupBy } from '../../util/group.ts';
import { shown } from '../../util/names.ts';
import type { Iso } from '../../util/time.ts';
import type { Item, Step } from '../ports.ts';
import { canBegin, lanesFor } from '../transfer/batch.ts';
import { copyOne, removeStale } from '../transfer/copy.ts';
import { faultOf } from '../transfer/look.ts';
import { openSession, type Session } from '../transfer/session.ts';
import { claimBatch, type Docs, Lease, recordBatch } from '../transfer/slots.ts';
import type { VerifySession } from './session.ts';

/** Files of one batch: their slots are claimed for as long as it takes. */
const FILES_AT_ONCE = 128;

/** Makes every bad copy of the selection anew, where a good one is known. Items: `repaired`, `restored`, or failed. */
export async function* repairBad(verify: VerifySession): Step {
  const usable = verify.storages.filter((name) => !verify.faulty.has(name) && !verify.sites.aside.has(name));
  if (usable.length === 0) return;
  const session = await openSession(verify.ports, { to: usable });
  for await (const docs of badDocs(verify, usable)) {
    yield* rounds(session, verify, usable, docs);
    yield* session.sites.notices(false);
  }
}

/** Documents with something to repair, oldest run first. */
async function* badDocs(
  { ports, options }: VerifySession,
  storages: readonly string[],
): AsyncGenerator<Docs, void, void> {
  const runs = new Map<string, number>();
  for (const storage of storages) {
    for (const state of ['bad', 'copying']) {
      for (const { id, key } of await ports.store.view('replicas', { prefix: [storage, state] })) {
        runs.set(id, Number((key as unknown[])[2]));
      }
    }
  }
  const wanted = [...runs].filter(([, run]) => options.runs?.(run) !== false).sort(([, a], [, b]) => a - b);
  for (let at = 0; at < wanted.length; at += FILES_AT_ONCE) {
    const ids = wanted.slice(at, at + FILES_AT_ONCE).map(([id]) => id);
    const docs = await ports.store.get<DataDoc>(ids);
    yield new Map([...docs].filter(([, doc]) => options.levels?.includes(doc.level) !== false));
  }
}

/** Each round tries another source for what the one before could not mend. */
async function* rounds(session: Session, verify: VerifySession, storages: readonly string[], docs: Docs): Step {
  const tried = new Set<string>();
  for (;;) {
    const now = await session.ports.store.now();
    const planned = [...docs.values()].flatMap((doc) => plan(session, doc, storages, now, tried));
    for (const { task, ...none } of planned) if (!task) yield hopeless(none.doc, none.file, none.to);
    const tasks = planned.flatMap(({ task }) => task ?? []).slice(0, FILES_AT_ONCE);
    if (tasks.length === 0) return;
    for (const task of tasks) tried.add(keyOf(task));
    if (verify.options.dryRun) for (const task of tasks) yield { ...itemOf({ task, did: 'verified' }), dryRun: true };
    else yield* repairBatch(session, tasks, docs, tried);
    if (verify.options.dryRun) for (const task of tasks) markDone(task, tried);
  }
}

const keyOf = ({ id, file, to, source }: Pick<CopyTask, 'id' | 'file' | 'to' | 'source'>): string =>
  JSON.stringify([id, file.name, to, source.site]);
const doneKey = (doc: string, file: string, to: string): string => JSON.stringify([doc, file, to]);

function markDone({ id, file, to }: CopyTask, tried: Set<string>): void {
  tried.add(doneKey(id, file.name, to));
}

interface Planned {
  readonly doc: DataDoc;
  readonly file: RawFile;
  readonly to: string;
  readonly task?: CopyTask;
}

/** One entry for each bad copy, with the next source that was not tried; without a task when there is none left. */
function plan(session: Session, doc: DataDoc, storages: readonly string[], now: Iso, tried: Set<string>): Planned[] {
  return doc.files.flatMap((file) =>
    storages.flatMap((to): Planned[] => {
      const replica = file.replicas[to];
      const repair = repairable(replica, now);
      if (!repair || session.sites.aside.has(to) || tried.has(doneKey(doc._id, file.name, to))) return [];
      const { _id: id, level, run } = doc;
      const source = sources(session, doc, file, to).find((one) => !tried.has(keyOf({ id, file, to, source: one })));
      if (!source) {
        tried.add(doneKey(id, file.name, to));
        return [{ doc, file, to }];
      }
      const attempt = (replica?.attempt ?? 0) + 1;
      return [{ doc, file, to, task: { id, level, run, file, source, to, path: repair.path, attempt, repair } }];
    }),
  );
}

/** Verified copies elsewhere, disks before tape; then the original, where it is on this host. */
function sources({ rules, sites, ports }: Session, doc: DataDoc, file: RawFile, to: string): Source[] {
  const usable = rules.storages.filter(({ name }) => name !== to && !sites.aside.has(name));
  const ordered = [...usable.filter(({ tape }) => !tape), ...usable.filter(({ tape }) => tape)];
  const copies = ordered.flatMap(({ name: site }): Source[] => {
    const replica = file.replicas[site];
    return replica?.state === 'verified' ? [{ site, path: replica.path }] : [];
  });
  const site = bufferSite(doc.level);
  const here = file.original.state === 'present' && doc.host === ports.host && !sites.aside.has(site);
  return here ? [...copies, { site, path: file.path }] : copies;
}

/** Repairs are copies like others: as many at once, over all hosts, as lanes are free. What has none waits for the next call. */
async function* repairBatch(session: Session, tasks: readonly CopyTask[], docs: Docs, tried: Set<string>): Step {
  for (const [level, mine] of groupBy(tasks, (task) => task.level)) {
    const lanes = await lanesFor(
      session,
      level,
      mine.map(({ to }) => to),
    );
    try {
      const open = mine.filter((task) => canBegin(lanes, task));
      for (const task of mine) if (!open.includes(task)) markDone(task, tried);
      const limit = Math.min(lanes.level, ...open.map(({ to }) => lanes.storages.get(to)!));
      if (open.length > 0) yield* repairOpen(session, open, docs, limit);
    } finally {
      await lanes.release();
    }
  }
}

async function* repairOpen(session: Session, tasks: readonly CopyTask[], docs: Docs, limit: number): Step {
  const claimed = await claimBatch(session, tasks, docs);
  const lease = new Lease(session, claimed);
  const results: Result[] = [];
  let fatal: unknown;
  const one = async (task: CopyTask): Promise<Result> => {
    if (fatal !== undefined) return { task, did: 'released' };
    try {
      return await repairOne(session, task, lease);
    } catch (error) {
      fatal ??= error;
      return { task, did: 'released' };
    }
  };
  try {
    await removeStale(session, claimed.tasks);
    for await (const result of parallel(claimed.tasks, limit, one)) results.push(result);
  } finally {
    await lease.stop();
  }
  const recorded = await recordBatch(session, results, claimed.nonce, docs);
  for (const result of results) {
    const mended = result.did === 'verified' || result.did === 'adopted';
    if (mended && !recorded.has(result)) continue;
    if (mended || result.did === 'failed') yield itemOf(result);
  }
  if (fatal !== undefined) throw fatal;
}

/** What came back by itself is taken as it is; else the source is read, then copied over the bad one. */
async function repairOne(session: Session, task: CopyTask, lease: Lease): Promise<Result> {
  const { file, to, path, source } = task;
  const read = (site: string, where: string) =>
    session.sites.attempt(site, async (storage) =>
      (await storage.stat([where])).has(where) ? storage.readChecksum(where) : undefined,
    );
  const right = (sum: { adler32: string; size: number } | undefined): boolean =>
    sum?.adler32 === file.adler32 && sum.size === file.size;
  if (right(await read(to, path).catch(unreadable))) return { task, did: 'adopted' };
  const found = await read(source.site, source.path).catch(unreadable);
  if (session.sites.blocks(task)) return { task, did: 'released' };
  if (right(found)) return copyOne(session, { task, there: false }, lease);
  const has = found ? `has ${found.size} bytes, adler32 ${found.adler32}` : 'cannot be read';
  const why = `${source.path} at ${source.site} ${has}; registered: ${file.size} bytes, ${file.adler32}`;
  return { task, did: 'failed', why, fault: faultOf(task) };
}

function unreadable(error: unknown): undefined {
  if (error instanceof ItemError) return undefined;
  throw error;
}

function itemOf({ task, did, why }: Result): Item {
  const { run, level, file, to, source } = task;
  const item = { kind: 'replica', ref: refOf(run), run, level, file: file.name, storage: to };
  if (did === 'failed') {
    const text = shown(`${file.name} to ${to}: ${why ?? 'failed'}`);
    return { ...item, did: 'failed', bytes: 0, failed: true, text, next: `dflow why ${to}` };
  }
  const restored = did === 'adopted';
  const text = shown(restored ? `${file.name} at ${to} is good again` : `${file.name} to ${to} from ${source.site}`);
  return { ...item, did: restored ? 'restored' : 'repaired', bytes: file.size, text };
}

function hopeless(doc: DataDoc, file: RawFile, to: string): Item {
  const text = shown(`${file.name} at ${to}: no good copy is known`);
  const item = { kind: 'replica', ref: refOf(doc.run), run: doc.run, level: doc.level, file: file.name, storage: to };
  return { ...item, did: 'failed', bytes: 0, failed: true, text, next: `dflow list replicas --run ${doc.run}` };
}
