// The virtual clock and the scheduler: every call of a simulated process is one event here, where it may pass, be
// delayed, lose its reply, succeed late, answer stale, be cut short, or be the last thing its process ever did.
// It knows nothing of stores, batch systems or jobs.
import { iso } from '../../src/lib/util/time.ts';
import type { Random } from './random.ts';

export const FAULTS = ['pause', 'pauseAfter', 'kill', 'fail', 'lost', 'late', 'partial', 'stale'] as const;
export type Fault = (typeof FAULTS)[number];
/** Probability of each fault, per call. */
export type FaultRates = Readonly<Record<Fault, number>>;

/** One run of a command on a host. A killed one never hears of anything again. */
export interface Process {
  readonly id: number;
  readonly name: string;
  readonly host: string;
  alive: boolean;
  frozenUntil: number;
  /** How much of the faults it draws: rare interleavings need several in one process. */
  readonly misfortune: number;
}

/** A call on the outside world. The effect happens at one instant, whatever becomes of the reply. */
export interface Call<T> {
  /** For the trace. */
  readonly what: string;
  readonly effect: () => T;
  /** What the caller is told when the call fails or its reply is lost. */
  readonly error: (reason: string) => Error;
  /** Does only some of it; then the reply is lost. */
  readonly partial?: () => void;
  /** An answer from the past. */
  readonly stale?: () => T;
}

interface Event {
  readonly at: number;
  readonly serial: number;
  readonly run: () => void;
}

