// All views of one reduce are one view of CouchDB, whose keys begin with the name of ours: so questions to many of them
// are one request, and a build writes two trees. Pure: our queries as CouchDB's, and its rows as ours.
import type { Json } from '../../domain/doc.ts';
import type { Group, KeyRange, Row, ViewQuery } from '../../store.ts';
import { given } from '../../util/values/given.ts';
import type { View } from '../../views/view.ts';
import { compareKeys } from '../shared/collate.ts';
import type { Query } from './gather.ts';

/**
 * Where a key goes: `[name, kind, ...key]`. Arrays are spread, so that they can be grouped; the kind keeps the order
 * between them, what sorts before arrays, and objects. It stands in the map's source, too.
 */
function placed(name: string, key: Json): Json[] {
  if (Array.isArray(key)) return [name, 1, ...key];
  return [name, key !== null && typeof key === 'object' ? 2 : 0, key];
}

/** Our key again. */
function unplaced(key: Json): Json {
  const [, kind, ...rest] = key as Json[];
  return kind === 1 ? rest : (rest[0] ?? null);
}

/**
 * One map function that runs those of `views`. As everywhere, one that throws emits nothing for that document.
 * @throws Error for a method or an async function, which no server would take
 */
export function combinedSource(views: readonly View[]): string {
  const maps = views.map((view) => `${JSON.stringify(view.name)}: ${mapSource(view)}`);
  return `function (doc) {
  var maps = {
${maps.join(',\n')}
  };
  var rows, i, key, kind;
  for (var name in maps) {
    rows = [];
    try { maps[name](doc, function (key, value) { rows.push([key, value]); }); } catch (error) { continue; }
    for (i = 0; i < rows.length; i++) {
      key = rows[i][0];
      kind = Array.isArray(key) ? 1 : key !== null && typeof key === 'object' ? 2 : 0;
      emit([name, kind].concat(kind === 1 ? key : [key]), rows[i][1]);
    }
  }
}`;
}

/** A map function as CouchDB takes it: it stands alone, in any of CouchDB's JavaScript engines. */
export function mapSource(view: View): string {
  const source = view.map.toString();
  if (!/^(\(|function\s*\(|[\w$]+\s*=>)/.test(source)) {
    throw new Error(`the map function of ${view.name} must be an arrow function or \`function (doc, emit)\``);
  }
  return `(${source})`;
}

type Range = KeyRange & Pick<ViewQuery, 'descending'>;

/** After every array that begins with `prefix`: an object with the last of all names. */
const LAST: Json = { '\uffff': {} };

/** Which keys are asked for; with `descending` CouchDB wants the ends of a range the other way round. */
export function queryOf(name: string, { key, keys, ...range }: Range & Pick<ViewQuery, 'key' | 'keys'>): Query {
  if (keys) return { keys: keys.map((one) => placed(name, one)) };
  if (key !== undefined) return { key: placed(name, key) };
  const { start, end } = narrowed(range);
  const low = start === undefined ? [name] : placed(name, start);
  const high = end === undefined ? [name, {}] : placed(name, end);
  const [startkey, endkey] = range.descending ? [high, low] : [low, high];
  return { startkey, endkey };
}

/** The range with its prefix made into bounds. */
function narrowed({ start, end, prefix }: Range): Pick<Range, 'start' | 'end'> {
  if (!prefix) return given({ start, end });
  const first: Json = [...prefix];
  const last: Json = [...prefix, LAST];
  return {
    start: start === undefined || compareKeys(start, first) < 0 ? first : start,
    end: end === undefined || compareKeys(end, last) > 0 ? last : end,
  };
}

/** Groups by the first `level` elements of our keys; 0: one total. */
export function levelOf(level: number): Record<string, Json> {
  return level === 0 ? { group: false } : { group_level: level + 2 };
}

export function rowOf({ key, ...row }: Row): Row {
  return { ...row, key: unplaced(key) };
}

export function groupOf({ key, value }: Group): Group {
  return { key: unplaced(key), value };
}
