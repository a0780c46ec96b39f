// The files of a Slurm farm on the shared folder: job files by claim, the wrapper, logs named by task and job number,
// besides the marks and records that every job folder has. Starts no process.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { wrapper } from '../../wrapper/program.ts';
import { ClaimFolder } from '../shared/folder/claims.ts';
import { partsOf } from '../shared/folder/jobfolder.ts';
import { type JobPaths, parseLogName } from './commands.ts';

export class SlurmJobs extends ClaimFolder {
  /** Its name says its content: a shell reads a script while it runs, so one that is in use must never change. */
  get wrapper(): string {
    return this.path(`wrapper-${createHash('sha256').update(wrapper).digest('hex').slice(0, 12)}.sh`);
  }

  override create(): void {
    super.create();
    if (!existsSync(this.wrapper)) this.write(this.wrapper, wrapper);
  }

  paths(claim: string): JobPaths {
    return {
      wrapper: this.wrapper,
      folder: this.folder,
      jobs: this.path('jobs', claim),
      logs: this.path('logs', claim),
    };
  }

  /** Of each started key: its log, and the number of its job. */
  logsOf(keys: readonly string[]): Map<string, { readonly path: string; readonly job: string }> {
    const asked = new Set(keys);
    const found = new Map<string, { path: string; job: string }>();
    for (const claim of new Set(keys.map((key) => partsOf(key).claim))) {
      for (const name of this.list(`logs/${claim}`)) {
        const log = parseLogName(name);
        const key = `${claim}.${log?.index}`;
        if (log && asked.has(key)) found.set(key, { path: this.path('logs', claim, name), job: log.job });
      }
    }
    return found;
  }
}
