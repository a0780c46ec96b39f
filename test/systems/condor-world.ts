// The real HTCondor pool of the suites, and a folder for one test's jobs. Nothing here is a fake.
// The pool and its jobs run as an ordinary user while the suites are root: what they make here is for everybody.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Backend } from '../../src/lib/backend.ts';
import { open } from '../../src/lib/backends/htcondor/htcondor.ts';
import type { FarmSettings } from '../../src/lib/domain/settings.ts';
import { type BackendWorld, nonce } from '../contracts/backend.ts';

const BASE = join(process.env.DFLOW_SYSTEMS ?? '/opt/dflow-systems', 'condor');
const POOL = join(BASE, 'root/var/lib/pool');

/** For experiments: commands that get stand-ins. */
export const SYSTEM = {
  backend: 'htcondor',
  programs: Object.fromEntries(
    ['condor_submit', 'condor_release', 'condor_rm'].map((name) => [name, join(BASE, 'bin', name)]),
  ),
};

/** Everything that this process calls from now on talks to the pool. */
export function use(): void {
  process.umask(0);
  if (!process.env.PATH?.startsWith(join(BASE, 'bin'))) {
    process.env.PATH = [join(BASE, 'bin'), process.env.PATH].join(delimiter);
  }
}

/** What a command of HTCondor prints. */
export function condor(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The process of a daemon: a child of the pool's master. */
export function daemon(name: 'condor_schedd' | 'condor_startd'): number {
  const master = readFileSync(join(POOL, 'run/master.pid'), 'utf8').trim();
  const found = spawnSync('pgrep', ['-P', master, '-x', name], { encoding: 'utf8' }).stdout.trim();
  if (!/^\d+$/.test(found)) throw new Error(`${name} does not run: ${JSON.stringify(found)}`);
  return Number(found);
}

/** Waits until the schedd answers again: the master starts a dead one after some 10 s. */
export function untilUp(): void {
  const deadline = Date.now() + 60_000;
  while (spawnSync('condor_q', ['-constraint', 'false'], { stdio: 'ignore' }).status !== 0) {
    if (Date.now() > deadline) throw new Error('the schedd does not come back');
    spawnSync('sleep', ['0.3']);
  }
}

function farm(options: Record<string, unknown> = {}): FarmSettings {
  return {
    name: 'cedar',
    backend: 'htcondor',
    slots: 100,
    pending: 0,
    output: ['disk'],
    reads: ['disk'],
    setup: {},
    env: {},
    options,
  };
}

export interface CondorWorld extends BackendWorld {
  /** The folder of the jobs' files. */
  readonly shared: string;
  reopen(options?: Record<string, unknown>): Promise<Backend>;
}

/** A store of its own on the pool: its jobs are told from those of other worlds by their attributes. */
export async function makeWorld(options: Record<string, unknown> = {}): Promise<CondorWorld> {
  use();
  // Blanks and a percent sign, for whoever quotes badly.
  const folder = mkdtempSync(join(tmpdir(), 'dflow condor%j-'));
  // mkdtemp keeps others out, whatever the umask says.
  execFileSync('chmod', ['777', folder]);
  const shared = join(folder, 'shared');
  const uuid = nonce();
  const reopen = (more: Record<string, unknown> = {}) => {
    return open(farm({ ...options, ...more }), { folder: shared, uuid, nonce });
  };
  const backend = await reopen();
  return { backend, reopen, folder, shared, close: () => closeWorld(backend, folder, shared) };
}

async function closeWorld(backend: Backend, folder: string, shared: string): Promise<void> {
  untilUp();
  const claims = existsSync(join(shared, 'jobs')) ? readdirSync(join(shared, 'jobs')) : [];
  await backend.cancel(claims.flatMap((claim) => readdirSync(join(shared, 'jobs', claim))));
  // A job that is just being killed may still write its record.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
}

/** Keys whose wrapper started, by their own marks. */
export function starts(shared: string): string[] {
  const folder = join(shared, 'started');
  return readdirSync(folder).filter((key) => readFileSync(join(folder, key), 'utf8').startsWith('started '));
}
