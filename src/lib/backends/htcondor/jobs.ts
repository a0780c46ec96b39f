// The files of an HTCondor farm: job files and logs by claim, the wrapper, and where records arrive that HTCondor
// transfers. Starts no process.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SECOND } from '../../util/time.ts';
import heartbeat from '../../wrapper/heartbeat.sh';
import { wrapper } from '../../wrapper/program.ts';
import { parseRecord } from '../../wrapper/record.ts';
import { isKey, type JobSpec, renderSpec } from '../../wrapper/spec.ts';
import { ClaimFolder } from '../shared/folder/claims.ts';
import { ifThere } from '../shared/folder/files.ts';
import { partsOf } from '../shared/folder/jobfolder.ts';
import type { CondorOptions } from './options.ts';
import { type JobPaths, namesOnWorker } from './submission.ts';

/** On a shared folder: a sign of life while the job runs. */
const beating = (every: number): string => `beat=$2/beats/\${1##*/} every=${every}\n${heartbeat}`;

/** Where nothing is shared, the job's own folder on the worker is all that the wrapper has. */
const TRAVELLING = `mkdir -p started result/tmp result/new || exit 74
set -- "$PWD/$1" "$PWD" once "$PWD/_condor_stdout" "$PWD"
`;

export class CondorJobs extends ClaimFolder {
  readonly #program: string;
  readonly #transfer: boolean;

  constructor(folder: string, { transfer, beat }: Pick<CondorOptions, 'transfer' | 'beat'>) {
    super(folder, ['incoming']);
    this.#transfer = transfer;
    const every = Math.max(1, Math.round(beat / SECOND));
    this.#program = `#!/bin/sh\n${transfer ? TRAVELLING : beating(every)}${wrapper}`;
  }

  /** Its name says its content: a shell reads a script while it runs, so one that is in use must never change. */
  get paths(): JobPaths {
    const hash = createHash('sha256').update(this.#program).digest('hex').slice(0, 12);
    return { wrapper: this.path(`wrapper-${hash}.sh`), folder: this.folder };
  }

  override create(): void {
    super.create();
    this.writeProgram(this.paths.wrapper, this.#program);
  }

  /** The job file. Where nothing is shared, the module's files come with it and lie beside it. */
  render(spec: JobSpec): string {
    return renderSpec(this.#transfer ? { ...spec, files: namesOnWorker(spec) } : spec);
  }

  logPath(key: string): string {
    const { claim, index } = partsOf(key);
    return this.path('logs', claim, `${index}.log`);
  }

  /** Takes in transferred records that are whole; HTCondor writes them in place, so one may still be arriving. */
  override arrived(): string[] {
    for (const key of this.list('incoming').filter(isKey)) {
      const path = this.path('incoming', key);
      const text = ifThere(() => readFileSync(path, 'utf8'));
      if (text !== undefined && isWhole(text)) this.move(path, this.path('result/new', key));
    }
    return super.arrived();
  }
}

function isWhole(text: string): boolean {
  try {
    parseRecord(text);
    return true;
  } catch {
    return false;
  }
}
