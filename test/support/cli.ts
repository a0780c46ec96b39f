// The built program, run as a person or cron would: as a process, in a folder.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { checkLines } from './contract.ts';

const root = resolve(import.meta.dirname, '..', '..');
export const BIN = join(root, 'bin', 'run.js');

if (!existsSync(join(root, 'dist'))) throw new Error('dist/ is missing: npm run build');

/** No colours, no terminal, nothing of the machine's own dflow settings. */
export function environment(extra: Record<string, string> = {}, folder?: string): NodeJS.ProcessEnv {
  const { DFLOW_CONFIG: _config, FORCE_COLOR: _color, ...rest } = process.env;
  return { ...rest, NO_COLOR: '1', ...vouched(folder), ...extra };
}

/** Jobs of real systems run as other users and write into the experiment's folder: its configuration is named, not found. */
function vouched(folder: string | undefined): Record<string, string> {
  const config = folder && process.env.DFLOW_TEST_SHARED ? join(folder, 'dflow.yaml') : '';
  return existsSync(config) ? { DFLOW_CONFIG: config } : {};
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `dflow ...args` to its end. */
export function dflow(
  folder: string,
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Ran {
  const ran = spawnSync(process.execPath, [BIN, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: environment(options.env, folder),
    input: options.input ?? '',
    maxBuffer: 256 * 1024 * 1024,
  });
  // A command that was killed may have stopped within a line.
  if (ran.status !== null) checkLines(args, ran.stdout);
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

/** The same, and it must end with one of `codes`. */
export function must(
  folder: string,
  args: readonly string[],
  codes: readonly number[] = [0],
  options: Parameters<typeof dflow>[2] = {},
): string {
  const ran = dflow(folder, args, options);
  if (ran.code === null || !codes.includes(ran.code)) {
    throw new Error(`dflow ${args.join(' ')} ended with ${ran.code}\n${ran.out.slice(-2000)}\n${ran.err.slice(-2000)}`);
  }
  return ran.out;
}

/** Like `dflow`, and this process goes on meanwhile: the server of the store may live in it. */
export function dflowBeside(
  folder: string,
  args: readonly string[],
  { bin = BIN, env }: { readonly bin?: string; readonly env?: Record<string, string> } = {},
): Promise<Ran> {
  const options = { cwd: folder, env: environment(env, folder), maxBuffer: 256 * 1024 * 1024 };
  return promisify(execFile)(process.execPath, [bin, ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error) => ({ code: Number(error.code), out: String(error.stdout), err: String(error.stderr) }),
  );
}

/** Starts `dflow ...args` and does not wait. */
export function start(folder: string, args: readonly string[], stdout: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
  const stdio = ['ignore', stdout, 'ignore'] as const;
  return spawn(process.execPath, [BIN, ...args], { cwd: folder, env: environment({}, folder), stdio: [...stdio] });
}

/** Parses JSON lines. */
export function lines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

const folders: string[] = [];

/** An empty folder that `afterAll(removeFolders)` removes. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'dflow-cli-'));
  folders.push(made);
  return made;
}

export function removeFolders(): void {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
}

/** A folder with old raw files of two subruns each, and no configuration. */
export function rawFolder(runs: number): string {
  const made = folder();
  mkdirSync(join(made, 'raw'));
  const old = new Date(Date.now() - 3_600_000);
  for (let run = 1; run <= runs; run++) {
    for (const subrun of [0, 1]) {
      const path = join(made, 'raw', `run${run}_${subrun}.dat`);
      writeFileSync(path, `run ${run} subrun ${subrun}\n`);
      utimesSync(path, old, old);
    }
  }
  return made;
}
