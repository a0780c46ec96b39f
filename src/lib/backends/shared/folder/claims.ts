// A job folder whose job files lie by claim: jobs/CLAIM/KEY from before the hand-over until the key has ended, and
// logs/CLAIM/. Starts no process, knows no batch system.

import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { UnreachableError } from '../../../util/errors.ts';
import { removeEmptyFolderSync } from '../../../util/files/remove.ts';
import { DAY } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { isKey } from '../../../wrapper/spec.ts';
import { ifThere, makeFolder, privateMode } from './files.ts';
import type { Signs } from './heartbeat.ts';
import { JobFolder, partsOf } from './jobfolder.ts';

export class ClaimFolder extends JobFolder {
  constructor(folder: string, more: readonly string[] = []) {
    super(folder, ['jobs', 'beats', ...more]);
  }

  /** Names of the records that nobody has acknowledged. */
  arrived(): string[] {
    return this.list('result/new');
  }

  /** What each key has left behind: heartbeat, start mark, record. */
  signs(keys: readonly string[]): Map<string, Signs> {
    const now = keys.length === 0 ? 0 : this.clock();
    const age = (folder: string, key: string): number | undefined => {
      const made = ifThere(() => statSync(this.path(folder, key)).mtimeMs);
      return made === undefined ? undefined : Math.max(0, now - made);
    };
    const found = new Map<string, Signs>();
    for (const key of keys) {
      const [beat, started] = [age('beats', key), age('started', key)];
      const ages = given({ beat, started });
      found.set(key, { record: this.hasRecord(key), ...ages });
    }
    return found;
  }

  /** Writes the job files of a fresh claim: nobody reads them before the batch system is called. */
  writeJobs(claim: string, files: readonly (readonly [key: string, text: string])[]): void {
    makeFolder(this.path('jobs', claim));
    makeFolder(this.path('logs', claim));
    for (const [key, text] of files) writeFileSync(this.jobFile(key), text, { mode: privateMode(0o600) });
  }

  jobFile(key: string): string {
    return this.path('jobs', partsOf(key).claim, key);
  }

  /** Handed over from here, and neither ended with a record nor canceled. */
  isOpen(key: string): boolean {
    return existsSync(this.jobFile(key));
  }

  /** Milliseconds since the first of these claims was written; a day where none is known. */
  age(claims: Iterable<string>): number {
    const made = [...claims].flatMap((claim) => ifThere(() => statSync(this.path('logs', claim)).birthtimeMs) ?? []);
    return made.length === 0 ? DAY : Math.max(0, Date.now() - Math.min(...made));
  }

  /** Removes the job files of ended keys, and the folders of claims that have no other. */
  close(keys: readonly string[]): void {
    for (const key of keys) {
      this.remove('jobs', partsOf(key).claim, key);
      this.remove('beats', key);
    }
    for (const claim of new Set(keys.map((key) => partsOf(key).claim))) {
      if (this.list(`jobs/${claim}`).length === 0) removeEmptyFolderSync(this.path('jobs', claim));
    }
  }

  /**
   * Closes jobs of more than `keep` ms ago that the batch system does not have. The start fence is taken first, since a
   * submit that was stopped all that time may still hand them over. Answers whether a claim has jobs that may still start.
   */
  async closeOld(
    keep: number,
    queue: () => Promise<{ has(key: string): boolean }>,
  ): Promise<(claim: string) => boolean> {
    const old = this.#written(Date.now() - keep);
    const queued = old.length === 0 ? undefined : await queue().catch(unlessUnreachable);
    const ended = queued ? old.filter((key) => !queued.has(key)) : [];
    this.close(ended.filter((key) => this.mark(key) !== undefined || this.fence(key, 'lost')));
    return (claim) => this.list(`jobs/${claim}`).length > 0;
  }

  /** Keys whose job files were written before then; without those whose record waits to be read. */
  #written(before: number): string[] {
    const unread = new Set(this.list('result/new'));
    const isOld = (...parts: string[]) =>
      (ifThere(() => statSync(this.path('jobs', ...parts)).mtimeMs) ?? before) < before;
    const found: string[] = [];
    for (const claim of this.list('jobs')) {
      const keys = this.list(`jobs/${claim}`);
      if (keys.length === 0 && isOld(claim)) removeEmptyFolderSync(this.path('jobs', claim));
      found.push(...keys.filter((key) => isKey(key) && !unread.has(key) && isOld(claim, key)));
    }
    return found;
  }

  /** A script that is there whole and executable, or not at all. */
  protected writeProgram(path: string, text: string): void {
    if (existsSync(path)) return;
    const temporary = this.path('tmp', `${process.pid}-${path.slice(path.lastIndexOf('/') + 1)}`);
    writeFileSync(temporary, text, { mode: 0o755 });
    renameSync(temporary, path);
  }
}

function unlessUnreachable(error: unknown): undefined {
  if (error instanceof UnreachableError) return undefined;
  throw error;
}
