// A run whose documents are in a file: what stays of it in the store, so that no pass of it is made again, no file of it
// is taken for a new run, and its files at the storage elements are still known.
import { createHash } from 'node:crypto';
import { shellWord } from '../../util/text/shell.ts';
import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { DataDoc } from '../data/data.ts';
import { type Doc, isA, SCHEMA } from '../doc.ts';
import { runPad } from '../ids.ts';
import type { JobDoc } from '../jobs/job.ts';
import { type PassUse, passUse } from '../jobs/passuse.ts';
import type { PassState } from '../jobs/states.ts';
import type { RunDoc } from './run.ts';

interface ArchivedPass {
  readonly module: string;
  readonly pass: number;
  readonly version: string;
  readonly state: PassState;
  readonly request?: string;
  /** What a completed pass took and made, for estimates and reports. */
  readonly used?: PassUse;
}

export interface ArchivedDoc extends Doc {
  readonly kind: 'archived';
  readonly run: number;
  /** `leaving`: the move into the file is under way; `returning`: the way back is. */
  readonly state: 'leaving' | 'archived' | 'returning';
  /** Where its documents are. */
  readonly file: string;
  readonly host: string;
  /** Digest of the content of that file. */
  readonly sha256: string;
  readonly at: Iso;
  readonly by: string;
  /** How many documents it has. */
  readonly documents: number;
  readonly mask?: number;
  readonly levels: Readonly<Record<string, { readonly files: number; readonly bytes: number }>>;
  readonly passes: readonly ArchivedPass[];
  /** Its files at each storage element: how many, and a mark of each path, one after the other. */
  readonly places: Readonly<Record<string, { readonly files: number; readonly marks: string }>>;
}

export const ARCHIVED = 'archived:';
export const archivedId = (run: number): string => `${ARCHIVED}${runPad(run)}`;

/** Characters of a mark: 48 bits, so that a million files and a thousand strange ones are told apart. */
const MARK = 8;

/** Stands for a path where the path itself would take too much room. */
export const markOfPath = (path: string): string =>
  createHash('sha256').update(path).digest('base64url').slice(0, MARK);

/** Marks of all files at one element. */
export function* marksAt({ places }: ArchivedDoc, storage: string): Generator<string, void, void> {
  const marks = places[storage]?.marks ?? '';
  for (let at = 0; at < marks.length; at += MARK) yield marks.slice(at, at + MARK);
}

/** Where the documents of a run go. */
export type Archive = Pick<ArchivedDoc, 'file' | 'host' | 'sha256' | 'at' | 'by'>;

/** What stays in the store of a run with these documents. */
export function archivedDoc(run: number, docs: readonly Doc[], archive: Archive): ArchivedDoc {
  const data = docs.filter((doc) => isA<DataDoc>(doc, 'data'));
  const jobs = docs.filter((doc) => isA<JobDoc>(doc, 'job'));
  const mask = docs.find((doc) => isA<RunDoc>(doc, 'run'))?.mask;
  return {
    _id: archivedId(run),
    kind: 'archived',
    v: SCHEMA,
    run,
    state: 'leaving',
    ...archive,
    documents: docs.length,
    ...given({ mask }),
    levels: Object.fromEntries(data.map(({ level, files }) => [level, sizeOf(files)])),
    passes: jobs.map((job) => {
      const { module, pass, version, state, request } = job;
      const used = state === 'completed' ? passUse(job) : undefined;
      return { module, pass, version, state, ...given({ request, used }) };
    }),
    places: placesOf(data, jobs),
  };
}

function sizeOf(files: DataDoc['files']): { files: number; bytes: number } {
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}

function placesOf(data: readonly DataDoc[], jobs: readonly JobDoc[]): ArchivedDoc['places'] {
  const places: Record<string, { files: number; marks: string }> = {};
  const note = (storage: string, path: string): void => {
    const before = places[storage] ?? { files: 0, marks: '' };
    places[storage] = { files: before.files + 1, marks: before.marks + markOfPath(path) };
  };
  for (const { replicas } of data.flatMap(({ files }) => files)) {
    for (const [storage, replica] of Object.entries(replicas)) if ('path' in replica) note(storage, replica.path);
  }
  for (const { state } of jobs.flatMap(({ subjobs }) => subjobs)) {
    if (state.name === 'completed') for (const { storage, path } of state.outputs) note(storage, path);
  }
  return places;
}

/** `archived in /archive/snop.jsonl since 2026-11-27T09:15:00.123Z` */
export function archivedText({ state, file, host, at }: ArchivedDoc): string {
  if (state === 'archived') return `archived in ${file} (${host}) since ${at}`;
  return state === 'leaving' ? `being archived in ${file} (${host})` : `being brought back from ${file} (${host})`;
}

/** What brings the documents of the run back, or ends a move that was stopped. */
export function archivedNext({ run, state, file }: ArchivedDoc): string {
  if (state === 'leaving') return `dflow store archive ${shellWord(file)}`;
  return `dflow store unarchive ${run}`;
}
