// A small experiment whose chain runs on a store, compared document by document with the same on SQLite.
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { makeExperiment } from '../../src/lib/cli/demo/experiment.ts';
import { RUNS } from '../../src/lib/cli/demo/runs.ts';
import { killSupervisor } from './chaos.ts';
import { BIN, environment, lines, must } from './cli.ts';
import { type Doc, picture, pictureOf } from './picture.ts';

const run = promisify(execFile);
const folders: string[] = [];
const small = RUNS.filter(({ run: number }) => number >= 109133 && number <= 109140);

/** More of the configuration: what was given up is taken up again at once. */
export const LIMITS = 'limits: {submitting: 2s, grace: 2s}\ntransfer: {lease: 3s}\n';

/** A folder with raw files and a configuration; the store is not set up. */
export function experiment(store?: string, more = ''): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-chain-on-')));
  folders.push(folder);
  makeExperiment(folder, { seed: 5, runs: small });
  appendFileSync(join(folder, 'dflow.yaml'), `${store ? `store: ${store}\n` : ''}${more}`);
  return folder;
}

/** Like `must`, but this process, in which the server lives, goes on meanwhile. */
export async function dflow(folder: string, args: readonly string[]): Promise<string> {
  const done = await run(process.execPath, [BIN, ...args], { cwd: folder, env: environment(), maxBuffer: 1e8 }).catch(
    (error) => {
      if (error.code === 1) return { stdout: String(error.stdout) };
      throw error;
    },
  );
  return done.stdout;
}

/** What a chain needs before it begins. */
export async function begin(folder: string): Promise<void> {
  await dflow(folder, ['store', 'setup']);
  await dflow(folder, ['tables', 'load', ...tables(folder)]);
}

const tables = (folder: string): string[] => readdirSync(join(folder, 'ratdb')).map((name) => join('ratdb', name));

/** What the chain makes of the experiment on SQLite, where nobody touches it. */
export function calm(): ReturnType<typeof picture> {
  const folder = experiment();
  for (const args of [
    ['store', 'setup'],
    ['tables', 'load', ...tables(folder)],
    ['chain', '--until-idle'],
  ])
    must(folder, args, [0, 1]);
  const expected = picture(folder);
  expect(Object.keys(expected).length).toBeGreaterThan(15);
  return expected;
}

/** The same of a folder whose store may live in this process. */
export async function pictureOn(folder: string): Promise<ReturnType<typeof picture>> {
  return pictureOf(folder, lines<Doc>(await dflow(folder, ['store', 'export'])));
}

export async function chainOn(url: string, expected = calm()): Promise<void> {
  const folder = experiment(url);
  await begin(folder);
  await dflow(folder, ['chain', '--until-idle']);
  expect(await pictureOn(folder)).toEqual(expected);
}

/** Ends what runs in the folders, and removes them. */
export function removeExperiments(): void {
  for (const folder of folders.splice(0)) {
    killSupervisor(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}
