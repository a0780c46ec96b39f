// Tags: a frozen state of all tables, as a list of (document id, content hash). The list is cut into parts by id, each
// named by its own content, so that a tag of many tables needs no big document and one written twice is the same.

import { createHash } from 'node:crypto';
import { type Doc, SCHEMA } from '../../../domain/doc.ts';
import { parseTableId } from '../../../domain/formats/ratdb.ts';
import { noSuchError } from '../../../domain/named.ts';
import { idsOfRuns, idsWith, pages, type ReadStore, type Store, tookEffect } from '../../../store.ts';
import { StoreError, UsageError } from '../../../util/errors.ts';
import type { Iso } from '../../../util/time.ts';
import { nth } from '../../../util/values/have.ts';
import type { Ports, Step } from '../../ports.ts';
import type { TableDoc } from './documents.ts';

/** Tables per part. */
const PART = 2000;

type Entry = readonly [id: string, hash: string, revision: string, at: Iso];

interface TagPartDoc extends Doc {
  readonly kind: 'tagpart';
  readonly entries: readonly Entry[];
}

export interface TagDoc extends Doc {
  readonly kind: 'tag';
  readonly name: string;
  readonly at: Iso;
  readonly by: string;
  /** Tables in it. */
  readonly tables: number;
  /** In order of ids; `first` and `last` are table ids. */
  readonly parts: readonly { readonly id: string; readonly first: string; readonly last: string }[];
}

/** A table as it stood: where it holds, and which contents. */
export interface Frozen extends Pick<TableDoc, 'first' | 'last' | 'pass' | 'hash' | 'revision' | 'at'> {
  readonly id: string;
}

const tagId = (name: string): string => `tag:${name}`;

/**
 * Freezes the tables as they are under a name. A tag never moves: the same state again is `unchanged`.
 * @throws UsageError when the name is not a name, or stands for another state
 */
export async function* tagTables(ports: Ports, name: string): Step {
  if (!/^[A-Za-z0-9][\w.+-]*$/.test(name)) {
    throw new UsageError(`${JSON.stringify(name)} is not a tag name`, { hint: 'letters, digits, and . + - _' });
  }
  const parts = await currentParts(ports.store);
  const tables = parts.reduce((sum, part) => sum + part.entries.length, 0);
  const tag: TagDoc = {
    _id: tagId(name),
    kind: 'tag',
    v: SCHEMA,
    name,
    at: await ports.store.now(),
    by: ports.by,
    tables,
    parts: parts.map(({ _id, entries }) => ({ id: _id, first: nth(entries, 0)[0], last: nth(entries, -1)[0] })),
  };
  const standing = (await ports.store.get<TagDoc>([tag._id])).get(tag._id);
  if (standing) {
    if (!sameParts(standing, tag)) throw moved(standing);
    return yield { kind: 'tag', ref: name, did: 'unchanged', tables, text: `${tables} tables` };
  }
  await writeTag(ports.store, tag, parts);
  yield { kind: 'tag', ref: name, did: 'tagged', tables, text: `${tables} tables` };
}

function moved(standing: TagDoc): UsageError {
  return new UsageError(`tag '${standing.name}' was made at ${standing.at} from other tables`, {
    where: standing._id,
    hint: 'use another name: jobs were made with this tag',
  });
}

function sameParts(a: TagDoc, b: TagDoc): boolean {
  return a.parts.length === b.parts.length && a.parts.every((part, index) => part.id === b.parts[index]?.id);
}

/** Parts before the tag: a tag that exists is whole. */
async function writeTag(store: Store, tag: TagDoc, parts: readonly TagPartDoc[]): Promise<void> {
  const written = await store.bulk<TagPartDoc>(
    parts.map((part) => ({ id: part._id, change: (doc) => (doc ? { skip: 'there already' } : { write: part }) })),
  );
  const failed = written.find((outcome) => !tookEffect(outcome) && outcome.result !== 'skipped');
  const outcome = failed ?? (await store.update<TagDoc>(tag._id, (doc) => (doc ? { skip: 'exists' } : { write: tag })));
  if (tookEffect(outcome)) return;
  const standing = (await store.get<TagDoc>([tag._id])).get(tag._id);
  if (standing && !sameParts(standing, tag)) throw moved(standing);
  if (!standing) throw new StoreError(`tag ${tag.name} was not written: ${outcome.why ?? outcome.result}`);
}

async function currentParts(store: Store): Promise<TagPartDoc[]> {
  const parts: TagPartDoc[] = [];
  for await (const docs of pages<TableDoc>(store, idsWith('table:'), PART))
    parts.push(partOf(docs.map(({ _id, hash, revision, at }) => [_id, hash, revision, at])));
  return parts;
}

function partOf(entries: readonly Entry[]): TagPartDoc {
  const hash = createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 32);
  return { _id: `tagpart:${hash}`, kind: 'tagpart', v: SCHEMA, entries };
}

/** @throws UsageError, with the near miss, when there is no such tag */
export async function readTag(store: ReadStore, name: string): Promise<TagDoc> {
  const tag = (await store.get<TagDoc>([tagId(name)])).get(tagId(name));
  if (tag) return tag;
  const known = await store.range<TagDoc>(idsWith('tag:'));
  throw noSuchError(
    'tag',
    name,
    known.map((doc) => doc.name),
  );
}

/** Tables of a tag whose ids begin with `prefix` and that may hold for a run within `runs` (inclusive ranges). */
export async function frozenTables(
  store: ReadStore,
  tag: TagDoc,
  prefix: string,
  runs: readonly (readonly [number, number])[],
): Promise<Frozen[]> {
  // Ids of single runs go on with a digit, all others with a letter.
  const spans = [...runs.map((span) => idsOfRuns(prefix, span)), { ...idsWith(prefix), start: `${prefix}a` }];
  const within = (from: string, to: string): boolean => spans.some(({ start, end }) => from <= end && start <= to);
  const ids = tag.parts.filter((part) => within(part.first, part.last)).map((part) => part.id);
  const parts = await store.get<TagPartDoc>(ids);
  const missing = ids.find((id) => !parts.has(id));
  if (missing) throw new StoreError(`tag ${tag.name} is damaged: ${missing} is missing`);
  return [...parts.values()].flatMap((part) =>
    part.entries.flatMap(([id, hash, revision, at]) => {
      const where = within(id, id) ? parseTableId(id) : undefined;
      return where ? [{ id, hash, revision, at, ...where }] : [];
    }),
  );
}
