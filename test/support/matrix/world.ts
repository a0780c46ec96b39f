// An experiment on two hosts over one store: buffer1 has the buffer, login1 only a farm. Each has its own configuration
// folder with its own .dflow, as two machines would. The ledger knows every byte that the detector has written.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killSupervisor } from '../chaos.ts';
import { dflow, type Ran } from '../cli.ts';

export type Host = 'buffer1' | 'login1';
export const HOSTS: readonly Host[] = ['buffer1', 'login1'];

/** Places that a disk of its own may stand for: they can be filled. */
export const DISKS = ['buffer', 'se/sfu', 'se/fnal', 'buffer1/.dflow', 'login1/.dflow', 'db'] as const;
type Disk = (typeof DISKS)[number];

export interface World {
  readonly folder: string;
  /** Raw files by name: sha256 of what the detector wrote. */
  readonly ledger: Map<string, string>;
  /** Each of DISKS is a small file system of its own. */
  readonly mounted: boolean;
  run(host: Host, args: readonly string[]): Ran;
}

const config = (folder: string, host: Host): string => `experiment: matrix
store: sqlite:${folder}/db/dflow.db
buffer:
  path: ${host === 'buffer1' ? `${folder}/buffer` : `${folder}/login1/buffer`}
  pattern: 'run{run:4}_{subrun:2}.dat'
  closed: marker
storage: {sfu: ${folder}/se/sfu, fnal: ${folder}/se/fnal}
copies: {raw: 2, purgeAfter: 2}
runs: {quiet: 1s}
transfer: {lease: 3s, retry: 1s}
breaker: {aside: 1s}
verify: {fault: 1}
limits: {submitting: 2s, grace: 2s, stale: 8s, vanish: 1}
siteFault: {minimum: 1000}
outputs: [{module: Count, type: counts, to: [fnal], keep: false}]
farms:
  east: {backend: local, slots: 2}
  west: {backend: local, slots: 2}
hosts:
  buffer1: {farm: east, loops: [register, transfer, enqueue, submit, monitor, reset]}
  login1: {farm: west, loops: [enqueue, submit, monitor, reset]}
policy:
  - {cause: full, text: 'No space left|disk is full|ENOSPC', action: later, wait: 2s, tries: 50}
  - {cause: any, text: '.', action: retry, tries: 50}
automatic: {version: '1.0'}
`;

const modules = (folder: string): string => `modules:
  Count:
    run: echo "$DFLOW_JOB start" >> '${folder}/marks'; sleep 0.1; wc -c "$@" > "$OUT_counts"
    outputs: {counts: counts.txt}
  Sum:
    needs: Count
    level: run
    run: echo "$DFLOW_JOB start" >> '${folder}/marks'; cat "$@" > "$OUT_sum"
    outputs: {sum: sum.txt}
runTypes: {any: [Count, Sum]}
`;

export function environmentOf(host: Host): Record<string, string> {
  return { DFLOW_HOST: host };
}

/** Small disks, where this user may mount them: full disks are only then part of the matrix. */
function mountDisks(folder: string): boolean {
  if (process.getuid?.() !== 0) return false;
  const mount = (disk: Disk): boolean =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', join(folder, disk)]).status === 0;
  return DISKS.every(mount);
}

export function makeWorld(): World {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-matrix-')));
  for (const path of [...DISKS, 'login1/buffer', 'buffer1/modules', 'login1/modules']) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  const mounted = mountDisks(folder);
  for (const host of HOSTS) {
    writeFileSync(join(folder, host, 'dflow.yaml'), config(folder, host));
    writeFileSync(join(folder, host, 'modules/1.0.yaml'), modules(folder));
  }
  writeFileSync(join(folder, 'marks'), '');
  const run = (host: Host, args: readonly string[]): Ran =>
    dflow(join(folder, host), args, { env: environmentOf(host) });
  const set = run('buffer1', ['store', 'setup']);
  if (set.code !== 0) throw new Error(`store setup: ${set.err}`);
  return { folder, ledger: new Map(), mounted, run };
}

export function removeWorld({ folder, mounted }: World): void {
  for (const host of HOSTS) killSupervisor(join(folder, host));
  for (const disk of mounted ? DISKS : []) spawnSync('umount', ['-l', join(folder, disk)]);
  rmSync(folder, { recursive: true, force: true });
}

export const sha = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

/** The detector writes a run of some files; what does not fit on its disk it does not write. */
export function takeRun(world: World, run: number, subruns: number): void {
  for (let subrun = 0; subrun < subruns; subrun++) {
    const name = `run${String(run).padStart(4, '0')}_${String(subrun).padStart(2, '0')}.dat`;
    const bytes = `run ${run} subrun ${subrun}\n`.repeat(400 + ((run * 7 + subrun) % 300));
    const path = join(world.folder, 'buffer', name);
    try {
      writeFileSync(path, bytes, { flag: 'wx' });
      writeFileSync(`${path}_closed`, '');
    } catch {
      if (!existsSync(`${path}_closed`)) rmSync(path, { force: true });
      return;
    }
    world.ledger.set(name, sha(bytes));
  }
}
