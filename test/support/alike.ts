// Two byte strings of one length and one adler32 that differ: what a checksum of 32 bits cannot tell apart.
import { bytesOf } from '../contracts/storage.ts';

/** `[bytes, others]`, `length` bytes each. */
export function alike(length: number): [Buffer, Buffer] {
  const [one, other] = [bytesOf('alike', length), bytesOf('alike', length)];
  // (1, -2, 1) times their places leave both sums of adler32 as they were.
  one.set([10, 30, 10], 100);
  other.set([11, 28, 11], 100);
  return [one, other];
}
