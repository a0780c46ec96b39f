// How many checksums a server is asked for at once, and how long it may take for one.
import pLimit, { type LimitFunction } from 'p-limit';

/** Bytes a second that a server reads for a checksum at least. */
const RATE = 10e6;

/** Milliseconds for the checksum of a file of `size` bytes, where any question may take `timeout` ms. */
export function sumLimit(timeout: number, size: number): number {
  return timeout + (size / RATE) * 1000;
}

/**
 * For one element: of four that it does not know yet an XRootD server (5.5.3) may let one wait for half a minute, over
 * HTTP for longer, and other hosts ask, too.
 */
export function sumsAtOnce(): LimitFunction {
  return pLimit(2);
}
