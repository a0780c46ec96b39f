// How far a command is: what is done, of how much, how fast, how long it will take. Pure: the time comes from whoever draws.
import type { ProgressEvent } from '../../flow/progress.ts';
import { counted } from '../../util/text/counted.ts';
import { humanLeft, SECOND } from '../../util/time.ts';
import { humanCount, humanSize } from '../human.ts';

/** Rates are of this time: longer than a large file of a slow disk waits for its first bytes. */
const WINDOW = 15 * SECOND;
/** A rate of less time than this says nothing. */
const SHORTEST = 2 * SECOND;

interface Sample {
  readonly at: number;
  readonly count: number;
  readonly bytes: number;
}

/** Adds up what steps tell. */
export class Meter {
  #due = { count: 0, bytes: 0 };
  #done = { count: 0, bytes: 0 };
  readonly #ahead = new Map<string, number>();
  #name = '';
  /** When something was last done. */
  #last = 0;
  /** What was done until then: the oldest first, at least half a second apart. */
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
    // One from before the window stays: the rate is since then.
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) > WINDOW) this.#samples.shift();
  }

  /** What is said of it at a time, the most important first; `noun`: what is counted. */
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

  /** Since the last look before the window, or the first. */
  #rate(at: number): Rate | undefined {
    const looks = [...this.#samples, { at: this.#last, ...this.#done }];
    const first = looks.findLast((look) => at - look.at >= WINDOW) ?? looks[0];
    if (this.#samples.length === 0 || !first || at - first.at < SHORTEST) return undefined;
    const seconds = (at - first.at) / SECOND;
    return { count: (this.#done.count - first.count) / seconds, bytes: (this.#done.bytes - first.bytes) / seconds };
  }
}

/** Each may be empty. */
export interface Facts {
  readonly count: string;
  readonly bytes: string;
  readonly rate: string;
  readonly left: string;
  /** What is in hand. */
  readonly name: string;
}

/** In a second. */
interface Rate {
  readonly count: number;
  readonly bytes: number;
}

interface Amounts {
  readonly count: number;
  readonly bytes: number;
}

function plus(one: Amounts, other: Amounts): Amounts {
  return { count: one.count + other.count, bytes: one.bytes + other.bytes };
}

/** By bytes, where things have any. */
function timeLeft(count: number, bytes: number | undefined, rate: Rate): number | undefined {
  const [left, fast] = bytes === undefined ? [count, rate.count] : [bytes, rate.bytes];
  return left > 0 && fast > 0 ? (left / fast) * SECOND : undefined;
}

/** `12 of 340 files`, `12 of about 34,000 files`, `12 files`. */
function ofWhole(count: number, due: number, about: boolean, noun: string): string {
  if (due <= count) return counted(count, noun, plural(noun)).replace(/^\d+/, humanCount(count));
  return `${humanCount(count)} of ${about ? 'about ' : ''}${humanCount(due)} ${due === 1 ? noun : plural(noun)}`;
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
