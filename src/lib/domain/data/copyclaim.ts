// A claim on making copies, of raw files (slots) and of outputs alike: whose it is, whether it still counts, and when
// what has failed is tried again. Pure.
import { DAY, HOUR, type Iso, isAhead, plus } from '../../util/time.ts';

/** Who makes a copy, as its document says. */
export interface CopyClaim {
  readonly host: string;
  readonly nonce: string;
  /** Its process (util/processes/identity.ts): on the same machine it is known to have ended at once. */
  readonly holder?: string;
  readonly since?: Iso;
  /** Its last sign of life; absent: `since`. */
  readonly renewed?: Iso;
  readonly expires: Iso;
}

/** Nonces of claims whose process is known to have ended. */
export type Gone = ReadonlySet<string>;

/** True while nobody else may make the copy. A sign of life that is dated beyond now is none. */
export function isLive({ nonce, since, renewed, expires }: CopyClaim, now: Iso, gone: Gone): boolean {
  if (expires <= now || gone.has(nonce)) return false;
  // No claim is good for a day: who wrote such an end had a wrong clock.
  return !isAhead(renewed ?? since ?? now, now) && !isAhead(expires, plus(now, DAY));
}

/** Longest back-off. */
const RETRY_CAP = 6 * HOUR;

/** Milliseconds until the next try after so many failures in a row: doubles, at most six hours. */
export function backOff(failures: number, retry: number): number {
  return Math.max(retry, Math.min(retry * 2 ** (failures - 1), RETRY_CAP));
}

/** True while a copy that has failed is left alone. A failure that is dated beyond now keeps nothing waiting. */
export function isCooling({ since, retryAt }: { readonly since?: Iso; readonly retryAt: Iso }, now: Iso): boolean {
  return retryAt > now && !isAhead(since ?? now, now) && !isAhead(retryAt, plus(now, DAY));
}
