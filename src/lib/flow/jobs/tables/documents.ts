// Tables as documents. `table:NAME:INDEX:WHERE` is small and says which contents hold there now; the contents stand
// once per content in `tablebody:HASH` and are never removed, so that a tag can still reach what was superseded.

import { type Doc, type Json, SCHEMA } from '../../../domain/doc.ts';
import {
  contentHash,
  parseRatdb,
  planeOf,
  RatdbError,
  type RatdbTable,
  type RunRange,
  readExactJson,
  tableId,
} from '../../../domain/formats/ratdb.ts';
import { exactJson, type RatdbFields, roundedFields } from '../../../domain/formats/ratdbvalues.ts';
import type { Decision } from '../../../store.ts';
import { humanBytes } from '../../../util/text/bytes.ts';
import type { Iso } from '../../../util/time.ts';
import { DEEPEST, isDeeper } from '../../../util/values/depth.ts';

/** Which contents hold for NAME[INDEX] in one run range and pass. */
export interface TableDoc extends Doc {
  readonly kind: 'table';
  readonly name: string;
  readonly index: string;
  /** Inclusive; 0 and 0: default plane, -1 and -1: user plane. */
  readonly first: number;
  readonly last: number;
  readonly pass: number;
  readonly hash: string;
  /** `2-1f0c...`: how many contents stood here, and the hash of the last; what jobs record. */
  readonly revision: string;
  readonly at: Iso;
  /** File or command that it came from. */
  readonly from: string;
}

export interface TableBodyDoc extends Doc {
  readonly kind: 'tablebody';
  readonly name: string;
  /** As any reader of JSON takes them: whole numbers beyond 2^53 are rounded. */
  readonly fields: Readonly<Record<string, Json>>;
  /** The fields as JSON text with every digit; only where `fields` are rounded. */
  readonly exact?: string;
  /** The file was not UTF-8: each character of the texts stands for the byte of its number. */
  readonly encoding?: 'latin1';
}

export const bodyId = (hash: string): string => `tablebody:${hash}`;

export function bodyOf({ table, hash }: Placed): TableBodyDoc {
  const { name, fields, big, latin1 } = table;
  return {
    ...{ _id: bodyId(hash), kind: 'tablebody', v: SCHEMA, name },
    fields: roundedFields(fields),
    ...(big ? { exact: exactJson(fields) } : {}),
    ...(latin1 ? { encoding: 'latin1' } : {}),
  };
}

/** The fields with every digit. */
export function exactFields({ fields, exact }: TableBodyDoc): RatdbFields {
  return exact === undefined ? fields : readExactJson(exact);
}

/** A text of tables: a file, or what a command printed. Bytes, since old files are not all UTF-8. */
export interface TableSource {
  readonly name: string;
  readonly text: string | Uint8Array;
}

/** One table in one run range: what becomes one document. */
export interface Placed {
  readonly id: string;
  readonly table: RatdbTable;
  readonly range: RunRange;
  readonly hash: string;
  readonly from: string;
}

/** Tables of a source by document id; of two that stand for the same range the later holds. Throws RatdbError. */
export function place(source: TableSource): Map<string, Placed> {
  const placed = new Map<string, Placed>();
  for (const table of parseRatdb(source.text)) {
    bounded(table);
    const hash = contentHash(table.fields, table.latin1);
    for (const range of table.ranges) {
      const id = tableId(table.name, table.index, range, table.pass);
      placed.set(id, { id, table, range, hash, from: `${source.name}:${table.line}` });
    }
  }
  return placed;
}

/** Bytes of one table as JSON at most: what a job may leave in one file. */
const LARGEST = 64_000_000;

/** What the store could not keep is refused like what does not parse. */
function bounded({ name, fields, line }: RatdbTable): void {
  if (isDeeper(fields)) throw new RatdbError(`table ${name} is nested more than ${DEEPEST} levels deep`, line, 1);
  const size = exactJson(fields).length;
  if (size > LARGEST)
    throw new RatdbError(`table ${name} has ${humanBytes(size)}, the limit is ${humanBytes(LARGEST)}`, line, 1);
}

/** What a new table does to the document that stands there. */
export function decide(placed: Placed, at: Iso, doc: TableDoc | undefined): Decision<TableDoc> {
  if (doc?.hash === placed.hash) return { skip: 'unchanged' };
  const { table, range, hash, from, id } = placed;
  const count = doc ? Number.parseInt(doc.revision, 10) + 1 : 1;
  return {
    write: {
      ...doc,
      _id: id,
      kind: 'table',
      v: SCHEMA,
      name: table.name,
      index: table.index,
      first: range[0],
      last: range[1],
      pass: table.pass,
      hash,
      revision: `${count}-${hash.slice(0, 12)}`,
      at,
      from,
    },
  };
}

/** `RUN for 109134`, `GAIN[pmt] for 10-19, pass 2`: how people read it. */
export function describe(placed: Placed): string {
  const { table, range } = placed;
  const name = table.index === '' ? table.name : `${table.name}[${table.index}]`;
  const plane = planeOf(range);
  const where = plane !== 'run' ? `${plane} plane` : range[0] === range[1] ? `${range[0]}` : `${range[0]}-${range[1]}`;
  return `${name} for ${where}${table.pass > 0 ? `, pass ${table.pass}` : ''}`;
}

/** `file:line:column: message` of a text that does not parse, or that exhausts the parser. */
export function parseFailure(source: TableSource, error: unknown): string {
  if (error instanceof RangeError) return `${source.name}: nested too deeply, or too large`;
  if (!(error instanceof RatdbError)) throw error;
  return `${source.name}:${error.line}:${error.column}: ${error.message}`;
}
