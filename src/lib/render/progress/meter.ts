// How far a command is: done, due, rate and time left. Pure: the caller gives the time.
import type { ProgressEvent } from '../../flow/progress.ts';
import { humanLeft, SECOND } from '../../util/time.ts';
import { humanCount, humanCounted, humanSize } from '../human.ts';

/** Time over which a rate is measured: longer than a large file on a slow disk takes to send its first bytes. */
const WINDOW = 15 * SECOND;
/** Shortest time over which a rate is shown. */
const SHORTEST = 2 * SECOND;

interface Amounts {
  readonly count: number;
  readonly bytes: number;
}

interface Sample extends Amounts {
  readonly at: number;
}

/** Adds up the progress events of steps. */
export class Meter {
  #due: Amounts = { count: 0, bytes: 0 };
  #done: Amounts = { count: 0, bytes: 0 };
  readonly #ahead = new Map<string, number>();
  #name = '';
  /** Time of the last `done` event. */
  #last = 0;
  /** What was done at some times, the oldest first, at least half a second apart. */
  #samples: Sample[] = [];

  note(event: ProgressEvent, at: number): void {
    if (event.what === 'ahead') this.#ahead.set(event.of, event.count);
    else if (event.what === 'begun') this.#name = event.name;
    else if (event.what === 'due') this.#due = plus(this.#due, event);
    else if (event.what === 'done') {
      this.#sample(at);
      this.#last = at;
      this.#done = plus(this.#done, event);
    }
  }

  #sample(at: number): void {
    const last = this.#samples.at(-1);
    if (last && at - last.at < SECOND / 2) return;
    this.#samples.push({ at, ...this.#done });
    // One sample from before the window stays: the rate is measured from it.
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) > WINDOW) this.#samples.shift();
  }

  /** The facts at a time; `noun` names what is counted. */
  facts(noun: string, at: number): Facts {
    const ahead = [...this.#ahead.values()].reduce((sum, count) => sum + count, 0);
    const { count, bytes } = this.#done;
    const due = { count: Math.max(count, this.#due.count + ahead), bytes: Math.max(bytes, this.#due.bytes) };
    const rate = this.#rate(at);
    const known = ahead === 0 || this.#due.count === 0 ? due.bytes : (due.bytes * due.count) / this.#due.count;
    const left = rate && timeLeft(due.count - count, known === 0 ? undefined : known - bytes, rate);
    return {
      count: count === 0 && due.count === 0 ? '' : ofWhole(count, due.count, ahead > 0, noun),
      bytes: due.bytes === 0 ? '' : ofBytes(bytes, ahead > 0 ? bytes : due.bytes),
      rate: rate === undefined ? '' : rateText(rate, due.bytes > 0),
      left: left === undefined ? '' : `${humanLeft(left)} left`,
      name: this.#name,
    };
  }

  /** The rate since the last sample before the window, or since the first sample. */
  #rate(at: number): Rate | undefined {
    const looks = [...this.#samples, { at: this.#last, ...this.#done }];
    const first = looks.findLast((look) => at - look.at >= WINDOW) ?? looks[0];
    if (this.#samples.length === 0 || !first || at - first.at < SHORTEST) return undefined;
    const seconds = (at - first.at) / SECOND;
    return { count: (this.#done.count - first.count) / seconds, bytes: (this.#done.bytes - first.bytes) / seconds };
  }
}

/** How far a command is, in words; each may be empty. */
export interface Facts {
  readonly count: string;
  readonly bytes: string;
  readonly rate: string;
  readonly left: string;
  /** The file or pass that is in hand. */
  readonly name: string;
}

/** Amounts in a second. */
type Rate = Amounts;

function plus(one: Amounts, other: Amounts): Amounts {
  return { count: one.count + other.count, bytes: one.bytes + other.bytes };
}

/** Time left by bytes where they are known, else by count. */
function timeLeft(count: number, bytes: number | undefined, rate: Rate): number | undefined {
  const [left, fast] = bytes === undefined ? [count, rate.count] : [bytes, rate.bytes];
  return left > 0 && fast > 0 ? (left / fast) * SECOND : undefined;
}

/** `12 of 340 files`, `12 of about 34,000 files`, `12 files`. */
function ofWhole(count: number, due: number, about: boolean, noun: string): string {
  if (due <= count) return humanCounted(count, noun, plural(noun));
  return `${humanCount(count)} of ${about ? 'about ' : ''}${humanCounted(due, noun, plural(noun))}`;
}

function plural(noun: string): string {
  if (noun.endsWith('y')) return `${noun.slice(0, -1)}ies`;
  return noun.endsWith('s') ? `${noun}es` : `${noun}s`;
}

function ofBytes(bytes: number, due: number): string {
  return due <= bytes ? humanSize(bytes) : `${humanSize(bytes)} of ${humanSize(due)}`;
}

function rateText({ count, bytes }: Rate, inBytes: boolean): string {
  if (inBytes) return `${humanSize(bytes)}/s`;
  return `${count >= 10 ? humanCount(Math.round(count)) : count.toFixed(1)}/s`;
}
