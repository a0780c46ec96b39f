// Each level's buffer in one row: how full, how fast it fills, how long it lasts. Cheap: counts, and what the hosts last said.
import { SCHEMA } from '../../../domain/doc.ts';
import { daysLeft, inflow, sinceHour } from '../../../domain/storage/inflow.ts';
import { UnreachableError } from '../../../util/errors.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { views } from '../../../views/index.ts';
import type { ReadPorts } from '../../ports.ts';
import { type BufferDoc, fills, spaceOfBuffer } from './fill.ts';

export interface BufferRow {
  readonly level: string;
  /** Bytes of registered files on it. */
  readonly bytes: number;
  /** Bytes that came in over the last day. */
  readonly perDay: number;
  /** Of its disk; absent where no host has said it. */
  readonly disk?: { readonly host: string; readonly at: Iso; readonly total: number; readonly free: number };
  /** Days until its disk is full at this rate. */
  readonly daysLeft?: number;
}

/** One row for each level. Levels that share a disk fill it together. */
export async function bufferRows(ports: ReadPorts): Promise<BufferRow[]> {
  const now = await ports.store.now();
  const { buffers } = ports.settings;
  const [said, rows] = await Promise.all([
    disks(ports, now),
    Promise.all(buffers.map(({ level }) => fillRow(ports, level, now))),
  ]);
  const sharing = (disk: BufferDoc | undefined, other: BufferDoc | undefined): boolean =>
    disk !== undefined && disk.host === other?.host && disk.total === other.total;
  return rows.map((row) => {
    const disk = said.get(row.level);
    if (!disk) return row;
    const together = rows.filter(({ level }) => sharing(disk, said.get(level)));
    const perDay = together.reduce((sum, one) => sum + one.perDay, 0);
    const left = daysLeft(disk.free, perDay);
    const { host, at, total, free } = disk;
    return { ...row, disk: { host, at, total, free }, ...given({ daysLeft: left }) };
  });
}

async function fillRow({ store }: ReadPorts, level: string, now: Iso): Promise<BufferRow> {
  const [on, hours] = await Promise.all([
    store.count(views.buffer, 2, { prefix: ['on', level] }),
    store.count(views.buffer, 3, { prefix: ['in', level], start: ['in', level, sinceHour(now)] }),
  ]);
  const sums = new Map(hours.map(({ key, value }) => [key[2] ?? '', value]));
  return { level, bytes: on.reduce((sum, { value }) => sum + value, 0), perDay: inflow(sums, now) };
}

/** What is known of each level's disk: what its host last said, or, on that host, what the disk says now. */
async function disks(ports: ReadPorts, now: Iso): Promise<Map<string, BufferDoc>> {
  const docs = (await fills(ports)).sort((a, b) => (a.at < b.at ? -1 : 1));
  const found = new Map(docs.map((doc) => [doc.level, doc]));
  for (const { level } of ports.settings.buffers) {
    const { host } = ports;
    if ((found.get(level)?.host ?? host) !== host) continue;
    const space = await spaceOfBuffer(ports, level).catch((error: unknown) => {
      if (error instanceof UnreachableError) return undefined;
      throw error;
    });
    if (space) found.set(level, { _id: '', kind: 'buffer', v: SCHEMA, host, level, at: now, ...space });
  }
  return found;
}
