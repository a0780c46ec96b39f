// A job run here and now by the wrapper itself, without a batch system: for trying a module. Everything is below one
// folder, which the caller removes.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ItemError } from '../util/errors.ts';
import { wrapper } from '../wrapper/program.ts';
import { parseRecord, type ResultRecord } from '../wrapper/record.ts';
import { type JobSpec, renderSpec } from '../wrapper/spec.ts';

export interface Trial {
  readonly record: ResultRecord;
  /** All that the job printed. */
  readonly log: string;
}

/**
 * Runs the wrapper on `spec` in `folder`.
 * @throws ItemError when it ends without a record
 */
export async function runTrial(folder: string, spec: JobSpec): Promise<Trial> {
  const spool = join(folder, 'spool');
  for (const name of ['started', 'result/tmp', 'result/new', 'scratch'])
    mkdirSync(join(spool, name), { recursive: true });
  const [script, job, log] = [join(folder, 'wrapper.sh'), join(folder, spec.key), join(folder, 'log')];
  writeFileSync(script, wrapper);
  writeFileSync(job, renderSpec(spec));
  const exit = await run([script, job, spool, 'once', log, join(spool, 'scratch')], log);
  const text = readFileSync(log, 'utf8');
  if (exit !== 0) throw new ItemError(`the wrapper ended with ${exit}: ${text.trim().split('\n').at(-1) ?? ''}`);
  return { record: parseRecord(readFileSync(join(spool, 'result/new', spec.key), 'utf8')), log: text };
}

/** Where the outputs go, made: the folder that is kept, or one in the scratch folder. */
export function outputFolder(keep: string | undefined, scratch: string): string {
  const folder = keep === undefined ? join(scratch, 'outputs') : resolve(keep);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Jobs do not get what belongs to dflow itself: credentials among it. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DFLOW_')));
}

/** Its exit code, or the signal that ended it. Stays in our process group: an interrupt reaches both. */
function run(args: readonly string[], log: string): Promise<number | string> {
  const output = openSync(log, 'a');
  const child = spawn('/bin/sh', [...args], { stdio: ['ignore', output, output], env: environment() });
  closeSync(output);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'nothing'));
  });
}
