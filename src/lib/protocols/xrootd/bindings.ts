// Many small things of one server at once, by XRootD's Python bindings: one program that stays (driver.py), one question
// for all. Where there are no bindings it says so, once.
import type { Checksum } from '../../storage.ts';
import type { Address } from '../tools/address.ts';
import { NoAnswerError } from '../tools/asking.ts';
import { RemoteFailure } from '../tools/meaning.ts';
import { Pool } from '../tools/pool.ts';
import type { Each } from './batch.ts';
import driver from './driver.py';
import { type Asked, type Many, SMALL, type SmallFile } from './many.ts';
import { meaningOf } from './meaning.ts';
import { clientEnv } from './session.ts';

/** There is no Python with XRootD's bindings: nothing was done. */
export class NoBindingsError extends Error {}

interface Answer {
  /** What went wrong is in words. */
  readonly each?: readonly unknown[];
  readonly error?: string;
  readonly absent?: string;
}

/** What of the server the driver needs to know. */
interface Target {
  readonly address: Address;
  /** `root://host:port/` */
  readonly server: string;
  /** The path with the options of the address. */
  path(serverPath: string): string;
  /** Milliseconds that some bytes may take. */
  limit(bytes: number): number;
  /** Milliseconds for one question. */
  readonly timeout: number;
}

export class Bindings implements Many {
  readonly #target: Target;
  readonly #python: string;
  readonly #pool: Pool;

  constructor(target: Target) {
    this.#target = target;
    // The python that has the bindings is the system's, often not the first in PATH.
    this.#python = process.env.XROOTD_PYTHONBIN ?? '/usr/bin/python3';
    this.#pool = new Pool(
      {
        file: this.#python,
        args: ['-c', driver, target.server],
        env: { ...clientEnv(), PYTHONUNBUFFERED: '1' },
        greets: false,
        ahead: 64,
        cut: cutLine,
        // The client below it remembers for a while that a server was down.
        broken: (text) => {
          const answer: Answer = JSON.parse(text);
          return answer.each?.some(isDown) ?? true;
        },
      },
      // It does many at once by itself; more of them would ask for too many checksums at once.
      1,
    );
  }

  put(files: readonly SmallFile[]): Promise<Each<true>> {
    const rows = files.map(({ local, serverPath, expected }) => [
      local,
      this.#target.path(serverPath),
      expected.size,
      expected.adler32,
    ]);
    const bytes = files.reduce((sum, { expected }) => sum + expected.size, 0);
    const rate = files[0]?.pace?.rate ?? 0;
    const atRate = rate > 0 ? (bytes / rate) * 1000 : 0;
    return this.#ask({ do: 'put', files: rows, rate }, this.#target.limit(bytes) + atRate);
  }

  look(asked: readonly Asked[]): Promise<Each<boolean>> {
    const paths = asked.map(({ serverPath }) => this.#target.path(serverPath));
    return this.#ask({ do: 'look', paths }, this.#target.limit(0));
  }

  async read(serverPaths: readonly string[]): Promise<Each<Checksum | undefined>> {
    const paths = serverPaths.map((path) => this.#target.path(path));
    const question = { do: 'read', paths, most: SMALL };
    const each = await this.#ask<[number, string] | null>(question, this.#target.limit(paths.length * SMALL));
    return each.map((one) => (Array.isArray(one) ? { size: one[0], adler32: one[1] } : (one ?? undefined)));
  }

  move(pairs: readonly (readonly [from: string, to: string])[]): Promise<Each<true>> {
    const full = pairs.map(([from, to]) => [this.#target.path(from), this.#target.path(to)]);
    return this.#ask({ do: 'move', pairs: full }, this.#target.limit(0));
  }

  /** @throws NoBindingsError; RemoteFailure: it did not answer */
  async #ask<R>(question: Readonly<Record<string, unknown>>, timeout: number): Promise<Each<R>> {
    const seconds = Math.ceil(this.#target.timeout / 1000);
    const text = `${JSON.stringify({ ...question, timeout: seconds })}\n`;
    const said = await this.#pool.ask(text, { timeout }).catch((error: unknown) => {
      throw error instanceof NoAnswerError ? this.#silent(error, timeout) : error;
    });
    const { each, absent, error }: Answer = JSON.parse(said);
    if (absent !== undefined) throw new NoBindingsError(absent);
    if (!each) throw new RemoteFailure('failed', this.#target.address.clean(error ?? 'no answer'));
    return each.map((one) => (typeof one === 'string' ? this.#failure(one) : (one as R)));
  }

  #failure(words: string): RemoteFailure {
    return new RemoteFailure(meaningOf(words), this.#target.address.clean(words));
  }

  #silent({ reason, said }: NoAnswerError, timeout: number): Error {
    if (reason === 'absent') return new NoBindingsError(`${this.#python} is not installed`);
    if (reason === 'late') return new RemoteFailure('down', `no answer within ${Math.round(timeout / 1000)} s`);
    // That may be this program's fault as well as the server's: what follows is tried by itself, or by the next call.
    return new RemoteFailure('busy', this.#target.address.clean(`XRootD's Python bindings ended: ${said}`));
  }
}

function isDown(answer: unknown): boolean {
  return typeof answer === 'string' && meaningOf(answer) === 'down';
}

function cutLine(output: string): { answer: string; rest: string } | undefined {
  const at = output.indexOf('\n');
  return at < 0 ? undefined : { answer: output.slice(0, at), rest: output.slice(at + 1) };
}
