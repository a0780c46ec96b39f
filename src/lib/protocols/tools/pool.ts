// A few long-lived programs that answer questions on their stdin, one at a time each. Starting one costs 30-200 ms, a
// question 1 ms. One that is late, aborted or dead is killed and replaced; the others go on. Knows no protocol.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { killGroup, mortal, tied } from './process.ts';

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The answer, once the output since the question is whole; `undefined` before. */
  answer(output: string): string | undefined;
  /** After such an answer it is of no more use. */
  broken?(answer: string): boolean;
  /** It says something (a prompt) before it can be asked. */
  readonly greets: boolean;
}

/** The program did not answer: killed after its time, ended by itself, or never started. */
export class NoAnswerError extends Error {
  constructor(
    readonly reason: 'late' | 'ended' | 'absent',
    /** What it said before. */
    readonly said: string,
  ) {
    super(reason);
  }
}

export interface Asking {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

export class Pool {
  readonly #program: Program;
  readonly #limit: number;
  readonly #idle: Worker[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(program: Program, limit: number) {
    this.#program = program;
    this.#limit = limit;
  }

  /** @throws NoAnswerError; the signal's reason */
  async ask(question: string, asking: Asking): Promise<string> {
    while (this.#busy >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#busy++;
    try {
      asking.signal?.throwIfAborted();
      return await this.#askOne(question, asking);
    } finally {
      this.#busy--;
      this.#waiting.shift()?.();
    }
  }

  async #askOne(question: string, asking: Asking): Promise<string> {
    let worker = this.#idle.pop();
    while (worker && !worker.alive) worker = this.#idle.pop();
    worker ??= new Worker(this.#program);
    try {
      const answer = await worker.ask(question, asking);
      if (this.#program.broken?.(answer)) worker.end();
      else this.#idle.push(worker);
      return answer;
    } catch (error) {
      worker.end();
      throw error;
    }
  }
}

class Worker {
  alive = true;
  readonly #child: ChildProcess;
  readonly #program: Program;
  #output = '';
  #absent = false;
  #heard: () => void = () => undefined;
  #ready: boolean;

  constructor(program: Program) {
    this.#program = program;
    this.#ready = !program.greets;
    this.#child = spawn(...mortal(program.file, program.args), {
      env: { ...process.env, ...program.env },
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    tied(this.#child);
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#heard();
    });
    const ended = (): void => {
      this.alive = false;
      this.#heard();
    };
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      this.#absent = error.code === 'ENOENT';
      ended();
    });
    this.#child.on('close', ended);
    // It may end between two questions; the next one finds out.
    this.#child.stdin!.on('error', () => undefined);
  }

  end(): void {
    this.alive = false;
    killGroup(this.#child);
  }

  async ask(question: string, { timeout, signal }: Asking): Promise<string> {
    this.#hold(true);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#heard();
    }, timeout);
    const aborted = (): void => this.#heard();
    signal?.addEventListener('abort', aborted, { once: true });
    const failed = (): NoAnswerError | undefined => {
      signal?.throwIfAborted();
      if (late) return new NoAnswerError('late', this.#output);
      return this.alive ? undefined : new NoAnswerError(this.#absent ? 'absent' : 'ended', this.#output);
    };
    try {
      if (!this.#ready) await this.#next(failed);
      this.#ready = true;
      this.#child.stdin!.write(question);
      return await this.#next(failed);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      this.#hold(false);
    }
  }

  /** The next whole answer. */
  async #next(failed: () => NoAnswerError | undefined): Promise<string> {
    for (;;) {
      const answer = this.#program.answer(this.#output);
      if (answer !== undefined) {
        this.#output = '';
        return answer;
      }
      const error = failed();
      if (error) throw error;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  /** An idle program must not keep ours from ending. */
  #hold(busy: boolean): void {
    const handles = [this.#child, this.#child.stdin as Socket, this.#child.stdout as Socket];
    for (const handle of handles) busy ? handle.ref() : handle.unref();
  }
}
