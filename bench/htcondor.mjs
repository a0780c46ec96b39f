// Jobs handed by dflow to a real HTCondor (claimed, held, recorded, released) beside a loop of condor_submit; then monitor
// over all of them. Nothing runs: the farm requires a machine that does not exist.
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dflow, took, withFolder } from './shared/experiment.mjs';
import { cancelled, handed, ready } from './shared/handover.mjs';
import { bringUp } from './shared/system.mjs';

const ONE = `executable = /bin/true
transfer_executable = false
requirements = false
My.DflowBench = true
queue
`;

/** One condor_submit a job, as a script does it; fewer than the jobs are scaled up. */
function byLoop(folder, jobs, loop) {
  writeFileSync(join(folder, 'one.sub'), ONE);
  const words = `for i in $(seq ${loop}); do condor_submit one.sub > /dev/null || exit 1; done`;
  const seconds = took('sh', ['-c', words], { cwd: folder });
  spawnSync('condor_rm', ['-constraint', 'DflowBench =?= true']);
  return (seconds * jobs) / loop;
}

export default {
  about: 'jobs handed to a real HTCondor, against a loop of condor_submit; monitor over them',
  options: {
    jobs: { fallback: '1000', about: 'how many jobs' },
    loop: { fallback: '200', about: 'calls of condor_submit; their time is scaled to the jobs' },
  },
  async *run(given) {
    const jobs = Number(given.jobs);
    // The pool of the tests runs as another user than the caller.
    process.umask(0);
    if (spawnSync('condor_version').status !== 0) bringUp('condor');
    yield* await withFolder((folder) => {
      chmodSync(folder, 0o777);
      ready(folder, jobs, `{backend: htcondor, slots: ${jobs}, options: {requirements: 'false'}}`);
      try {
        const submit = dflow(folder, ['submit', '--quiet']);
        const monitors = [1, 2, 3].map(() => dflow(folder, ['monitor', '--quiet']));
        const plain = byLoop(folder, jobs, Math.min(jobs, Number(given.loop)));
        return handed({ jobs, submit, plain, name: 'loop of condor_submit', monitors, atLeast: 20 });
      } finally {
        cancelled(folder);
      }
    });
  },
};
