// One long-lived program of a pool and the questions that it was given: written together, answered in order. Knows
// nothing of what they mean.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { type Asking, NoAnswerError, type Program } from './asking.ts';
import { killGroup, mortal, tied } from './process.ts';

/** A busy program is written to when it has this few questions left, or this many wait: each write wakes it. */
const FEW = 8;
const MANY = 32;

interface Question {
  readonly text: string;
  readonly timeout: number;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: unknown) => void;
}

export class Worker {
  alive = true;
  /** Kept by the pool: questions that it was given or will be, and whether one of them is to be alone. */
  reserved = 0;
  alone = false;
  readonly #child: ChildProcess;
  readonly #program: Program;
  readonly #asked: Question[] = [];
  #unwritten: string[] = [];
  #greeting: string | undefined;
  #output = '';
  #absent = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(program: Program) {
    this.#program = program;
    if (!program.greets) this.#greeting = '';
    this.#child = spawn(...mortal(program.file, program.args), {
      env: { ...process.env, ...program.env },
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    tied(this.#child);
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#heard(text));
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      this.#absent = error.code === 'ENOENT';
      this.#ended();
    });
    this.#child.on('close', () => this.#ended());
    // It may end between two questions; the next one finds out.
    this.#child.stdin!.on('error', () => undefined);
  }

  /** @throws NoAnswerError; the signal's reason */
  ask(text: string, { timeout, signal }: Asking): Promise<string> {
    if (!this.alive) return Promise.reject(this.#silent());
    if (this.#asked.length === 0) this.#hold(true);
    return new Promise<string>((resolve, reject) => {
      // What it was asked cannot be taken back: it ends with the question.
      const aborted = (): void => this.#fail(signal!.reason);
      const done = (): void => signal?.removeEventListener('abort', aborted);
      signal?.addEventListener('abort', aborted, { once: true });
      this.#asked.push({
        text,
        timeout,
        resolve: (answer) => {
          done();
          resolve(answer);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      if (this.#asked.length === 1) this.#watch();
      this.#unwritten.push(text);
      // All that are asked in one moment are written together.
      if (this.#unwritten.length === 1) setImmediate(() => this.#write());
    });
  }

  #write(): void {
    const waiting = this.#unwritten.length;
    if (this.#greeting === undefined || waiting === 0 || !this.alive) return;
    if (waiting < MANY && this.#asked.length - waiting > FEW) return;
    this.#child.stdin!.write(this.#unwritten.join(''));
    this.#unwritten = [];
  }

  #heard(text: string): void {
    this.#output += text;
    while (this.alive) {
      const cut = this.#program.cut(this.#output, this.#greeting ?? '');
      if (!cut) return;
      this.#output = cut.rest;
      if (this.#greeting === undefined) {
        this.#greeting = cut.answer;
        this.#write();
      } else this.#answered(cut.answer);
    }
  }

  #answered(answer: string): void {
    const question = this.#asked.shift();
    // An answer that nobody asked for: nothing that it says now can be believed.
    if (!question) {
      this.#fail(new NoAnswerError('ended', answer));
      return;
    }
    question.resolve(answer);
    if (this.#asked.length === 0) this.#hold(false);
    this.#watch();
    this.#write();
    // The others would get the same answer, each after its own time.
    if (this.#program.broken?.(answer)) this.#fail(undefined, answer);
  }

  #watch(): void {
    clearTimeout(this.#timer);
    const first = this.#asked[0];
    if (first) this.#timer = setTimeout(() => this.#fail(new NoAnswerError('late', this.#output)), first.timeout);
  }

  #ended(): void {
    if (this.alive) this.#fail(this.#silent());
  }

  #silent(): NoAnswerError {
    return new NoAnswerError(this.#absent ? 'absent' : 'ended', this.#output);
  }

  /** It is of no more use; all that it was asked fails, or is `answered`. */
  #fail(error: unknown, answered?: string): void {
    this.alive = false;
    clearTimeout(this.#timer);
    killGroup(this.#child);
    this.#hold(false);
    for (const question of this.#asked.splice(0))
      answered === undefined ? question.reject(error) : question.resolve(answered);
  }

  /** An idle program must not keep ours from ending. */
  #hold(busy: boolean): void {
    const handles = [this.#child, this.#child.stdin as Socket, this.#child.stdout as Socket];
    for (const handle of handles) busy ? handle.ref() : handle.unref();
  }
}
