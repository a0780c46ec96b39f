// The raw file of a subrun. A level of a run may have thousands, and whoever asks for one asks for all.
import type { DataDoc, RawFile } from './data.ts';

const indexes = new WeakMap<readonly RawFile[], Map<number, RawFile>>();

/** The registered file with this subrun; documents do not change, so its files are sorted once. */
export function fileOf(doc: Pick<DataDoc, 'files'> | undefined, subrun: number): RawFile | undefined {
  if (!doc) return undefined;
  let index = indexes.get(doc.files);
  if (!index) {
    index = new Map();
    for (const file of doc.files) if (!index.has(file.subrun)) index.set(file.subrun, file);
    indexes.set(doc.files, index);
  }
  return index.get(subrun);
}
