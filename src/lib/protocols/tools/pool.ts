// A few long-lived programs that answer questions on their stdin, each in the order that they were asked. Starting one
// costs 30-200 ms, a question 1 ms; a program that reads ahead is given several at once, which costs a tenth. One that is
// late, aborted or dead is killed and replaced; the others go on. Knows no protocol.
import type { Asking, Program } from './asking.ts';
import { Worker } from './worker.ts';

export class Pool {
  readonly #program: Program;
  readonly #limit: number;
  readonly #workers = new Set<Worker>();
  readonly #waiting: { alone: boolean; resolve: (worker: Worker) => void }[] = [];

  constructor(program: Program, limit: number) {
    this.#program = program;
    this.#limit = limit;
  }

  /** @throws NoAnswerError; the signal's reason */
  async ask(question: string, asking: Asking): Promise<string> {
    asking.signal?.throwIfAborted();
    const alone = asking.alone === true;
    const worker = this.#place(alone) ?? (await new Promise<Worker>((resolve) => this.#wait(alone, resolve)));
    // What was placed counts at once, or all that come in one moment would be placed on the same worker.
    try {
      asking.signal?.throwIfAborted();
      return await worker.ask(question, asking);
    } finally {
      worker.reserved--;
      worker.alone &&= worker.reserved > 0;
      this.#next();
    }
  }

  #wait(alone: boolean, resolve: (worker: Worker) => void): void {
    this.#waiting.push({ alone, resolve });
  }

  #next(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const worker = this.#place(first.alone);
      if (!worker) return;
      this.#waiting.shift();
      first.resolve(worker);
    }
  }

  /** An idle worker, a new one, or (not for what is to be alone) the one with the least before it. */
  #place(alone: boolean): Worker | undefined {
    for (const worker of this.#workers) if (!worker.alive) this.#workers.delete(worker);
    const alive = [...this.#workers];
    const idle = alive.find((worker) => worker.reserved === 0);
    const fewer = (a: Worker, b: Worker) => (b.reserved < a.reserved ? b : a);
    const open = alive.filter((worker) => !worker.alone && worker.reserved <= this.#program.ahead);
    const shared = alone || open.length === 0 ? undefined : open.reduce(fewer);
    const worker = idle ?? (this.#workers.size < this.#limit ? this.#start() : shared);
    if (!worker) return undefined;
    worker.reserved++;
    worker.alone ||= alone;
    return worker;
  }

  #start(): Worker {
    const worker = new Worker(this.#program);
    this.#workers.add(worker);
    return worker;
  }
}
