// A job folder whose job files lie by claim: jobs/CLAIM/KEY from before the hand-over until the key has ended, and
// logs/CLAIM/. Starts no process, knows no batch system.
import { existsSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { DAY } from '../../util/time.ts';
import { ifThere, makeFolder } from './files.ts';
import { JobFolder, partsOf } from './jobfolder.ts';

export class ClaimFolder extends JobFolder {
  constructor(folder: string, more: readonly string[] = []) {
    super(folder, ['jobs', ...more]);
  }

  /** Writes the job files of a fresh claim: nobody reads them before the batch system is called. */
  writeJobs(claim: string, files: readonly (readonly [key: string, text: string])[]): void {
    makeFolder(this.path('jobs', claim));
    makeFolder(this.path('logs', claim));
    for (const [key, text] of files) writeFileSync(this.jobFile(key), text);
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
    for (const key of keys) this.remove('jobs', partsOf(key).claim, key);
    for (const claim of new Set(keys.map((key) => partsOf(key).claim))) {
      if (this.list(`jobs/${claim}`).length === 0) ifThere(() => rmdirSync(this.path('jobs', claim)));
    }
  }

  /** Whether a claim has jobs that may still start. */
  isNeeded(claim: string): boolean {
    return this.list(`jobs/${claim}`).length > 0;
  }

  /** A script that is there whole and executable, or not at all. */
  protected writeProgram(path: string, text: string): void {
    if (existsSync(path)) return;
    const temporary = this.path('tmp', `${process.pid}-${path.slice(path.lastIndexOf('/') + 1)}`);
    writeFileSync(temporary, text, { mode: 0o755 });
    renameSync(temporary, path);
  }
}
