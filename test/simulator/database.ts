// The documents of a simulated store: versions, revisions, views over any moment of the past. Synchronous and without
// faults; how it is reached, and what goes wrong on the way, is the business of memory-store.ts and world.ts.
import type { Doc, Json } from '../../src/lib/domain/doc.ts';
import type { ChangesPage, Group, IdRange, Row, ViewQuery } from '../../src/lib/store.ts';
import { requireCursor } from '../../src/lib/stores/shared/cursor.ts';
import { UsageError } from '../../src/lib/util/errors.ts';
import { VIEWS } from '../../src/lib/views/index.ts';
import type { View } from '../../src/lib/views/view.ts';

/** A write: `rev` is the revision it replaces, `undefined` where there must be none; no `doc`: remove. */
export interface Put {
  readonly id: string;
  readonly rev: string | undefined;
  readonly doc: Doc | undefined;
}

/** What became of a put: the document as it now stands, that it is gone, or that the revision was not the one given. */
export type Written = { readonly doc: Doc } | { readonly removed: true } | { readonly conflict: true };

interface Version {
  readonly sequence: number;
  readonly doc: Doc | undefined;
}

export type Watcher = (id: string, before: Doc | undefined, after: Doc | undefined) => void;

export class Database {
  readonly watchers: Watcher[] = [];
  readonly local: { experiment?: string; uuid?: string } = {};
  private readonly versions = new Map<string, Version[]>();
  /** Ids ever used, in byte order. */
  private readonly ids: string[] = [];
  private readonly rows = new WeakMap<Doc, Map<string, Row[]>>();
  private sequence = 0;

  constructor(private readonly views: readonly View[] = VIEWS) {}

  /** The sequence number of the last write. */
  get last(): number {
    return this.sequence;
  }

  read(id: string, at = this.sequence): Doc | undefined {
    const versions = this.versions.get(id);
    if (!versions) return undefined;
    for (let index = versions.length - 1; index >= 0; index--) {
      if (versions[index]!.sequence <= at) return versions[index]!.doc;
    }
    return undefined;
  }

  /** Every document, in byte order of the ids. */
  all(at = this.sequence): Doc[] {
    return this.ids.flatMap((id) => this.read(id, at) ?? []);
  }

  /** All versions that a document ever had, oldest first; `undefined` where it was removed. */
  past(id: string): readonly (Doc | undefined)[] {
    return (this.versions.get(id) ?? []).map((version) => version.doc);
  }

  /** Compare-and-swap, one by one. */
  write(puts: readonly Put[]): Written[] {
    return puts.map((put) => this.writeOne(put));
  }

  range(range: IdRange): Doc[] {
    const docs = this.all().filter((doc) => byBytes(doc._id, range.start) >= 0 && byBytes(doc._id, range.end) <= 0);
    if (range.descending) docs.reverse();
    return docs.slice(0, range.limit);
  }

  view(name: string, query: ViewQuery = {}, at = this.sequence): Row[] {
    const { keys, ...rest } = query;
    const rows = keys
      ? keys.flatMap((key) => this.matching(name, { ...rest, key }, at))
      : this.matching(name, query, at);
    if (query.descending) rows.reverse();
    const from = query.skip ?? 0;
    return rows.slice(from, query.limit === undefined ? undefined : from + query.limit);
  }

  count(name: string, level: number, query: ViewQuery = {}, at = this.sequence): Group[] {
    const sum = this.viewOf(name).reduce === '_sum';
    const groups: { key: Json; value: number }[] = level === 0 ? [{ key: null, value: 0 }] : [];
    for (const row of this.matching(name, query, at)) {
      const key = level === 0 ? null : Array.isArray(row.key) ? row.key.slice(0, level) : row.key;
      const value = sum ? Number(row.value) : 1;
      const group = groups.at(-1);
      if (group && collate(group.key, key) === 0) group.value += value;
      else groups.push({ key, value });
    }
    return groups;
  }

