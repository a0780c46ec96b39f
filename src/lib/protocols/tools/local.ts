// The local end of a copy with a command-line tool: what the file has now, and a name for it that every tool can take.
import { createHash } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Checksum, CopyOptions } from '../../storage.ts';
import { Adler32, adler32File, FileChangedError } from '../../util/adler32.ts';
import { removeFile, removeFileSync } from '../../util/files/remove.ts';
import { withScratch } from '../../util/files/scratch.ts';
import { ownError } from '../../util/systemerrors.ts';
import { shown } from '../../util/text/names.ts';
import { means, RemoteFailure } from './meaning.ts';

/** Checksum of the local file as it is now. @throws ItemError that names the local path */
export function readLocal(local: string, options: Pick<CopyOptions, 'signal' | 'progress'> = {}): Promise<Checksum> {
  return adler32File(local, options).catch((error: unknown) => {
    throw localError(error, local);
  });
}

function localError(error: unknown, local: string): unknown {
  return ownError(error, shown(local));
}

/** Runs `use` with a temporary folder of links to local files, by the names given: tools read `?` and `:` in paths. */
export function withLinks<T>(
  links: readonly { readonly name: string; readonly local: string }[],
  use: (folder: string) => Promise<T>,
): Promise<T> {
  return withScratch(async (folder) => {
    for (const { name, local } of links) symlinkSync(resolve(local), join(folder, name));
    try {
      return await use(folder);
    } finally {
      // One by one by name costs a tenth of looking what there is to be removed.
      for (const { name } of links) removeFileSync(join(folder, name));
    }
  }, true);
}

/**
 * A copy failed with `error`, which means `meant`. Returns the source's checksum where other bytes than `options.expect`
 * arrived because the source has other bytes.
 * @throws ItemError where the source cannot be read; else as `blame`, or `meant`
 */
export async function notArrived(
  local: string,
  expected: Checksum,
  options: CopyOptions,
  error: unknown,
  meant: unknown,
): Promise<Checksum> {
  if (means(error, 'corrupt')) return blame(local, expected, options, meant);
  // A source that is gone is not the storage element's fault.
  if (error instanceof RemoteFailure && error.meaning !== 'down') await readLocal(local);
  throw meant;
}

/**
 * Why a copy did not arrive as `expected`: the source is not that (any more), or the way is to blame.
 * Returns the source's checksum where it differs from `options.expect`.
 * @throws FileChangedError when the source changed after we had read it; `error` when the source is what it should be
 */
async function blame(local: string, expected: Checksum, options: CopyOptions, error: unknown): Promise<Checksum> {
  const now = await readLocal(local, options.signal ? { signal: options.signal } : {});
  if (now.adler32 === expected.adler32 && now.size === expected.size) throw error;
  if (options.expect) return now;
  throw new FileChangedError(`${shown(local)} changed while it was read: ${expected.size} bytes, then ${now.size}`);
}

/** The signal as an option that is there or not. */
export function signalOf({ signal }: Pick<CopyOptions, 'signal'>): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

/** Hands to `sink` what `fetch` brings. @throws RemoteFailure other than `size` bytes came */
export async function wholly(size: number, sink: Taking['sink'], fetch: (sink: Taking['sink']) => Promise<void>) {
  let taken = 0;
  await fetch((chunk) => {
    taken += chunk.length;
    return sink(chunk);
  });
  if (taken !== size) throw new RemoteFailure('busy', `${taken} of ${size} bytes came`);
}

export interface Taking {
  readonly sink: (chunk: Buffer) => Promise<void>;
  /** Checksum of what was taken; ends it. */
  done(): Promise<Checksum>;
}

/** Takes a stream through our own adler32; with `md5` through that, too. */
export async function summing(
  options: Pick<CopyOptions, 'progress'> & { readonly md5?: boolean } = {},
): Promise<Taking> {
  const hash = await Adler32.create();
  const md5 = options.md5 ? createHash('md5') : undefined;
  let size = 0;
  return {
    sink: async (chunk) => {
      hash.update(chunk);
      md5?.update(chunk);
      size += chunk.length;
      options.progress?.(chunk.length);
    },
    done: async () => ({ adler32: hash.digest(), size, ...(md5 && { md5: md5.digest('hex') }) }),
  };
}

/** Writes what `fetch` hands over to `local`, synced; opened with the first bytes, and nothing stays on any error. */
export async function receive(
  local: string,
  options: CopyOptions,
  fetch: (sink: Taking['sink']) => Promise<void>,
): Promise<Checksum> {
  const taking = await summing(options);
  const meant = (error: unknown): never => {
    throw localError(error, local);
  };
  let handle: FileHandle | undefined;
  const opened = async (): Promise<FileHandle> => {
    if (handle) return handle;
    await mkdir(dirname(local), { recursive: true }).catch(meant);
    handle = await open(local, 'w', 0o644).catch(meant);
    return handle;
  };
  let complete = false;
  try {
    await fetch(async (chunk) => {
      await options.pace?.take(chunk.length, options.signal);
      const file = await opened();
      for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done).catch(meant)).bytesWritten;
      await taking.sink(chunk);
    });
    await (await opened()).sync().catch(meant);
    const sum = await taking.done();
    complete = true;
    return sum;
  } finally {
    await handle?.close();
    if (handle && !complete) await removeFile(local);
  }
}
