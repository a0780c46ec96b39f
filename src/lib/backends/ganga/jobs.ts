// The files of a Ganga farm in the folder shared with its jobs: job files, tickets, heartbeats, cancels, besides the marks
// and records that every job folder has. Starts no process and does not know Ganga.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { given } from '../../util/values/given.ts';
import { wrapper } from '../../wrapper/program.ts';
import { ifThere, makeFolder } from '../shared/folder/files.ts';
import { JobFolder, partsOf } from '../shared/folder/jobfolder.ts';
import type { Look } from './judge.ts';
import start from './start.sh';

export class GangaJobs extends JobFolder {
  constructor(folder: string) {
    super(folder, ['jobs', 'tickets', 'beats', 'cancel', 'missing']);
  }

  get wrapper(): string {
    return this.#script('wrapper', wrapper);
  }

  get start(): string {
    return this.#script('start', start);
  }

  /** Its name says its content: a shell reads a script while it runs, so one that is in use must never change. */
  #script(name: string, text: string): string {
    return this.path(`${name}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.sh`);
  }

  override create(): void {
    super.create();
    if (!existsSync(this.wrapper)) this.write(this.wrapper, wrapper);
    if (!existsSync(this.start)) this.write(this.start, start);
  }

  /** Job files are there before Ganga hears of the jobs, whole. */
  add(claim: string, files: readonly (readonly [key: string, text: string])[]): void {
    makeFolder(this.path('logs', claim));
    for (const [key, text] of files) this.write(this.path('jobs', key), text);
  }

  isOpen(key: string): boolean {
    return existsSync(this.path('jobs', key));
  }

  open(): string[] {
    return this.list('jobs');
  }

  /** Lets a job that was handed over run. Others are ignored. */
  release(key: string): void {
    const ticket = this.path('tickets', key);
    // Written once: its age says how long the job has been free to run.
    if (this.isOpen(key) && !existsSync(ticket)) writeFileSync(ticket, '');
  }

  /** Handed over, and neither canceled nor ended with a record. */
  alive(): string[] {
    return this.open().filter((key) => !this.hasRecord(key) && this.mark(key)?.kind !== 'fenced');
  }

  /** Asks a job that has started to end; its heartbeat looks for this. */
  askToEnd(key: string): void {
    writeFileSync(this.path('cancel', key), '');
  }

  isAskedToEnd(key: string): boolean {
    return existsSync(this.path('cancel', key));
  }

  look(key: string, now: number): Look {
    const mark = this.mark(key);
    const ticket = this.#age(now, 'tickets', key);
    const beat = this.#age(now, 'beats', key);
    return {
      open: this.isOpen(key),
      record: this.hasRecord(key),
      ...(mark && { mark }),
      ...given({ ticket, beat }),
    };
  }

  #age(now: number, ...parts: string[]): number | undefined {
    const made = ifThere(() => statSync(this.path(...parts)).mtimeMs);
    return made === undefined ? undefined : Math.max(0, now - made);
  }

  /** Why a fenced key can never start, in the words of who took the fence. */
  fencedBecause(key: string): string | undefined {
    return ifThere(() => readFileSync(this.path('started', key), 'utf8'))?.split('\n')[1] || undefined;
  }

  /** A key that nobody knew when it was last asked for; true when that was said before. */
  noteMissing(key: string): boolean {
    if (existsSync(this.path('missing', key))) return true;
    writeFileSync(this.path('missing', key), '');
    return false;
  }

  forgetMissing(key: string): void {
    this.remove('missing', key);
  }

  /** Nothing more will come of these keys: only marks, records and logs stay. */
  close(keys: readonly string[]): void {
    for (const key of keys)
      for (const name of ['jobs', 'tickets', 'beats', 'cancel', 'missing']) this.remove(name, key);
  }

  /** Closes what was handed over more than `keep` ms ago and can come to nothing. Answers claims that may still start. */
  closeOld(keep: number): Set<string> {
    const needed = new Set<string>();
    const now = Date.now();
    for (const key of this.open()) {
      const age = this.#age(now, 'jobs', key) ?? 0;
      if (age > keep && this.mark(key)) this.close([key]);
      else needed.add(partsOf(key).claim);
    }
    return needed;
  }

  logPath(key: string): string {
    const { claim, index } = partsOf(key);
    return this.path('logs', claim, `${index}.log`);
  }
}
