// The same request to a storage server again, where another try may well succeed.
import { setTimeout as wait } from 'node:timers/promises';
import { given } from '../../../util/values/given.ts';
import { NoAnswer, WebFailure } from './web.ts';

/** Tries of one request where the server is busy: 0.2, 0.4, 0.8, 1.6, 3.2 s apart, or as the server says. */
const TRIES = 6;
const CUT_TRIES = 3;
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 20_000;

export interface Patience {
  /** Who we are was refused: true where that is known anew by the next try. */
  readonly renew: () => boolean;
  /** Told before the same is sent again. */
  readonly repeated?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The same request again where the server was busy, the connection was cut, or credentials were renewed under us. */
export async function patiently<T>({ renew, repeated, signal }: Patience, once: () => Promise<T>): Promise<T> {
  let renewed = false;
  for (let tried = 1; ; tried++) {
    try {
      return await once();
    } catch (error) {
      const refused = error instanceof WebFailure && error.meaning === 'credentials';
      const fresh: boolean = refused && !renewed && renew();
      const cut = error instanceof NoAnswer && error.cut && tried < CUT_TRIES;
      const busy = error instanceof WebFailure && error.again && tried < TRIES;
      if (!fresh && !cut && !busy) throw error;
      renewed ||= fresh;
      repeated?.();
      if (!fresh)
        await wait(pauseAfter(tried, error), undefined, { ...given({ signal }) }).catch(() => signal?.throwIfAborted());
    }
  }
}

function pauseAfter(tried: number, error: unknown): number {
  const later = error instanceof WebFailure ? error.about.later : 0;
  // Many that were told to slow down must not come back in one moment.
  const pause = FIRST_PAUSE * 2 ** (tried - 1) * (0.5 + Math.random());
  return Math.min(LONGEST_PAUSE, Math.max(later, pause));
}
