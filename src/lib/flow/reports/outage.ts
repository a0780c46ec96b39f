// Whoever watches for hours outlives an outage of the store: it says so once, asks again, and says when the store is back.
import { EXIT, StoreError } from '../../util/errors.ts';
import { humanDuration, SECOND } from '../../util/time.ts';

export interface Watching {
  /** Waits; ends early, without an error, when the process shall end. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly say: (text: string) => void;
  /** True when the process shall end, or nobody reads any more. */
  readonly over: () => boolean;
}

const FIRST = 2 * SECOND;
const LONGEST = 30 * SECOND;

/** What `ask` answers, asked again while the store is away; `undefined` when the watching was over before. */
export async function whenBack<T>(ask: () => Promise<T>, { sleep, say, over }: Watching): Promise<T | undefined> {
  for (let pause = FIRST; !over(); pause = Math.min(2 * pause, LONGEST)) {
    try {
      const answer = await ask();
      if (pause !== FIRST) say('the store is back');
      return answer;
    } catch (error) {
      if (!(error instanceof StoreError) || error.exit !== EXIT.storeUnreachable) throw error;
      if (pause === FIRST)
        say(`${error.message}\nIt is asked again every ${humanDuration(FIRST)} to ${humanDuration(LONGEST)}`);
      await sleep(pause);
    }
  }
  return undefined;
}
