// Jobs handed by dflow to a real Slurm (claimed, held, recorded, released) beside a loop of sbatch; then monitor over all
// of them. The jobs wait for a time in the future, so that the machine is measured, not the jobs.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dflow, took, withFolder } from './shared/experiment.mjs';
import { cancelled, handed, ready } from './shared/handover.mjs';
import { bringUp } from './shared/system.mjs';

/** Jobs that Slurm has, released: they wait for their time. */
function waiting(name) {
  const listing = execFileSync('squeue', ['-h', '-r', '-t', 'PENDING', '-o', '%j|%r'], { encoding: 'utf8' });
  return listing.split('\n').filter((line) => line.startsWith(name) && !line.endsWith('|JobHeldUser')).length;
}

function byLoop(folder, jobs) {
  writeFileSync(join(folder, 'job.sh'), '#!/bin/sh\ntrue\n');
  const sbatch = 'sbatch -Q -J bench-loop -o /dev/null --begin=now+1hour job.sh';
  const loop = `i=0; while [ $i -lt ${jobs} ]; do ${sbatch} || exit 1; i=$((i + 1)); done`;
  const seconds = took('sh', ['-c', loop], { cwd: folder });
  execFileSync('scancel', ['-n', 'bench-loop']);
  return seconds;
}

export default {
  about: 'jobs handed to a real Slurm, against a loop of sbatch; monitor over them',
  options: { jobs: { fallback: '1000', about: 'how many jobs' } },
  async *run(given) {
    const jobs = Number(given.jobs);
    if (!process.env.SLURM_CONF) bringUp('slurm');
    yield* await withFolder((folder) => {
      ready(folder, jobs, `{backend: slurm, slots: ${jobs}, options: {extra: ['--begin=now+1hour']}}`);
      const plain = byLoop(folder, jobs);
      const before = waiting('dflow-');
      try {
        const submit = dflow(folder, ['submit', '--quiet']);
        const there = waiting('dflow-') - before;
        if (there < jobs * 0.98) throw new Error(`only ${there} of ${jobs} jobs are in Slurm, released`);
        const monitors = [1, 2, 3].map(() => dflow(folder, ['monitor', '--quiet']));
        return handed({ jobs, submit, plain, name: 'loop of sbatch', monitors, atLeast: 15 });
      } finally {
        cancelled(folder);
      }
    });
  },
};
