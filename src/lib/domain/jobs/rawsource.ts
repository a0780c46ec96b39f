// Where a job can read a raw file.
import type { DataDoc, RawFile } from '../data/data.ts';
import type { Input } from './job.ts';

/** The first storage element of `reads` with a verified replica of a raw input, and the file. */
export function rawSource(
  data: DataDoc | undefined,
  input: Input,
  reads: readonly string[],
): { readonly file: RawFile; readonly storage: string; readonly path: string } | undefined {
  const file = input.kind === 'raw' ? data?.files.find((candidate) => candidate.name === input.name) : undefined;
  if (!file) return undefined;
  for (const storage of reads) {
    const replica = file.replicas[storage];
    if (replica?.state === 'verified') return { file, storage, path: replica.path };
  }
  return undefined;
}
