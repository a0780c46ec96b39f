// The files of a document as the catalogue of the collaboration sees them: parts, each with a dataset, and the copies of
// each file. Raw files of a (run, level) are one part; outputs of a pass are a part for each type.
import type { DataDoc } from '../data/data.ts';
import { pad, runPad } from '../ids.ts';
import type { JobDoc } from '../jobs/job.ts';
import { type Said, type Told, toldPath } from './said.ts';

export type Holder = DataDoc | JobDoc;

/** `busy`: a repair is under way; what follows is said when it has ended. */
type CopyState = { readonly is: 'good' } | { readonly is: 'bad'; readonly why: string } | { readonly is: 'busy' };

interface PartCopy {
  readonly storage: string;
  readonly path: string;
  readonly state: CopyState;
}

export interface PartFile {
  readonly part: string;
  readonly name: string;
  readonly size: number;
  readonly adler32: string;
  readonly guid: string;
  /** It came after the run was complete: the dataset may be closed. */
  readonly late: boolean;
  readonly copies: readonly PartCopy[];
}

export function filesOf(doc: Holder): PartFile[] {
  return doc.kind === 'data' ? rawFiles(doc) : outputFiles(doc);
}

function rawFiles(doc: DataDoc): PartFile[] {
  return doc.files.map(({ name, size, adler32, guid, late, replicas }) => ({
    ...{ part: doc.level, name, size, adler32, guid, late },
    copies: Object.entries(replicas).map(([storage, replica]): PartCopy => {
      const path = 'path' in replica ? replica.path : '';
      if (replica.state === 'verified') return { storage, path, state: { is: 'good' } };
      if (replica.state === 'copying') return { storage, path, state: { is: 'busy' } };
      return { storage, path, state: { is: 'bad', why: replica.why } };
    }),
  }));
}

function outputFiles(doc: JobDoc): PartFile[] {
  const files = new Map<string, PartFile & { copies: PartCopy[] }>();
  for (const { state } of doc.subjobs) {
    if (state.name !== 'completed') continue;
    for (const { type, name, size, adler32, guid, storage, path, bad } of state.outputs) {
      const file = files.get(`${type} ${name}`) ?? { part: type, name, size, adler32, guid, late: false, copies: [] };
      file.copies.push({ storage, path, state: bad === undefined ? { is: 'good' } : { is: 'bad', why: bad } });
      files.set(`${type} ${name}`, file);
    }
  }
  return [...files.values()];
}

/** Parts that a document has, or was said to have. */
function partsOf(doc: Holder, files: readonly PartFile[]): string[] {
  const told = Object.values(doc.catalogue?.copies ?? {}).flatMap((parts) => Object.keys(parts));
  return [...new Set([...files.map(({ part }) => part), ...told])].sort();
}

/** Name of the dataset of a part. A late file has one of its own: the other may be closed. */
export function datasetName(doc: Holder, part: string, late = false): string {
  const run = `r${runPad(doc.run)}`;
  const name = doc.kind === 'data' ? `${part}.${run}` : `${doc.module}.${run}.p${pad(doc.pass, 3)}.${part}`;
  return late ? `${name}.late` : name;
}

/** Name of a file in the catalogue. */
export const didName = (said: Said | undefined, name: string): string => said?.names?.[name] ?? name;

/** A copy that the catalogue has to be told of, or told that it is gone or bad. */
export interface DueCopy {
  readonly storage: string;
  readonly part: string;
  readonly name: string;
  readonly path: string;
  readonly do: 'add' | 'bad' | 'gone';
  readonly why: string;
  /** Absent where the document no longer has the file. */
  readonly file?: PartFile;
}

/** What is to be told, at the storage elements that the catalogue knows. The view `catalogue` counts the same. */
export function dueCopies(doc: Holder, files: readonly PartFile[], known: (storage: string) => boolean): DueCopy[] {
  const said = doc.catalogue;
  const seen = new Set<string>();
  const due: DueCopy[] = [];
  for (const file of files) {
    const { part, name } = file;
    for (const { storage, path, state } of file.copies) {
      seen.add(`${storage} ${part} ${name}`);
      const told = toldPath(said, storage, part, name);
      if (state.is === 'good' && told !== path) due.push({ storage, part, name, path, do: 'add', why: '', file });
      if (state.is === 'bad' && told !== undefined)
        due.push({ storage, part, name, path: told, do: 'bad', why: state.why, file });
    }
  }
  for (const { storage, part, name, path } of toldCopies(said))
    if (!seen.has(`${storage} ${part} ${name}`))
      due.push({ storage, part, name, path, do: 'gone', why: 'dflow has no copy there any more' });
  return due.filter(({ storage }) => known(storage));
}

/** Every copy that was told. */
export function toldCopies(said: Said | undefined): (Told & { readonly path: string })[] {
  return Object.entries(said?.copies ?? {}).flatMap(([storage, parts]) =>
    Object.entries(parts).flatMap(([part, paths]) =>
      Object.entries(paths).map(([name, path]) => ({ storage, part, name, path })),
    ),
  );
}

/** Files of a part that belong into its dataset. */
const members = (files: readonly PartFile[], part: string): PartFile[] =>
  files.filter((file) => file.part === part && !file.late);

/** Parts that are not closed and all of whose files the catalogue has; raw ones wait for the end of the run besides. */
export function closable(doc: Holder, files: readonly PartFile[]): string[] {
  if (doc.kind === 'job' && doc.state !== 'completed') return [];
  const { copies = {}, closed = {} } = doc.catalogue ?? {};
  return partsOf(doc, files).filter((part) => {
    const own = members(files, part);
    if (closed[part] !== undefined || own.length === 0) return false;
    return own.every(({ name }) => Object.values(copies).some((parts) => parts[part]?.[name] !== undefined));
  });
}

/** Closed parts all of whose files the catalogue has at a storage element, and whose copies are not pinned there. */
export function pinnable(doc: Holder, files: readonly PartFile[]): { part: string; storage: string }[] {
  const { copies = {}, closed = {}, pinned = {} } = doc.catalogue ?? {};
  return Object.keys(closed).flatMap((part) => {
    const own = members(files, part);
    if (own.length === 0) return [];
    return Object.keys(copies)
      .filter((storage) => !pinned[part]?.includes(storage))
      .filter((storage) => own.every(({ name }) => copies[storage]?.[part]?.[name] !== undefined))
      .map((storage) => ({ part, storage }));
  });
}
