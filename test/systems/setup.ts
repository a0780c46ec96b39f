// Brings the systems up before the suites of this folder, and ends those that were not up before.
// DFLOW_TEST_SYSTEMS=slurm,xrootd: only these, for work on one suite.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const BASE = process.env.DFLOW_SYSTEMS ?? '/opt/dflow-systems';

interface System {
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of a process that is there when the system is up. */
  readonly pid?: string;
}

const SYSTEMS: readonly System[] = [
  { name: 'xrootd' },
  { name: 'slurm', env: { SLURM_DBD: '1' }, pid: join(BASE, 'slurm-test/slurmctld.pid') },
  { name: 'slurm', env: { SLURM_DBD: '0' }, pid: join(BASE, 'slurm-nodbd/slurmctld.pid') },
  { name: 'condor', pid: join(BASE, 'condor/root/var/lib/pool/run/master.pid') },
  { name: 'ganga' },
  { name: 's3' },
  { name: 'webdav' },
];

/** Suites that need more than one system. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  'test/systems/amnesia.test.ts': ['slurm', 'condor'],
  'test/systems/doctor.test.ts': ['xrootd', 'slurm', 'condor'],
  'test/systems/exactly-once.test.ts': ['slurm', 'condor'],
  'test/systems/full-queue.test.ts': ['slurm', 'condor', 'ganga'],
  'test/systems/odd-sites.test.ts': ['slurm', 'condor', 'ganga'],
};

const limited = process.env.DFLOW_TEST_SYSTEMS?.split(',');

/** Suites of which not every system is wanted. */
export function leftOut(): string[] {
  const suites = Object.keys(NEEDS);
  return suites.filter((suite) => limited && !NEEDS[suite]!.every((name) => limited.includes(name)));
}

function isUp({ pid }: System): boolean {
  return pid !== undefined && existsSync(pid) && existsSync(`/proc/${readFileSync(pid, 'utf8').trim()}`);
}

function script(name: string, env: System['env'] = {}): void {
  const path = join(import.meta.dirname, name);
  execFileSync('bash', [path], { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
}

export default function setup(): () => void {
  const wanted = SYSTEMS.filter(({ name }) => !limited || limited.includes(name));
  for (const suite of leftOut()) {
    console.log(`${suite} is left out: it needs ${NEEDS[suite]!.join(' and ')}, DFLOW_TEST_SYSTEMS has ${limited}`);
  }
  const ours = wanted.filter((system) => !isUp(system));
  for (const { name, env } of wanted) script(`${name}-up.sh`, env);
  return () => {
    for (const { name, env } of ours) script(`${name}-down.sh`, env);
  };
}
