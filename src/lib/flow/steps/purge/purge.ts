// Purge: frees the buffer of originals whose copies are good, oldest run first. Claim by compare-and-swap, fresh checks
// of the copies with at least one read byte by byte, receipt on disk, then delete: any change in between puts the
// original back. Never the last copy. May be killed anywhere: the next call settles what was claimed.
import type { Space } from '../../../util/files/disk.ts';
import { fillOf, spaceOfBuffer } from '../../copies/buffer/fill.ts';
import { freeOriginals } from '../../copies/buffer/originals.ts';
import { withDryRun } from '../../dry.ts';
import { requireCredentials } from '../../farms/credentials.ts';
import type { Item, Ports, Step } from '../../ports.ts';
import type { Candidate } from './deletion.ts';
import { emptyTrash } from './emptytrash.ts';
import { purgeJunk } from './junk.ts';
import { candidateOf, originalKey, purgeBatch } from './purgebatch.ts';
import { openPurge, type PurgeOptions, type PurgeSession } from './purgesession.ts';
import { recover } from './recover.ts';

export type { PurgeOptions } from './purgesession.ts';

/** Files and bytes of one batch: it is claimed for as long as its copies are read. */
const FILES_AT_ONCE = 64;
const BYTES_AT_ONCE = 8 * 2 ** 30;

/**
 * Deletes originals from this host's buffers until enough is free, or all that may go.
 * Items: `{kind: 'original', ref, file, did: 'purged'|'kept'|'restored', bytes, receipt}`; `{kind: 'buffer', did:
 * 'short'}` when less could be freed than was asked for.
 * @throws UsageError, BusyError, StoreError, CredentialsError, UnreachableError (the buffer)
 */
export function purge(ports: Ports, options: PurgeOptions = {}): Step {
  return withDryRun(ports, options, (on) => purgeAll(on, options));
}

async function* purgeAll(ports: Ports, options: PurgeOptions): Step {
  yield* requireCredentials(ports);
  const session = await openPurge(ports, options);
  try {
    if (!options.dryRun) yield* recover(session);
    yield* emptyTrash(session);
    if (options.emptyTrash) return;
    if (options.junk) return yield* purgeJunk(session);
    const room = new Room(session);
    yield* purgeOldest(session, room);
    yield* session.sites.notices(options.dryRun === true);
    yield* room.short();
    if (!options.dryRun) await room.beat();
  } finally {
    await session.close();
  }
}

/** The originals that go if every check is good. Only for the progress display. */
async function foreseen({ ports, options, rules, levels, told, left }: PurgeSession, room: Room) {
  const found: [string, number][] = [];
  if (!told.isWatched) return found;
  const wanted = new Map<string, number>();
  for (const level of levels) wanted.set(level, await room.lack(level));
  for await (const judged of freeOriginals(ports, rules, levels, options.runs)) {
    const lack = wanted.get(judged.doc.level) ?? 0;
    if (found.length >= left) break;
    if (lack <= 0) continue;
    wanted.set(judged.doc.level, lack - judged.file.size);
    found.push([originalKey(judged), judged.file.size]);
  }
  return found;
}

async function* purgeOldest(session: PurgeSession, room: Room): Step {
  const { ports, options, rules, levels } = session;
  const expected = await foreseen(session, room);
  session.told.expect(expected);
  let batch: Candidate[] = [];
  const flush = async function* (): Step {
    const due = batch;
    batch = [];
    session.left += due.length;
    for await (const item of purgeBatch(session, due)) {
      if (item.did === 'purged') {
        session.left--;
        room.gained(String(item.level), Number(item.bytes));
      }
      yield item;
    }
    room.look();
  };
  for await (const judged of freeOriginals(ports, rules, levels, options.runs)) {
    const { level } = judged.doc;
    // What could not be purged has given its place back.
    if (session.left <= 0 && batch.length > 0) yield* flush();
    if (session.left <= 0) break;
    if (!(await room.wants(level, batch))) continue;
    batch.push(candidateOf(judged));
    session.left--;
    const bytes = batch.reduce((sum, { file }) => sum + file.size, 0);
    if (batch.length >= FILES_AT_ONCE || bytes >= BYTES_AT_ONCE || !(await room.wants(level, batch))) yield* flush();
  }
  if (batch.length > 0) yield* flush();
  session.told.forget(expected.map(([key]) => key));
}

/** How much room there is on the disks of the buffers, and how much is wanted. */
class Room {
  readonly #session: PurgeSession;
  readonly #until: number | undefined;
  /** By level; what was deleted since the last look is added. */
  readonly #space = new Map<string, Space>();

  constructor(session: PurgeSession) {
    this.#session = session;
    this.#until = session.options.untilFree ?? session.ports.settings.purge.untilFree;
  }

  /** True while the level's disk would still lack room after `batch` had gone. */
  async wants(level: string, batch: readonly Candidate[]): Promise<boolean> {
    const going = batch.filter(({ doc }) => doc.level === level).reduce((sum, { file }) => sum + file.size, 0);
    return going < (await this.lack(level));
  }

  /** Bytes that the level's disk lacks now; infinite without `--until-free`. */
  async lack(level: string): Promise<number> {
    if (this.#until === undefined) return Number.POSITIVE_INFINITY;
    const space = await this.#of(level);
    return this.#until * space.total - space.free;
  }

  gained(level: string, bytes: number): void {
    const space = this.#space.get(level);
    if (space) this.#space.set(level, { ...space, free: space.free + bytes });
  }

  /** After a deletion the disk itself is asked again; a dry run goes by its sums. */
  look(): void {
    if (!this.#session.options.dryRun) this.#space.clear();
  }

  /** Says so when less is free than was asked for. */
  async *short(): Step {
    if (this.#until === undefined || this.#session.left <= 0) return;
    for (const level of this.#session.levels) {
      const space = await this.#of(level);
      if (space.free >= this.#until * space.total) continue;
      const percent = (share: number): string => `${Math.floor(share * 100)} %`;
      const text = `${percent(space.free / space.total)} free, ${percent(this.#until)} were asked for: the rest may not go yet`;
      const item: Item = { kind: 'buffer', ref: level, did: 'short', failed: true, text, next: 'dflow why buffer' };
      yield this.#session.options.dryRun ? { ...item, dryRun: true } : item;
    }
  }

  /** Tells other hosts how full the buffers are. */
  async beat(): Promise<void> {
    for (const level of this.#session.levels) await fillOf(this.#session.ports, level);
  }

  async #of(level: string): Promise<Space> {
    const { options, ports } = this.#session;
    const known = this.#space.get(level) ?? (await (options.space?.(level) ?? spaceOfBuffer(ports, level)));
    this.#space.set(level, known);
    return known;
  }
}
