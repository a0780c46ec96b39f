// adler32, the checksum of the grid's raw data: incremental, and of whole files with bounded memory.
// Knows files, not storage elements. Two 1 MiB buffers: one is read into while the other is hashed (and written).
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { IHasher } from 'hash-wasm';
import { codeOf, ItemError } from './errors.ts';

const CHUNK = 1024 * 1024;

/** The file is not what it was when it was opened: truncated, grown or rewritten while it was read (exit 1). */
export class FileChangedError extends ItemError {}

export interface FileChecksum {
  /** Eight lower-case hex digits. */
  readonly adler32: string;
  /** Bytes. */
  readonly size: number;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes read since the last call. */
  readonly progress?: (bytes: number) => void;
  /** Takes each chunk; the next one is read meanwhile. The buffer is reused once the promise has resolved. */
  readonly sink?: (chunk: Buffer, offset: number) => Promise<void>;
  /** The file's state when it was opened, if it has been asked for already. */
  readonly before?: Stats;
}

/** Hashers that are not in use: making one instantiates WebAssembly, which costs more than hashing a small file. */
const idle: IHasher[] = [];

/** Incremental adler32. `digest` ends it: afterwards make another. */
export class Adler32 {
  readonly #hasher: IHasher;
  private constructor(hasher: IHasher) {
    this.#hasher = hasher.init();
  }

  static async create(): Promise<Adler32> {
    return new Adler32(idle.pop() ?? (await (await import('hash-wasm')).createAdler32()));
  }

  update(bytes: Uint8Array): this {
    this.#hasher.update(bytes);
    return this;
  }

  /** Eight lower-case hex digits. */
  digest(): string {
    const digest = this.#hasher.digest('hex');
    idle.push(this.#hasher);
    return digest;
  }
}

/**
 * Checksum and size of a file, every byte read now.
 * @throws FileChangedError when it changes while it is read; ItemError when it is no regular file; else the system's error
 */
export async function adler32File(
  path: string,
  options: Pick<ReadOptions, 'signal' | 'progress'> = {},
): Promise<FileChecksum> {
  const handle = await openToRead(path);
  try {
    return await readChecksummed(handle, path, options);
  } finally {
    await handle.close();
  }
}

/** Opens without ever blocking: a FIFO with the name of a raw file must not hang the step. */
export async function openToRead(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

/** Reads an open file from its beginning to the size it had at the start; `path` is for messages. */
export async function readChecksummed(handle: FileHandle, path: string, options: ReadOptions): Promise<FileChecksum> {
  const before = options.before ?? (await handle.stat());
  if (!before.isFile()) throw new ItemError(`${path} is no regular file`);
  const hash = await Adler32.create();
  await readChunks(handle, before.size, path, options, hash);
  const after = await handle.stat();
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw changed(path, before.size, after.size);
  return { adler32: hash.digest(), size: before.size };
}

async function readChunks(handle: FileHandle, size: number, path: string, options: ReadOptions, hash: Adler32) {
  const length = Math.min(CHUNK, size);
  const buffers = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(length)] as const;
  let turn = 0;
  let offset = 0;
  const next = (at: number) => handle.read(buffers[turn] as Buffer, 0, Math.min(length, size - at), at);
  let pending = size > 0 ? next(0) : undefined;
  try {
    while (pending) {
      options.signal?.throwIfAborted();
      const { bytesRead, buffer } = await pending;
      if (bytesRead === 0) throw changed(path, size, offset);
      const at = offset;
      offset += bytesRead;
      turn = 1 - turn;
      pending = offset < size ? next(offset) : undefined;
      const chunk = buffer.subarray(0, bytesRead);
      const taken = options.sink?.(chunk, at);
      hash.update(chunk);
      await taken;
      options.progress?.(bytesRead);
    }
  } finally {
    // A read that is still under way must end before the caller closes the file.
    await pending?.catch(() => undefined);
  }
}

function changed(path: string, expected: number, found: number): FileChangedError {
  const what = expected === found ? 'rewritten' : `${expected} bytes when opened, ${found} at the end`;
  return new FileChangedError(`${path} changed while it was read: ${what}`);
}

/** True for errors that mean "there is no such file". */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
