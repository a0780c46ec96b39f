// gfal2 through a few long-lived drivers: one question, one answer, each with a time limit. Knows URLs, no elements.

import { NoAnswerError } from '../tools/asking.ts';
import { RemoteFailure } from '../tools/meaning.ts';
import { Pool } from '../tools/pool.ts';
import { run } from '../tools/process.ts';
import { patientEnv } from '../xrootd/session.ts';
import { DRIVER, READER } from './driver.ts';
import { failureIn } from './meaning.ts';

const DRIVERS = 8;

export interface Asking {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

export class Library {
  readonly #clean: (text: string) => string;
  readonly #python: string;
  readonly #env: Record<string, string>;
  readonly #pool: Pool;

  /** `clean` takes secrets out of gfal2's words. */
  constructor(clean: (text: string) => string) {
    this.#clean = clean;
    // The python that has gfal2 is the system's, often not the first in PATH.
    this.#python = process.env.GFAL_PYTHONBIN ?? '/usr/bin/python3';
    this.#env = { ...patientEnv(), GFAL_PYTHONBIN: this.#python, PYTHONUNBUFFERED: '1' };
    this.#pool = new Pool(
      {
        file: this.#python,
        args: ['-c', DRIVER],
        env: this.#env,
        greets: false,
        // An answer takes as long as a copy.
        ahead: 0,
        cut: (output) => (output.endsWith('\n') ? { answer: output, rest: '' } : undefined),
        // The client below it remembers for a while that a server was down.
        broken: (answer) => answersOf(answer).some((one) => failureIn(one, clean)?.meaning === 'down'),
      },
      DRIVERS,
    );
  }

  /** @throws RemoteFailure; the signal's reason */
  async ask(question: Readonly<Record<string, unknown>>, asking: Asking): Promise<Record<string, unknown>> {
    const text = await this.#pool.ask(`${JSON.stringify(question)}\n`, asking).catch((error: unknown) => {
      throw error instanceof NoAnswerError ? this.#silent(error, asking.timeout) : error;
    });
    const answer: Record<string, unknown> = JSON.parse(text);
    const failure = this.failure(answer);
    if (failure) throw failure;
    return answer;
  }

  /** The failure that is in one answer of several. */
  failure(answer: unknown): RemoteFailure | undefined {
    return failureIn(answer, this.#clean);
  }

  /** Bytes `from` to `to` of a URL. @throws RemoteFailure; the signal's reason; what `sink` throws */
  async read(
    url: string,
    from: number,
    to: number,
    sink: (chunk: Buffer) => Promise<void>,
    asking: Asking,
  ): Promise<void> {
    // The address may hold a secret: everybody can read a command line.
    const args = ['-c', READER, String(from), String(to)];
    const ran = await run(this.#python, args, { ...asking, env: { ...this.#env, DFLOW_URL: url }, sink });
    if (ran.absent) throw new RemoteFailure('down', `${this.#python} is not installed`);
    if (ran.timedOut) throw late(asking.timeout);
    if (ran.exit === 0) return;
    const said = ran.stderr.trim().split('\n').at(-1) ?? '';
    throw (said.startsWith('{') ? this.failure(JSON.parse(said)) : undefined) ?? this.#broke(said);
  }

  #silent({ reason, said }: NoAnswerError, timeout: number): RemoteFailure {
    if (reason === 'late') return late(timeout);
    if (reason === 'absent') return new RemoteFailure('down', `${this.#python} is not installed`);
    return this.#broke(said);
  }

  #broke(said: string): RemoteFailure {
    return new RemoteFailure('down', this.#clean(`gfal2 ended unexpectedly: ${said}`));
  }
}

/** What it said to each part of a question. */
function answersOf(answer: string): unknown[] {
  const { each, ...whole }: { each?: unknown[] } = JSON.parse(answer);
  return each ?? [whole];
}

function late(timeout: number): RemoteFailure {
  return new RemoteFailure('down', `gfal2 did not answer within ${Math.round(timeout / 1000)} s`);
}
