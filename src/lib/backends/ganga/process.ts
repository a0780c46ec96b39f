// The driver's process: started once, asked one question at a time, each within a time limit. What goes wrong is unknown:
// the question may have been carried out. Knows no keys and no jobs.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { UnreachableError } from '../../util/errors.ts';
import { readTail } from '../shared/folder/files.ts';
import driver from './driver.py';

/** ms that Ganga may take to write its registry and end. */
const FAREWELL = 30_000;
/** Without this first line Ganga asks questions even in batch mode. */
const RC = '# Ganga configuration file ($Name: Ganga-8.0.0 $). DO NOT REMOVE THIS LINE\n';

export interface ProcessOptions {
  readonly program: string;
  readonly gangadir: string;
  /** `[Section]name=value` */
  readonly settings: readonly string[];
  /** Where driver, configuration and log go. */
  readonly folder: string;
}

export class DriverProcess {
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #answers: AsyncIterator<string>;
  readonly #exited: Promise<string>;

  constructor(options: ProcessOptions) {
    const path = (name: string) => join(options.folder, name);
    writeFileSync(path('driver.py'), driver);
    writeFileSync(path('ganga.rc'), RC);
    this.#log = path('ganga.log');
    // What an earlier Ganga said was quoted when it failed; jobs of it may still append.
    if (existsSync(this.#log)) truncateSync(this.#log);
    this.#child = launch(options, path('driver.py'), path('ganga.rc'), path('ganga-own.log'), this.#log);
    // `exit`, never `close`: local jobs inherit what Ganga has open.
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(signal ? `killed by ${signal}` : `exit ${code}`));
      this.#child.once('error', (error) => resolve(error.message));
    });
    // A driver that has died answers this write with EPIPE; its end is seen by `exit`.
    this.#child.stdin?.on('error', () => undefined);
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * One line each way. Only one question at a time.
   * @throws UnreachableError it ended, or took longer than `timeout` ms (and was killed): the question may have been done
   */
  async ask(line: string, timeout: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), timeout);
    });
    const gone = this.#exited.then((how) => ({ how }));
    this.#child.stdin?.write(`${line}\n`);
    const answer = this.#answers.next();
    try {
      const first = await Promise.race([answer, gone, late]);
      if (first === 'late') throw this.#failed(`Ganga did not answer within ${timeout / 1_000} s`);
      if ('how' in first) throw this.#failed(`Ganga ended: ${first.how}`);
      if (first.done) throw this.#failed(`Ganga ended: ${await this.#exited}`);
      return first.value;
    } catch (error) {
      this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #failed(text: string): UnreachableError {
    return new UnreachableError(`${text}${this.lastWords()}`, { where: this.#log });
  }

  /** What Ganga last complained of, as ` (...)`. */
  lastWords(): string {
    const text = stripVTControlCharacters(readTail(this.#log, 4_000) ?? '');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.length > 0 ? ` (${lines.slice(-2).join(' | ').slice(-400)})` : '';
  }

  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
  }

  /** Lets it write its registry and end. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.kill(), FAREWELL);
    await this.#exited;
    clearTimeout(timer);
    this.#child.stdout?.destroy();
  }
}

function launch(options: ProcessOptions, script: string, rc: string, own: string, log: string): ChildProcess {
  const output = openSync(log, 'a');
  // Jobs inherit its environment; what belongs to dflow itself (credentials among it) is not theirs.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DFLOW_')));
  const set = [`[Configuration]gangadir=${options.gangadir}`, `[Logging]_logfile=${own}`, ...options.settings];
  const args = ['--quiet', '--no-prompt', `--config=${rc}`, ...set.map((word) => `-o${word}`), script];
  try {
    // A group of its own: Ctrl-C at the terminal is dflow's to answer, and Ganga ends when its stdin does.
    return spawn(options.program, args, { detached: true, stdio: ['pipe', 'pipe', output], env, cwd: options.folder });
  } finally {
    closeSync(output);
  }
}
