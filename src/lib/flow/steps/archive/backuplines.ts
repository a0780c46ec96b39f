// A backup, or an archive of runs, as JSON lines: a head that says whose store it is, a line for each document, and an
// end with the count and a digest. A file that was cut off, or changed, has no end that fits, and is refused.
import { createHash } from 'node:crypto';
import type { Doc } from '../../../domain/doc.ts';
import type { ReadStore } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import { shellWord } from '../../../util/text/shell.ts';
import { field } from '../../../util/values/field.ts';
import { type PlainDoc, plain } from './archive.ts';

/** What the lines are: of the whole store, or of runs that left it. */
export type LinesOf = 'backup' | 'archive';

export interface BackupHead {
  readonly dflow: LinesOf;
  readonly format: 1;
  readonly experiment: string;
  /** Unique id of the store, where it has one. */
  readonly uuid?: string;
  readonly schema: number;
  readonly at: string;
  /** Documents that a damaged store has lost. */
  readonly lost?: number;
}

/** A document, or the id of one that was removed while the backup was made. */
type Entry = Doc | { readonly removed: string };

/** Changes read together, and how often the last of them are followed while others go on writing. */
const PAGE = 1000;
const LAPS = 100;

/**
 * Every document, in the order of changes. What changes meanwhile comes again, and the last one counts. When nothing is
 * left to read, all documents are as they were at that moment.
 */
export async function* entriesOf(store: Pick<ReadStore, 'changes' | 'get'>): AsyncGenerator<Entry, void, void> {
  let since: string | undefined;
  for (let laps = 0; laps < LAPS; ) {
    const { changes, last } = await store.changes(since, PAGE);
    if (changes.length === 0) return;
    if (changes.length < PAGE) laps++;
    since = last;
    const docs = await store.get(changes.map(({ id }) => id));
    for (const { id } of changes) yield docs.get(id) ?? { removed: id };
  }
}

export async function* backupLines(
  head: BackupHead,
  entries: AsyncIterable<Entry>,
): AsyncGenerator<string, void, void> {
  const hash = createHash('sha256');
  const there = new Set<string>();
  let lines = 0;
  const line = (value: unknown): string => {
    const text = `${JSON.stringify(value)}\n`;
    hash.update(text);
    lines++;
    return text;
  };
  yield line(head);
  for await (const entry of entries) {
    if ('removed' in entry) {
      if (there.delete(entry.removed)) yield line(entry);
      continue;
    }
    there.add(entry._id);
    yield line(plain(entry));
  }
  yield `${JSON.stringify({ dflow: 'end', documents: there.size, lines, sha256: hash.digest('hex') })}\n`;
}

export interface Backup {
  readonly head: BackupHead;
  readonly documents: number;
  /** Of its content. */
  readonly digest: string;
  /** The documents as they were at the end. */
  docs(): AsyncGenerator<PlainDoc, void, void>;
}

/**
 * Reads a backup to its end before anything is believed. `open` is called once more for the documents.
 * @throws UsageError it is not a backup, or not whole
 */
export async function readBackup(
  where: string,
  open: () => AsyncIterable<string>,
  of: LinesOf = 'backup',
): Promise<Backup> {
  const hash = createHash('sha256');
  const latest = new Map<string, number>();
  let head: BackupHead | undefined;
  let end: unknown;
  let number = 0;
  for await (const text of open()) {
    const value = number === 0 || end === undefined ? parsed(text, where, number, of) : undefined;
    if (end !== undefined) throw notWhole(where, of, 'something follows its end');
    if (number === 0) head = headOf(value, where, of);
    if (field(value, 'dflow') === 'end') {
      end = value;
      continue;
    }
    hash.update(`${text}\n`);
    const [id, removed] = [field(value, '_id'), field(value, 'removed')];
    if (typeof id === 'string') latest.set(id, number);
    if (typeof removed === 'string') latest.delete(removed);
    number++;
  }
  if (!head || end === undefined) throw notWhole(where, of, 'its end is missing');
  const digest = hash.digest('hex');
  const fits =
    field(end, 'sha256') === digest && field(end, 'lines') === number && field(end, 'documents') === latest.size;
  if (!fits) throw notWhole(where, of, 'its content does not fit the digest at its end');
  return {
    head,
    documents: latest.size,
    digest,
    async *docs() {
      let at = 0;
      for await (const text of open()) {
        const value: PlainDoc & { readonly dflow?: string } = JSON.parse(text);
        if (value.dflow === undefined && latest.get(value._id) === at) yield value;
        at++;
      }
    },
  };
}

function parsed(text: string, where: string, number: number, of: LinesOf): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw number === 0 ? another(where, of, undefined, cause) : notWhole(where, of, `line ${number + 1} is not JSON`);
  }
}

function headOf(value: unknown, where: string, of: LinesOf): BackupHead {
  if (field(value, 'dflow') !== of || typeof field(value, 'experiment') !== 'string') throw another(where, of, value);
  if (field(value, 'format') === 1) return value as BackupHead;
  throw new UsageError(`this ${of} was made by a newer dflow`, { where, hint: 'npm install -g dflow' });
}

const WORDS: Readonly<Record<LinesOf, string>> = { backup: 'a backup of a store', archive: 'an archive of runs' };
const HINTS: Readonly<Record<LinesOf, string>> = {
  backup: 'name a file that dflow store backup has made; lines of dflow store export go in by: dflow store import FILE',
  archive: 'name a file that dflow store archive has made',
};

function another(where: string, of: LinesOf, head: unknown, cause?: unknown): UsageError {
  const is = field(head, 'dflow');
  if (is === 'archive') {
    const hint = `to bring its runs back into the store: dflow store unarchive ${shellWord(where)}`;
    return new UsageError('this file is an archive of runs, not a backup of a store', { where, hint });
  }
  return new UsageError(`this file is not ${WORDS[of]}`, { where, hint: HINTS[of], cause });
}

function notWhole(where: string, of: LinesOf, why: string): UsageError {
  return new UsageError(`this ${of} is not whole: ${why}`, { where, hint: `use another ${of}; nothing was changed` });
}
