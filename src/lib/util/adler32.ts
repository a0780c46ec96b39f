// adler32, the checksum of the grid's raw data: incremental, and of whole files with bounded memory.
// Knows files, not storage elements. Some buffers are read into while another is hashed (and written): hashing is three
// times as fast as reading what is cached, so one thread of ours keeps several that read busy, and none is started.
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CHUNK, CHUNKS, type Engine, giveEngine, takeEngine } from './adler32/engine.ts';
import { ItemError } from './errors.ts';

/** What `update` copies at a time: it is hashed while it is in the processor's cache. */
const COPIED = 64 * 1024;

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

/** Incremental adler32. `digest` ends it: afterwards make another. */
export class Adler32 {
  #engine: Engine | undefined = takeEngine();
  #checksum = 1;

  static async create(): Promise<Adler32> {
    return new Adler32();
  }

  /** Buffers to read into, for `updateFrom`. */
  get buffers(): readonly Buffer[] {
    return this.#running.buffers;
  }

  get #running(): Engine {
    if (!this.#engine) throw new Error('an adler32 was used after its end');
    return this.#engine;
  }

  /** Adds the first `length` bytes of one of `buffers`. */
  updateFrom(buffer: number, length: number): void {
    this.#checksum = this.#running.add(this.#checksum, buffer, length);
  }

  update(bytes: Uint8Array): this {
    const buffer = this.buffers[0] as Buffer;
    for (let from = 0; from < bytes.length; from += COPIED) {
      const part = bytes.subarray(from, from + COPIED);
      buffer.set(part);
      this.updateFrom(0, part.length);
    }
    return this;
  }

  /** Eight lower-case hex digits. */
  digest(): string {
    giveEngine(this.#running);
    this.#engine = undefined;
    return (this.#checksum >>> 0).toString(16).padStart(8, '0');
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
  if (!before.isFile()) throw new ItemError(`${path} is not a regular file`);
  const hash = await Adler32.create();
  await readChunks(handle, before.size, path, options, hash);
  const after = await handle.stat();
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw changed(path, before.size, after.size);
  return { adler32: hash.digest(), size: before.size };
}

async function readChunks(handle: FileHandle, size: number, path: string, options: ReadOptions, hash: Adler32) {
  const under: Promise<number>[] = [];
  const begin = (buffer: number, at: number) => {
    if (at >= size) return;
    const reading = fill(handle, hash.buffers[buffer] as Buffer, Math.min(CHUNK, size - at), at);
    // It is awaited in its turn; until then an error must not count as unhandled.
    reading.catch(() => undefined);
    under[buffer] = reading;
  };
  for (let ahead = 0; ahead < CHUNKS; ahead++) begin(ahead, ahead * CHUNK);
  try {
    for (let at = 0, turn = 0; at < size; at += CHUNK, turn = (turn + 1) % CHUNKS) {
      options.signal?.throwIfAborted();
      const length = (await under[turn]) ?? 0;
      const taken = options.sink?.((hash.buffers[turn] as Buffer).subarray(0, length), at);
      hash.updateFrom(turn, length);
      await taken;
      if (length < Math.min(CHUNK, size - at)) throw changed(path, size, at + length);
      options.progress?.(length);
      begin(turn, at + CHUNKS * CHUNK);
    }
  } finally {
    // Readings that are still under way must end before the caller closes the file.
    await Promise.allSettled(under);
  }
}

/** Reads `length` bytes, fewer only at the end of the file. */
async function fill(handle: FileHandle, buffer: Buffer, length: number, at: number): Promise<number> {
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, at + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

function changed(path: string, expected: number, found: number): FileChangedError {
  const what = expected === found ? 'rewritten' : `${expected} bytes when opened, ${found} at the end`;
  return new FileChangedError(`${path} changed while it was read: ${what}`);
}

/** Bytes of a file from `offset`, at most `length`. */
export async function readPart(path: string, offset: number, length: number): Promise<Buffer> {
  return partOf(await openToRead(path), offset, length);
}

/** The same of an open file, which is closed then. */
export async function partOf(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  try {
    const buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return buffer.subarray(0, done);
  } finally {
    await handle.close();
  }
}
