// The real Slurm clusters of the suites, and a folder for one test's jobs. Nothing here is a fake.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../../src/lib/backend.ts';
import { open } from '../../src/lib/backends/slurm/slurm.ts';
import type { FarmSettings } from '../../src/lib/domain/settings.ts';
import { type BackendWorld, nonce } from '../contracts/backend.ts';

export type ClusterName = 'test' | 'nodbd' | 'full';

/** For experiments: commands that get stand-ins. */
export const SYSTEM = {
  backend: 'slurm',
  programs: Object.fromEntries(['sbatch', 'scontrol', 'scancel'].map((name) => [name, `/usr/bin/${name}`])),
  gone: 'sbatch: error: Batch job submission failed: Unable to contact slurm controller',
};

const BASE = process.env.DFLOW_SYSTEMS ?? '/opt/dflow-systems';
export const confOf = (cluster: ClusterName): string => join(BASE, `slurm-${cluster}`, 'etc/slurm.conf');

const script = (name: string, cluster: ClusterName, env = {}): void => {
  execFileSync('bash', [join(import.meta.dirname, name)], {
    stdio: 'pipe',
    env: { ...process.env, SLURM_DBD: { test: '1', nodbd: '0', full: 'full' }[cluster], ...env },
  });
};
export const up = (cluster: ClusterName): void => script('slurm-up.sh', cluster);

/** Ends one daemon of a cluster by its pid file; `up` brings it back. */
export function stopDaemon(cluster: ClusterName, daemon: 'slurmctld' | 'slurmd' | 'slurmdbd', signal = 'TERM'): void {
  const pid = Number(readFileSync(join(BASE, `slurm-${cluster}`, `${daemon}.pid`), 'utf8'));
  process.kill(pid, `SIG${signal}`);
  for (let patience = 300; patience > 0 && existsSync(`/proc/${pid}`); patience--) {
    execFileSync('sleep', ['0.1']);
  }
}

/** Everything that this process calls from now on talks to this cluster. */
export function use(cluster: ClusterName): void {
  process.env.SLURM_CONF = confOf(cluster);
}

/** The cluster whose queue is soon full, without what an earlier test has left there: nobody else uses it. */
export function useFull(): void {
  up('full');
  use('full');
  slurm('scancel', '--user=root');
}

/** What a Slurm command prints. */
export function slurm(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function farm(options: Record<string, unknown> = {}): FarmSettings {
  return {
    name: 'cedar',
    backend: 'slurm',
    slots: 100,
    pending: 0,
    output: ['disk'],
    reads: ['disk'],
    setup: {},
    env: {},
    options,
  };
}

export interface SlurmWorld extends BackendWorld {
  /** The folder shared with the jobs. */
  readonly shared: string;
  reopen(options?: Record<string, unknown>): Promise<Backend>;
}

/** A store of its own on a cluster: its jobs are told from those of other worlds by their names. */
export async function makeWorld(cluster: ClusterName, options: Record<string, unknown> = {}): Promise<SlurmWorld> {
  use(cluster);
  // Blanks and a percent sign: Slurm has patterns in file names.
  const folder = mkdtempSync(join(tmpdir(), 'dflow slurm%j-'));
  const shared = join(folder, 'shared');
  const uuid = nonce();
  const reopen = (more: Record<string, unknown> = {}) => {
    return open(farm({ ...options, ...more }), { folder: shared, uuid, nonce });
  };
  const backend = await reopen();
  return { backend, reopen, folder, shared, close: () => closeWorld(backend, folder, shared) };
}

async function closeWorld(backend: Backend, folder: string, shared: string): Promise<void> {
  const claims = existsSync(join(shared, 'jobs')) ? readdirSync(join(shared, 'jobs')) : [];
  await backend.cancel(claims.flatMap((claim) => readdirSync(join(shared, 'jobs', claim))));
  // A job that is just being killed may still write its record.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
}

/** Times that wrappers started, by their own marks. */
export function starts(shared: string): string[] {
  const folder = join(shared, 'started');
  return readdirSync(folder).filter((key) => readFileSync(join(folder, key), 'utf8').startsWith('started '));
}
