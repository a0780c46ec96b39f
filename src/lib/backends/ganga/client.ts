// Ganga as this process uses it: started when first needed, kept for the next questions, given back when idle. Owns the
// farm's own lock, by which one process at a time works on a gangadir: two lose jobs. Knows names, not keys.

import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { noSuch } from '../../domain/named.ts';
import { ConfigError, messageOf, UnreachableError } from '../../util/errors.ts';
import { privateFolder } from '../../util/files/scratch.ts';
import { type Lock, tryLock } from '../../util/processes/lock.ts';
import { SECOND } from '../../util/time.ts';
import type { GangaOptions } from './options.ts';
import { DriverProcess } from './process.ts';
import { type Answers, answerOf, type Failure, type Questions } from './protocol.ts';
import { otherSession } from './sessions.ts';

/** ms between two looks at a gangadir that somebody else uses. */
const LOOK = 200;

interface Running {
  readonly driver: DriverProcess;
  readonly lock: Lock;
}

export class GangaClient {
  readonly #options: GangaOptions;
  readonly #prefix: string;
  readonly #where: string;
  readonly #folder: string;
  #running: Running | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  /** `prefix`: of the names of this farm's jobs; `folder`: for the driver's own files. */
  constructor(options: GangaOptions, prefix: string, folder: string, where: string) {
    this.#options = options;
    this.#prefix = prefix;
    this.#folder = folder;
    this.#where = where;
  }

  /** Process number of the driver, while it runs. */
  get pid(): number | undefined {
    return this.#running?.driver.pid;
  }

  /**
   * @throws UnreachableError Ganga cannot be used, or died or was silent over this question, which may have been done
   * @throws ConfigError Ganga's backend does not have an attribute that the farm sets
   */
  ask<Q extends keyof Questions>(
    name: Q,
    question: Questions[Q],
    timeout = this.#options.timeout,
  ): Promise<Answers[Q]> {
    return this.#inTurn(async () => {
      const running = await this.#start();
      return this.#put(running, name, question, timeout);
    });
  }

  /** What Ganga last complained of, as ` (...)`: the words of the batch system behind it among it. */
  lastWords(): string {
    return this.#running?.driver.lastWords() ?? '';
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#stop());
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn.finally(() => this.#rest());
  }

  /** With nothing more to do it makes room for the next process. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (!this.#running) return;
    this.#idle = setTimeout(() => void this.close().catch(() => undefined), this.#options.idle);
    this.#idle.unref();
  }

  async #put<Q extends keyof Questions>(
    { driver }: Running,
    name: Q,
    question: Questions[Q],
    timeout: number,
  ): Promise<Answers[Q]> {
    let text: string;
    try {
      text = await driver.ask(JSON.stringify({ do: name, ...question }), timeout);
    } catch (error) {
      await this.#stop();
      throw error;
    }
    const answered = answerOf(name, text);
    if (!answered.failure) return answered.answer;
    const { failure } = answered;
    if (failure.refused) throw this.#refused(failure);
    throw new UnreachableError(`Ganga: ${failure.error}${driver.lastWords()}`, { where: this.#where });
  }

  #refused({ refused, text = '', names = [] }: Failure): ConfigError {
    const { via } = this.#options;
    if (refused === 'unknown-option') {
      return new ConfigError(noSuch('option', text, names, `viaOptions of ${via}`), { where: this.#where });
    }
    return new ConfigError(refused === 'bad-option' ? `viaOptions: ${text}` : text, { where: this.#where });
  }

  async #start(): Promise<Running> {
    if (this.#running) return this.#running;
    const lock = await this.#acquire();
    try {
      const { program, gangadir, settings } = this.#options;
      const driver = new DriverProcess({ program, gangadir, settings: this.#settings(settings), folder: this.#folder });
      this.#running = { driver, lock };
    } catch (error) {
      lock.release();
      throw new UnreachableError(`Ganga cannot be started: ${messageOf(error)}`, { where: this.#where });
    }
    await this.#greet(this.#running);
    return this.#running;
  }

  /** What Ganga must load, or do more often than by default, for its backend. */
  #settings(given: readonly string[]): readonly string[] {
    const { via } = this.#options;
    if (via === 'Dirac') return ['[Configuration]RUNTIME_PATH=GangaDirac', ...given];
    // Ganga's own script looks this often whether the wrapper has ended; by default a slot stays taken for 30 s more.
    return via === 'Slurm' ? ['[Slurm]heartbeat_frequency=5', ...given] : given;
  }

  async #greet(running: Running): Promise<void> {
    const { via, viaOptions: options, program, timeout } = this.#options;
    try {
      const hello = await this.#put(running, 'hello', { prefix: this.#prefix, via, options }, timeout);
      if (hello.old) {
        throw new UnreachableError(`Ganga ${hello.version} has a broken template for ${via}: its jobs would all fail`, {
          where: this.#where,
          hint: 'a release after 2024-04-09 is needed (8.7 works): pip install -U ganga',
        });
      }
    } catch (error) {
      await this.#stop();
      if (/ENOENT/.test(messageOf(error)))
        throw new UnreachableError(`program '${program}' not found`, {
          where: this.#where,
          hint: 'pip install ganga, then set in dflow.yaml: options: {ganga: /path/to/bin/ganga}',
        });
      throw error;
    }
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#idle);
    const running = this.#running;
    this.#running = undefined;
    if (!running) return;
    try {
      await running.driver.close();
    } finally {
      running.lock.release();
    }
  }

  /** The lock, once no other Ganga runs in this gangadir either: one whose dflow was killed, or a person's. */
  async #acquire(): Promise<Lock> {
    const { gangadir, wait: bound } = this.#options;
    mkdirSync(gangadir, { recursive: true });
    const path = lockPath(gangadir);
    const deadline = Date.now() + bound;
    for (;;) {
      const lock = tryLock(path);
      const other = lock && otherSession(gangadir, Date.now());
      if (lock && !other) return lock;
      lock?.release();
      if (Date.now() > deadline) throw this.#taken(other);
      await wait(LOOK);
    }
  }

  /** Unreachable, not busy: a loop leaves this step for its next round and goes on with the others. */
  #taken(other: ReturnType<typeof otherSession>): UnreachableError {
    const { gangadir } = this.#options;
    const who = other ? `Ganga process ${other.pid} on ${other.host}` : 'another dflow';
    const until = other
      ? `; if that process has died, the gangadir is free at ${new Date(other.until + SECOND).toISOString()}`
      : '';
    return new UnreachableError(`gangadir '${gangadir}' is in use by ${who}${until}`, {
      where: this.#where,
      hint: 'wait: the next round tries again',
    });
  }
}

/** The lock file of a gangadir that exists. On a local disk, which the gangadir may not be; another host is seen by its session. */
export function lockPath(gangadir: string): string {
  const name = createHash('sha256').update(realpathSync(gangadir)).digest('hex').slice(0, 16);
  return join(privateFolder(), `ganga-${name}.lock`);
}
