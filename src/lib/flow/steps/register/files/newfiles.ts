// The data document of a run and level as register writes it: new files, and files that lie elsewhere or differ.
// Pure functions from document to document.

import { type DataDoc, type RawFile, withDone } from '../../../../domain/data/data.ts';
import { guidOf, rawLfn } from '../../../../domain/data/identity.ts';
import { appendHistory, SCHEMA } from '../../../../domain/doc.ts';
import { dataId, refOf } from '../../../../domain/ids.ts';
import { keepRun } from '../../../../domain/runs/keep.ts';
import type { Change, Decision } from '../../../../store.ts';
import type { Iso } from '../../../../util/time.ts';
import { given } from '../../../../util/values/given.ts';
import type { Found } from '../../../copies/buffer/listing.ts';
import type { About } from '../../../ports.ts';
import type { Round } from '../round.ts';

export interface NewFile extends Found {
  readonly adler32: string;
}

/** The fields that every item about a file of this level begins with. */
export function dataRefOf(round: Round, run: number): About<'file'> {
  return { kind: 'file', ref: refOf(run), level: round.buffer.level, run };
}

/**
 * The change that adds `files` to the data document of `run`. Subruns that are there already stay as they are: the
 * next round compares them. Its note is what it adds.
 */
export function withFiles(
  round: Round,
  run: number,
  files: readonly NewFile[],
  at: Iso,
): Pick<Change<DataDoc, readonly RawFile[]>, 'id' | 'change'> {
  const change = (doc: DataDoc | undefined): Decision<DataDoc, readonly RawFile[]> => {
    const present = new Set(doc?.files.map((file) => file.subrun));
    const fresh = files.filter((file) => !present.has(file.subrun)).map((file) => toRaw(round, file, at));
    if (fresh.length === 0) return { skip: 'registered by another' };
    const base = doc ?? emptyDoc(round, run);
    const to = `${fresh.length} file${fresh.length === 1 ? '' : 's'} registered`;
    const history = appendHistory(base.history, { at, to, by: round.ports.by });
    return { write: withDone({ ...base, files: [...base.files, ...fresh].sort(bySubrun), history }), note: fresh };
  };
  return { id: dataId(round.buffer.level, run), change };
}

function bySubrun(a: RawFile, b: RawFile): number {
  return a.subrun - b.subrun;
}

function emptyDoc(round: Round, run: number): DataDoc {
  const { level, keep } = round.buffer;
  return {
    _id: dataId(level, run),
    kind: 'data',
    v: SCHEMA,
    level,
    run,
    files: [],
    keep: keepRun(run, keep),
    done: [],
    host: round.ports.host,
    history: [],
  };
}

function toRaw(round: Round, file: NewFile, at: Iso): RawFile {
  const { experiment } = round.ports.settings;
  const lfn = rawLfn(experiment, round.buffer.level, file.run, file.name);
  return {
    name: file.name,
    path: file.path,
    subrun: file.subrun,
    size: file.size,
    adler32: file.adler32,
    guid: guidOf(experiment, lfn),
    lfn,
    modified: file.modified,
    ...given({ changed: file.changed }),
    registered: at,
    late: false,
    original: { state: 'present' },
    replicas: {},
  };
}

/** The change that replaces one registered file, if it still is what the decision was made on. */
export function withFile(old: RawFile, next: RawFile, why: string, at: Iso, by: string) {
  return (doc: DataDoc | undefined): Decision<DataDoc> => {
    const current = doc?.files.find((file) => file.subrun === old.subrun);
    if (!doc || !current) return { skip: 'no longer registered' };
    const same = current.path === old.path && current.modified === old.modified && sameOriginal(current, old);
    if (!same) return { skip: 'changed by another' };
    const { path, modified, original, changed } = next;
    const lies = { path, modified, original, ...given({ changed }) };
    const files = doc.files.map((file) => (file === current ? { ...file, ...lies } : file));
    return { write: withDone({ ...doc, files, history: appendHistory(doc.history, { at, to: why, by }) }) };
  };
}

/** New content for a registered file, as it was read. */
export type Content = Pick<RawFile, 'path' | 'size' | 'adler32' | 'modified'> & { readonly changed?: Iso | undefined };

/**
 * The change that makes new content what is registered, if the old is still what the decision was made on. Copies of the
 * old content are bad from then on; `unused`: only while there are none.
 */
export function withContent(old: RawFile, content: Content, by: { at: Iso; by: string; to: string; unused: boolean }) {
  return (doc: DataDoc | undefined): Decision<DataDoc> => {
    const current = doc?.files.find((file) => file.subrun === old.subrun);
    if (!doc || !current) return { skip: 'no longer registered' };
    if (current.adler32 !== old.adler32 || current.size !== old.size) return { skip: 'changed by another' };
    if (isBeingUsed(current)) return { skip: 'the file is being copied or purged' };
    if (by.unused && hasCopies(current)) return { skip: 'it has a copy' };
    const { changed: _, ...rest } = current;
    const { changed, ...fields } = content;
    const file: RawFile = {
      ...rest,
      ...fields,
      ...given({ changed }),
      name: content.path.slice(content.path.lastIndexOf('/') + 1),
      registered: by.at,
      original: { state: 'present' },
      replicas: outdated(current, by.at),
    };
    const files = doc.files.map((one) => (one === current ? file : one));
    const history = appendHistory(doc.history, { at: by.at, to: by.to, by: by.by });
    return { write: withDone({ ...doc, files, history }) };
  };
}

export function hasCopies({ replicas }: RawFile): boolean {
  return Object.values(replicas).some(({ state }) => state === 'verified');
}

/** Somebody reads or writes its bytes now. */
export function isBeingUsed({ original, replicas }: RawFile): boolean {
  return original.state === 'purging' || Object.values(replicas).some(({ state }) => state === 'copying');
}

function outdated({ replicas }: RawFile, at: Iso): RawFile['replicas'] {
  const why = 'it has the content that was registered before';
  return Object.fromEntries(
    Object.entries(replicas).map(([name, replica]) => {
      // What failed was a copy of the old content: nothing is to be waited for.
      if (replica.state === 'failed') return [name, { ...replica, retryAt: at }];
      if (replica.state !== 'verified') return [name, replica];
      return [name, { state: 'bad', attempt: replica.attempt, path: replica.path, since: at, why }];
    }),
  );
}

function sameOriginal(a: RawFile, b: RawFile): boolean {
  if (a.original.state === 'changed' && b.original.state === 'changed') return a.original.why === b.original.why;
  return a.original.state === b.original.state;
}