/** An immediate lets every microtask that the last reply set off run first. */
const drained = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Scheduler {
  now: number;
  /** Faults injected so far, by kind. */
  readonly injected = new Map<string, number>();
  /** Calls that were answered or not, of all processes. */
  calls = 0;
  rates: FaultRates | undefined;
  /** Name of the processes that draw faults most of all. */
  unlucky: string | undefined;
  readonly lines: string[] | undefined;
  private readonly heap: Event[] = [];
  private serial = 0;
  private processes = 0;
  private answered = false;

  constructor(
    readonly random: Random,
    start: number,
    options: { readonly trace: boolean },
  ) {
    this.now = start;
    this.lines = options.trace ? [] : undefined;
  }

  process(name: string, host: string): Process {
    const misfortune = name === this.unlucky ? 8 : this.random.pick([0.2, 0.2, 0.2, 1, 2, 6]);
    return { id: ++this.processes, name, host, alive: true, frozenUntil: 0, misfortune };
  }

  /** Adds a line to the trace; the text is only made when there is one. */
  note(text: () => string, process?: Process): void {
    if (!this.lines) return;
    const who = process ? `${process.name}@${process.host}#${process.id}` : 'world';
    this.lines.push(`${iso(this.now).slice(5, 23)} ${who.padEnd(18)} ${text()}`);
  }

  count(kind: string): void {
    this.injected.set(kind, (this.injected.get(kind) ?? 0) + 1);
  }

  /** Runs `run` at the virtual time `at`. */
  at(at: number, run: () => void): void {
    this.push({ at: Math.max(at, this.now), serial: ++this.serial, run });
  }

  /** A call of `process`: resolves, rejects, or never settles. */
  call<T>(process: Process, call: Call<T>): Promise<T> {
    this.calls++;
    return new Promise<T>((resolve, reject) => {
      // Arrow functions that settle also tell the loop that somebody must be let run.
      const done = (value: T): void => {
        this.answered = true;
        resolve(value);
      };
      const failed = (error: unknown): void => {
        this.answered = true;
        reject(error);
      };
      this.at(this.now + this.latency(), () => this.deliver(process, call, done, failed));
    });
  }

  /** Waits, or until the signal says otherwise. */
  sleep(process: Process, milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.answered = true;
        resolve();
      };
      if (signal?.aborted) return done();
      signal?.addEventListener('abort', done);
      this.reply(process, this.now + milliseconds, done);
    });
  }

  /** Runs events until the virtual time `until`, or while `more` says so. */
  async run(until: number, more: () => boolean = () => true): Promise<void> {
    await drained();
    while (more()) {
      const next = this.heap[0];
      if (!next || next.at > until) {
        if (until !== Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
        return;
      }
      this.pop();
      this.now = next.at;
      this.answered = false;
      next.run();
      if (this.answered) await drained();
    }
  }

  get idle(): boolean {
    return this.heap.length === 0;
  }

  private latency(): number {
    const { random } = this;
    return random.chance(0.9) ? random.whole(1, 30) : random.whole(30, 3_000);
  }

  private deliver<T>(process: Process, call: Call<T>, resolve: (value: T) => void, reject: (e: unknown) => void): void {
    if (!process.alive) return;
    if (process.frozenUntil > this.now) {
      this.at(process.frozenUntil, () => this.deliver(process, call, resolve, reject));
      return;
    }
    const fault = this.draw(process, call);
    if (fault) this.count(fault);
    this.note(() => `${call.what}${fault ? `  !! ${fault}` : ''}`, process);
    if (fault === 'kill') this.kill(process, call);
    else if (fault === 'pause') {
      this.freeze(process);
      this.at(process.frozenUntil, () => this.deliver(process, call, resolve, reject));
    } else if (fault === undefined || fault === 'stale' || fault === 'pauseAfter') {
      this.answer(process, call, fault, resolve, reject);
    } else reject(call.error(this.break(process, call, fault)));
  }

  /** The caller is told of an error, whatever happened. Answers the reason. */
  private break<T>(process: Process, call: Call<T>, fault: 'fail' | 'lost' | 'late' | 'partial'): string {
    if (fault === 'fail') return 'connection refused';
    if (fault === 'lost') attempt(call.effect);
    if (fault === 'partial') call.partial?.();
    if (fault !== 'late') return 'connection reset';
    this.at(this.now + this.random.spread(100, 3 * 3_600_000), () => this.lateEffect(process, call));
    return 'timed out';
  }

  private answer<T>(
    process: Process,
    call: Call<T>,
    fault: Fault | undefined,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const outcome = attempt(fault === 'stale' && call.stale ? call.stale : call.effect);
    const settle = (): void => {
      if ('error' in outcome) reject(outcome.error);
      else resolve(outcome.value);
    };
    if (fault === 'pauseAfter') {
      this.freeze(process);
      this.reply(process, process.frozenUntil, settle);
    } else settle();
  }

  /** SIGKILL: before the call had an effect, after it, or in the middle. */
  private kill<T>(process: Process, call: Call<T>): void {
    const how = this.random.whole(0, 2);
    if (how === 1) attempt(call.effect);
    if (how === 2) call.partial?.();
    process.alive = false;
  }

  private lateEffect<T>(process: Process, call: Call<T>): void {
    this.note(() => `${call.what}  (late effect)`, process);
    attempt(call.effect);
  }

  /** SIGSTOP of the whole process, from a second to three days: past leases, grace, stale heartbeats and giving up. */
  private freeze(process: Process): void {
    const scale = this.random.next();
    const [low, high] = scale < 0.4 ? [1 / 60, 10] : scale < 0.8 ? [10, 180] : [180, 72 * 60];
    process.frozenUntil = this.now + this.random.spread(low, high) * 60_000;
    this.note(() => `-- frozen until ${iso(process.frozenUntil).slice(5, 23)}`, process);
  }

  private reply(process: Process, at: number, settle: () => void): void {
    this.at(at, () => {
      if (!process.alive) return;
      if (process.frozenUntil > this.now) this.reply(process, process.frozenUntil, settle);
      else settle();
    });
  }

  private draw<T>(process: Process, call: Call<T>): Fault | undefined {
    if (!this.rates) return undefined;
    let left = this.random.next();
    for (const fault of FAULTS) {
      left -= this.rates[fault] * process.misfortune;
      if (left >= 0) continue;
      if (fault === 'stale' && !call.stale) return undefined;
      if (fault === 'partial' && !call.partial) return undefined;
      return fault;
    }
    return undefined;
  }

  private push(event: Event): void {
    const { heap } = this;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

function before(left: Event, right: Event): boolean {
  return left.at < right.at || (left.at === right.at && left.serial < right.serial);
}

function attempt<T>(effect: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: effect() };
  } catch (error) {
    return { error };
  }
}
