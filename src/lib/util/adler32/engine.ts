// What hashes and what is read into: four buffers of 1 MiB. Vectors where the machine has them, else a plain loop.
import { type Simd, simd } from './simd.ts';

/** One reading of the disk; larger ones are no faster, smaller ones cost a system call and a promise too many. */
export const CHUNK = 1024 * 1024;
/** Readings under way at once: the threads of libuv read ahead while the main thread hashes, so it always has something. */
export const CHUNKS = 4;

export interface Engine {
  /** CHUNKS buffers of CHUNK bytes. */
  readonly buffers: readonly Buffer[];
  /** The checksum with the first `length` bytes of a buffer added to it. */
  add(checksum: number, buffer: number, length: number): number;
}

/** Engines that are not in use: the pages of a used one are there already. */
const idle: Engine[] = [];
let vectors: (() => Simd) | undefined | null = null;

export function takeEngine(): Engine {
  return idle.pop() ?? vectorEngine() ?? plainEngine();
}

/** Only when nothing reads into its buffers any more. */
export function giveEngine(engine: Engine): void {
  idle.push(engine);
}

function vectorEngine(): Engine | undefined {
  if (vectors === null) vectors = simd(CHUNK * CHUNKS);
  try {
    const instance = vectors?.();
    if (!instance) return undefined;
    const { memory, adler32 } = instance;
    const buffers = cut(Buffer.from(memory.buffer));
    return { buffers, add: (checksum, buffer, length) => adler32(checksum, buffer * CHUNK, buffer * CHUNK + length) };
  } catch {
    // Such a memory reserves gigabytes of addresses, which `ulimit -v` may refuse.
    return undefined;
  }
}

export function plainEngine(): Engine {
  const buffers = cut(Buffer.allocUnsafeSlow(CHUNK * CHUNKS));
  return { buffers, add: (checksum, buffer, length) => plain(checksum, buffers[buffer] as Buffer, length) };
}

function cut(memory: Buffer): Buffer[] {
  return Array.from({ length: CHUNKS }, (_, index) => memory.subarray(index * CHUNK, (index + 1) * CHUNK));
}

const MODULUS = 65521;
/** Bytes after which b could pass 2^32 if nothing were taken off. */
const BATCH = 5552;

function plain(checksum: number, bytes: Buffer, length: number): number {
  let a = checksum & 0xffff;
  let b = checksum >>> 16;
  for (let from = 0; from < length; from += BATCH) {
    const to = Math.min(length, from + BATCH);
    for (let at = from; at < to; at++) {
      a += bytes[at] as number;
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return (b << 16) | a;
}
