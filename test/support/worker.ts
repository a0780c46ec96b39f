// A worker node for the wrapper's tests: a folder, a spool, and the wrapper run in them as a batch system would.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { wrapper } from '../../src/lib/wrapper/program.ts';
import { parseRecord, type ResultRecord } from '../../src/lib/wrapper/record.ts';
import { type JobSpec, quote, renderSpec } from '../../src/lib/wrapper/spec.ts';
import { simpleSpec } from '../contracts/backend.ts';

/** Fresh for each test; its name has what a careless script trips over. */
export let folder: string;
export let spool: string;
export let script: string;

export function setUp(): void {
  folder = mkdtempSync(join(tmpdir(), "dflow wrapper's-"));
  spool = join(folder, 'spool');
  makeSpool(spool);
  script = join(folder, 'wrapper.sh');
  writeFileSync(script, wrapper);
}

export function tearDown(): void {
  rmSync(folder, { recursive: true, force: true });
}

export function makeSpool(path: string): void {
  for (const name of ['started', 'result/tmp', 'result/new', 'scratch'])
    mkdirSync(join(path, name), { recursive: true });
}

/** As if the job `k.0` had never run. */
export function forget(): void {
  rmSync(join(spool, 'result/new/k.0'), { force: true });
  rmSync(join(spool, 'started/k.0'), { force: true });
}

export const spec = (command: string, more: Partial<JobSpec> = {}): JobSpec => simpleSpec('k.0', command, folder, more);

export interface Start {
  readonly shell?: string;
  readonly mode?: string;
  readonly scratch?: string;
  readonly spool?: string;
}

export function start(job: JobSpec | string, options: Start = {}): ChildProcess {
  const file = join(folder, 'k.0');
  const text = typeof job === 'string' ? job : renderSpec(job);
  // Several starts of one job read one file: it must not be written under their eyes.
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  const where = options.spool ?? spool;
  const log = join(folder, 'log');
  const shell = quote(options.shell ?? '/bin/sh');
  const args = [script, file, where, options.mode ?? 'once', log, options.scratch ?? join(where, 'scratch')].map(quote);
  return spawn('/bin/sh', ['-c', `exec ${shell} ${args.join(' ')} >>${quote(log)} 2>&1`], { detached: true });
}

export function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => child.on('exit', (code) => done(code)));
}

export function records(where = spool): ResultRecord[] {
  const names = readdirSync(join(where, 'result/new'));
  return names.map((name) => parseRecord(readFileSync(join(where, 'result/new', name), 'utf8')));
}

/** Runs a job to its end; its record. */
export async function run(job: JobSpec | string, options: Start = {}): Promise<ResultRecord> {
  const code = await ended(start(job, options));
  const found = records(options.spool);
  expect(found.length, `exit ${code}: ${readFileSync(join(folder, 'log'), 'utf8')}`).toBe(1);
  expect(code).toBe(0);
  return found[0]!;
}

/** Everything below the storage element, and below the scratch folder. */
export const stored = (): string[] => readdirSync(join(folder, 'se'), { recursive: true }) as string[];
export const storedFiles = (): string[] => stored().filter((name) => name.endsWith('.txt'));
export const leftovers = (): string[] => readdirSync(join(spool, 'scratch'));
