// Brings the systems up before the suites of this folder, and ends those that it started.
// DFLOW_TEST_SYSTEMS=slurm,xrootd: only these, for work on one suite; DFLOW_TEST_KEEP=1: they stay up.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const SYSTEMS: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = {
  xrootd: [{}],
  slurm: [{ SLURM_DBD: '1' }, { SLURM_DBD: '0' }],
};

const script = (name: string, env: Readonly<Record<string, string>> = {}): void => {
  const path = join(import.meta.dirname, name);
  execFileSync('bash', [path], { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
};

export default function setup(): () => void {
  const names = process.env.DFLOW_TEST_SYSTEMS?.split(',') ?? Object.keys(SYSTEMS);
  for (const name of names) for (const env of SYSTEMS[name] ?? []) script(`${name}-up.sh`, env);
  return () => {
    if (process.env.DFLOW_TEST_KEEP !== '1') for (const name of names) script(`${name}-down.sh`);
  };
}
