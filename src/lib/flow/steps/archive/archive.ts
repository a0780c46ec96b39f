// The whole store as JSON documents, out and in: for backups, and to move from SQLite to CouchDB. An import adds what
// is missing and never changes what is there.

import { createHash } from 'node:crypto';
import type { Doc } from '../../../domain/doc.ts';
import { current } from '../../../domain/migrations/migrations.ts';
import { unsound } from '../../../domain/schemas.ts';
import { type Change, idsWith, pages, type Store, tookEffect } from '../../../store.ts';
import { messageOf } from '../../../util/errors.ts';
import { DEEPEST, isDeeper } from '../../../util/values/depth.ts';
import { field } from '../../../util/values/field.ts';
import { dryStore, foretold } from '../../dry.ts';
import type { Item, Step, StepOptions } from '../../ports.ts';

/** Documents read or written together. */
const PAGE = 1000;

/** A document without what belongs to its store: revision, conflicts, operation ids. */
export type PlainDoc = Omit<Doc, '_rev' | '_conflicts' | 'ops'>;

/** Every document in the order of the ids; only of `kinds` where given. Documents with conflicts come as the winner. */
export async function* exportStore(store: Store, kinds?: readonly string[]): AsyncGenerator<PlainDoc, void, void> {
  for (const prefix of kinds ? [...kinds].sort().map((kind) => `${kind}:`) : ['']) {
    for await (const page of pages(store, idsWith(prefix), PAGE)) yield* page.map(plain);
  }
}

/** The document without what is its store's. */
export function plain(doc: Doc): PlainDoc {
  const { _rev, _conflicts, ops, ...rest } = doc;
  return rest;
}

/** One line: what it holds, or what is wrong with it. */
interface Line {
  readonly number: number;
  readonly doc?: PlainDoc;
  readonly wrong?: string;
}

/**
 * Adds documents: JSON text lines or parsed objects, counted from 1; empty lines count and are passed over. An item per
 * document that is added or refused: refused are those that stand in the store, or earlier in the input, with other
 * content, and lines that hold no document. Identical ones are counted in one last item. Repeating it is harmless.
 */
export function importStore(store: Store, lines: AsyncIterable<unknown>, { dryRun }: StepOptions = {}): Step {
  // A batch of its own each: what was accepted is remembered by its digest alone.
  return dryRun ? foretold(addAll(() => dryStore(store), lines)) : addAll(() => store, lines);
}

async function* addAll(store: () => Store, lines: AsyncIterable<unknown>): Step {
  /** Digests by id, of what was accepted so far. */
  const seen = new Map<string, string>();
  let same = 0;
  const batch: { number: number; doc: PlainDoc }[] = [];
  const flush = async function* (): Step {
    for (const item of await addBatch(store(), batch.splice(0))) {
      if (item === 'same') same++;
      else yield item;
    }
  };
  for await (const { number, doc, wrong } of readLines(lines)) {
    if (!doc) {
      yield refused(`line ${number}`, `line ${number}: ${wrong}`);
      continue;
    }
    const text = digest(doc);
    const before = seen.get(doc._id);
    if (before === text) same++;
    else if (before !== undefined)
      yield refused(doc._id, `line ${number}: appears twice in the input, with different content`);
    else {
      seen.set(doc._id, text);
      batch.push({ number, doc });
    }
    if (batch.length === PAGE) yield* flush();
  }
  yield* flush();
  if (same > 0)
    yield { kind: 'document', ref: 'identical', did: 'skipped', count: same, text: `${same} exist already` };
}

function refused(ref: string, text: string): Item {
  return { kind: 'document', ref, did: 'refused', failed: true, text };
}

async function* readLines(lines: AsyncIterable<unknown>): AsyncGenerator<Line, void, void> {
  let number = 0;
  for await (const line of lines) {
    number++;
    if (typeof line === 'string' && line.trim() === '') continue;
    const read = parseDocument(line);
    if (read !== 'frame') yield { number, ...read };
  }
}

/** `frame`: head or end of a backup, whose documents may be added to a store like those of an export. */
function parseDocument(line: unknown): Omit<Line, 'number'> | 'frame' {
  let value = line;
  try {
    if (typeof line === 'string') value = JSON.parse(line);
  } catch (error) {
    return { wrong: `not JSON: ${messageOf(error)}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { wrong: 'not a JSON object' };
  if (field(value, 'dflow') !== undefined && field(value, '_id') === undefined) return 'frame';
  if (isDeeper(value)) return { wrong: `nested more than ${DEEPEST} levels deep` };
  const _id = field(value, '_id');
  if (typeof _id !== 'string' || _id === '' || _id.startsWith('_'))
    return { wrong: 'the document id (_id) is missing' };
  const doc = current(value as Doc);
  const wrong = unsound(doc);
  return wrong === undefined ? { doc: plain(doc) } : { wrong: `${_id}: ${wrong}` };
}

/** JSON with sorted names: equal texts are equal documents. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`)
    .join(',')}}`;
}

/** Equal digests are equal documents. */
export function digest(doc: PlainDoc): string {
  return createHash('sha256').update(canonical(doc)).digest('base64');
}

const SAME = 'same';

/** The decision on one document, by what the store has under its id. */
function add(doc: PlainDoc): Change['change'] {
  const text = canonical(doc);
  return (existing) => {
    if (!existing) return { write: doc };
    return { skip: canonical(plain(current(existing))) === text ? SAME : 'is in the store with different content' };
  };
}

async function addBatch(
  store: Store,
  batch: readonly { readonly number: number; readonly doc: PlainDoc }[],
): Promise<(Item | 'same')[]> {
  const changes = batch.map(({ doc }) => ({ id: doc._id, change: add(doc) }));
  const outcomes = await store.bulk(changes);
  return outcomes.map((outcome, i): Item | 'same' => {
    if (outcome.why === SAME) return 'same';
    if (!tookEffect(outcome)) return refused(outcome.id, `line ${batch[i]?.number}: ${outcome.why ?? outcome.result}`);
    return { kind: 'document', ref: outcome.id, did: 'imported' };
  });
}
