// What an experiment's folder holds in the end, without what may differ between two runs of it (times, nonces, hosts):
// read from the store's export and from the disks, not through the listings under test.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { lines, must } from './cli.ts';

/** Every file below a folder, as paths relative to it, sorted. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

export function sha(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
}

export interface Doc {
  readonly _id: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** All documents of the experiment's store. */
export function documents(folder: string): Doc[] {
  return lines<Doc>(must(folder, ['store', 'export']));
}

// biome-ignore lint/suspicious/noExplicitAny: documents are read as plain JSON here, on purpose
type Loose = any;

/** The final state: runs, files and their copies, passes and what they made. */
export function picture(folder: string): Record<string, unknown> {
  return pictureOf(folder, documents(folder));
}

/** The same from documents that were exported elsewhere. */
export function pictureOf(folder: string, all: readonly Doc[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const doc of all as Loose[]) {
    if (doc.kind === 'run')
      result[doc._id] = { mask: doc.mask, levels: levelsOf(doc), automatic: Object.keys(doc.automatic ?? {}) };
    if (doc.kind === 'data')
      result[doc._id] = doc.files.map((file: Loose) => [file.name, file.size, file.adler32, copiesOf(file)]);
    if (doc.kind === 'quarantine') result[doc._id] = doc.reason;
    if (doc.kind === 'job') result[doc._id] = [doc.state, doc.subjobs.map((subjob: Loose) => subjobOf(folder, subjob))];
    if (doc.kind === 'hold') result[doc._id] = [doc.what, doc.ended !== undefined];
  }
  return result;
}

function levelsOf(doc: Loose): unknown {
  const entries = Object.entries(doc.levels).map(([name, level]: [string, Loose]) => [
    name,
    level.complete?.subruns ?? level.blocked ?? 'open',
  ]);
  return Object.fromEntries(entries);
}

function copiesOf(file: Loose): string[] {
  return Object.entries(file.replicas)
    .map(([name, replica]: [string, Loose]) => `${name} ${replica.state}`)
    .sort();
}

/** State, cause, and the bytes of each output as they lie on the disk. */
function subjobOf(folder: string, subjob: Loose): unknown {
  const { state } = subjob;
  const outputs = (state.outputs ?? []).map((output: Loose) => [
    output.name,
    output.storage,
    sha(join(folder, 'storage', output.storage, output.path)),
  ]);
  return [state.name, state.failure?.cause, outputs];
}

/** Copies of raw files as they lie on the disks: path -> inode, to see whether one was ever replaced. */
export function inodes(folder: string): Map<string, number> {
  const storage = join(folder, 'storage');
  const raw = filesBelow(storage).filter((path) => path.endsWith('.zdab') && !path.includes('/.'));
  return new Map(raw.map((path) => [path, statSync(join(storage, path)).ino]));
}