  changes(since: string | undefined, limit = Number.POSITIVE_INFINITY): ChangesPage {
    if (since === 'now') return { changes: [], last: String(this.sequence) };
    requireCursor(since ?? '0', /^\d{1,15}$/, 'memory', this.sequence);
    const after = Number(since ?? 0);
    const latest = [...this.versions]
      .map(([id, versions]) => ({ id, ...versions.at(-1)! }))
      .filter((change) => change.sequence > after)
      .sort((left, right) => left.sequence - right.sequence)
      .slice(0, limit);
    const changes = latest.map(({ id, doc, sequence }) => ({
      id,
      deleted: doc === undefined,
      cursor: String(sequence),
    }));
    return { changes, last: String(latest.at(-1)?.sequence ?? after) };
  }

  private viewOf(name: string): View {
    const view = this.views.find((candidate) => candidate.name === name);
    if (!view) throw new UsageError(`no view ${name}`);
    return view;
  }

  private writeOne({ id, rev, doc }: Put): Written {
    const before = this.read(id);
    if (before?._rev !== rev) return { conflict: true };
    const sequence = ++this.sequence;
    const generation = Number(/^\d+/.exec(rev ?? '0')?.[0] ?? 0) + 1;
    const after = doc && frozen({ ...doc, _id: id, _rev: `${generation}-${sequence}` });
    const versions = this.versions.get(id);
    if (versions) versions.push({ sequence, doc: after });
    else {
      this.versions.set(id, [{ sequence, doc: after }]);
      const place = this.ids.findIndex((other) => other > id);
      this.ids.splice(place < 0 ? this.ids.length : place, 0, id);
    }
    for (const watch of this.watchers) watch(id, before, after);
    return after ? { doc: after } : { removed: true };
  }

  private matching(name: string, query: ViewQuery, at: number): Row[] {
    this.viewOf(name);
    const rows: Row[] = [];
    for (const doc of this.all(at)) {
      for (const row of this.rowsOf(name, doc)) if (selects(query, row.key)) rows.push(row);
    }
    return rows.sort((left, right) => collate(left.key, right.key) || byBytes(left.id, right.id));
  }

  private rowsOf(name: string, doc: Doc): Row[] {
    const byView = this.rows.get(doc) ?? new Map<string, Row[]>();
    this.rows.set(doc, byView);
    const known = byView.get(name);
    if (known) return known;
    const rows: Row[] = [];
    this.viewOf(name).map(doc, (key, value) => rows.push(frozen({ key, value, id: doc._id })));
    byView.set(name, rows);
    return rows;
  }
}

function selects(query: ViewQuery, key: Json): boolean {
  if (query.key !== undefined && collate(query.key, key) !== 0) return false;
  if (query.start !== undefined && collate(key, query.start) < 0) return false;
  if (query.end !== undefined && collate(key, query.end) > 0) return false;
  const { prefix } = query;
  if (!prefix) return true;
  return Array.isArray(key) && key.length >= prefix.length && prefix.every((part, at) => collate(part, key[at]!) === 0);
}

function rank(value: Json): number {
  if (value === null) return 0;
  if (value === false) return 1;
  if (value === true) return 2;
  if (typeof value === 'number') return 3;
  if (typeof value === 'string') return 4;
  return Array.isArray(value) ? 5 : 6;
}

/** CouchDB's order of JSON values; strings by code point. */
function collate(left: Json, right: Json): number {
  const kind = rank(left);
  if (kind !== rank(right)) return kind - rank(right);
  if (kind === 3) return (left as number) - (right as number);
  if (kind === 4) return byBytes(left as string, right as string);
  if (kind === 5) return collateArrays(left as Json[], right as Json[]);
  if (kind === 6) return collateArrays(Object.entries(left as object), Object.entries(right as object));
  return 0;
}

function collateArrays(left: readonly Json[], right: readonly Json[]): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = collate(left[index]!, right[index]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function byBytes(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * The value made unchangeable, as a stored document is, without the fields that JSON would drop. Parts that are frozen
 * already are parts of an older version, so that a write costs only what it changed.
 */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const fields = value as Record<string, unknown>;
  for (const name of Object.keys(fields)) {
    if (fields[name] === undefined) delete fields[name];
    else frozen(fields[name]);
  }
  return Object.freeze(value);
}
