// Tables as rows of a database: which row holds for a run, and what writing a table changes.
import { createHash } from 'node:crypto';
import type { RatdbTable, RunRange } from '../formats/ratdb.ts';

/** A header: where a table holds, and under which key its contents are. */
export interface TableRowOf {
  readonly name: string;
  readonly index: string;
  readonly first: number;
  readonly last: number;
  readonly version: number;
  readonly pass: number;
  readonly key: string;
}

/** The highest version, then the highest pass; of two alike always the same one. */
export function highest<R extends Pick<TableRowOf, 'version' | 'pass' | 'key'>>(rows: readonly R[]): R | undefined {
  return [...rows].sort((a, b) => b.version - a.version || b.pass - a.pass || (a.key < b.key ? 1 : -1))[0];
}

/** The row that holds for a run. */
export function rowFor<R extends TableRowOf>(rows: readonly R[], run: number): R | undefined {
  return highest(rows.filter(({ first, last }) => first <= run && run <= last));
}

/** `2.1-3f2a90c41d07`: version, pass, and which contents; what jobs record. */
export function revisionOf({ version, pass, key }: Pick<TableRowOf, 'version' | 'pass' | 'key'>): string {
  const short = /^[\w.-]{1,16}$/.test(key) ? key : createHash('sha256').update(key).digest('hex').slice(0, 12);
  return `${version}.${pass}-${short}`;
}

/** The version that a table says it has. */
export function versionIn({ fields }: Pick<RatdbTable, 'fields'>): number {
  const { version } = fields;
  return typeof version === 'number' && Number.isSafeInteger(version) && version >= 0 ? version : 1;
}

/** One table in one run range, to be written. */
export interface TableToWrite {
  readonly name: string;
  readonly index: string;
  readonly range: RunRange;
  readonly version: number;
  readonly pass: number;
  /** Of its contents. */
  readonly hash: string;
  /** As JSON, every digit. */
  readonly data: string;
  /** Depends only on the table and its source, so a second write finds the first. */
  readonly key: string;
}

/** A key that a table of this source has, and no other. */
export function keyOf(origin: string, { name, index, range, hash }: Omit<TableToWrite, 'key'>): string {
  const text = JSON.stringify([origin, name, index, range, hash]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

export interface WriteDecision {
  readonly did: 'unchanged' | 'loaded' | 'replaced';
  /** The row of the table: an existing one, or the one to insert. */
  readonly row: TableRowOf;
}

export const isSlot = (row: TableRowOf, { name, index, range }: TableToWrite): boolean =>
  row.name === name && row.index === index && row.first === range[0] && row.last === range[1];

/**
 * What writing a table does, by the rows of its range. A table that was written before, or whose contents already hold, is
 * left alone; other contents become the next pass. `hashOf` gives the hash of a row's contents.
 */
export function decideWrite(
  table: TableToWrite,
  rows: readonly TableRowOf[],
  hashOf: (row: TableRowOf) => string | undefined,
): WriteDecision {
  const slot = rows.filter((row) => isSlot(row, table));
  const before = slot.find(({ key }) => key === table.key);
  if (before) return { did: 'unchanged', row: before };
  const top = highest(slot);
  if (top && hashOf(top) === table.hash) return { did: 'unchanged', row: top };
  const { name, index, range, version, key } = table;
  const taken = slot.filter((row) => row.version === version).map(({ pass }) => pass);
  const pass = taken.some((one) => one >= table.pass) ? Math.max(...taken) + 1 : table.pass;
  const row = { name, index, first: range[0], last: range[1], version, pass, key };
  return { did: slot.length > 0 ? 'replaced' : 'loaded', row };
}
