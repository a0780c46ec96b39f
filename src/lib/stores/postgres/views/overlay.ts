// Answers of a reader whose views lag behind: another version of dflow has changed documents, and only who may write
// brings the rows up to date. What those documents had emitted is taken out, what they emit now is put in. Pure.
import type { Doc, Json } from '../../../domain/doc.ts';
import type { Group, KeyRange, Row, ViewQuery } from '../../../store.ts';
import { worth } from '../../../views/tally.ts';
import type { View } from '../../../views/view.ts';
import { encodeKey, groupKey } from '../../shared/collate.ts';
import { deepFreeze, emitted } from '../../shared/maps.ts';
import { boundsOf } from '../../shared/rowquery.ts';

/** A document as its rows have it, and as it is; `null`: none. */
export type Stale = readonly [id: string, before: Doc | null, now: Doc | null];
/** As `rowsQuery` lists them. */
export type ListedRow = readonly [key: Json, value: Json, id: string, n: number];
/** As `groupsQuery` lists them. */
export type ListedGroup = readonly [key: Json, value: number, rows: number];

interface Placed {
  readonly at: string;
  readonly row: ListedRow;
}

function rowsOf(view: View, id: string, doc: Doc | null): ListedRow[] {
  if (!doc) return [];
  return emitted(view, deepFreeze(doc)).map(({ raw, value }, n) => [raw ?? null, JSON.parse(value), id, n]);
}

const placed = (row: ListedRow): Placed => ({ at: encodeKey(row[0]), row });

function inOrder(a: Placed, b: Placed): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return Buffer.compare(Buffer.from(a.row[2]), Buffer.from(b.row[2])) || a.row[3] - b.row[3];
}

/** `sound`: rows of documents that are not stale. */
export function overlaidRows(
  view: View,
  sound: readonly ListedRow[],
  stale: readonly Stale[],
  query: ViewQuery,
): Row[] {
  const { key, keys, descending, skip = 0, limit } = query;
  const { low, high } = key === undefined ? boundsOf(query) : boundsOf({ start: key, end: key });
  const wanted = keys && new Set(keys.map(encodeKey));
  const within = ({ at }: Placed): boolean => (wanted ? wanted.has(at) : at >= low && at <= high);
  const now = stale
    .flatMap(([id, , doc]) => rowsOf(view, id, doc))
    .map(placed)
    .filter(within);
  const all = [
    ...new Map(
      [...sound.map(placed), ...now].map((one) => [JSON.stringify([one.at, ...one.row.slice(2)]), one]),
    ).values(),
  ];
  all.sort(inOrder);
  if (descending) all.reverse();
  const asked = keys?.map(encodeKey);
  const chosen = asked
    ? (descending ? asked.reverse() : asked).flatMap((at) => all.filter((one) => one.at === at))
    : all;
  return chosen
    .slice(skip, limit === undefined ? undefined : skip + limit)
    .map(({ row: [rowKey, value, id] }) => ({ key: rowKey, value, id }));
}

export function overlaidGroups(
  view: View,
  listed: readonly ListedGroup[],
  stale: readonly Stale[],
  level: number,
  query: KeyRange,
): Group[] {
  const { low, high } = boundsOf(query);
  const groups = new Map<string, { key: Json; value: number; rows: number }>();
  const add = (key: Json, value: number, rows: number): void => {
    const group = groupKey(key, level);
    const at = encodeKey(group);
    const there = groups.get(at) ?? { key: group, value: 0, rows: 0 };
    groups.set(at, { key: there.key, value: there.value + value, rows: there.rows + rows });
  };
  for (const [key, value, rows] of listed) add(key, Number(value), Number(rows));
  for (const [id, before, now] of stale) {
    for (const [sign, doc] of [[-1, before] as const, [1, now] as const]) {
      for (const [key, value] of rowsOf(view, id, doc)) {
        const at = encodeKey(key);
        if (at < low || at > high) continue;
        add(key, sign * worth(view, value), sign);
      }
    }
  }
  const left = [...groups].filter(([, { rows }]) => rows > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  const found = left.map(([, { key, value }]) => ({ key, value }));
  return level === 0 && found.length === 0 ? [{ key: null, value: 0 }] : found;
}
