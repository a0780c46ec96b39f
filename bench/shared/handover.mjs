// What benches of batch systems have in common: N runs that are registered, copied and enqueued, ready to be handed over.
import { asked, dflow, makeExperiment, makeRaw } from './experiment.mjs';

const ONE = `modules: {Count: {run: 'wc -c "$@" > "$OUT_counts"', outputs: {counts: txt}}}
runTypes: {any: [Count]}
`;

/** Makes the experiment in the folder; `farm` is its farm's line of dflow.yaml. */
export function ready(folder, jobs, farm) {
  const config = `buffer: {path: ./raw, pattern: 'run{run:7}.dat', settle: 0s}
storage: {disk: ./store}
runs: {quiet: 1s}
farms: {here: ${farm}}
`;
  makeExperiment(folder, config, ONE);
  makeRaw(folder, 1, jobs);
  dflow(folder, ['store', 'setup', '--quiet']);
  dflow(folder, ['register', '--quiet']);
  dflow(folder, ['transfer', '--quiet']);
  // A run is complete when it was quiet for a second.
  for (let made = 0; made < jobs; ) {
    dflow(folder, ['register', '--quiet']);
    dflow(folder, ['enqueue', '--quiet']);
    made = asked(folder, ['list', 'jobs', '--state', 'waiting', '--format', 'ids']).split('\n').filter(Boolean).length;
  }
}

/** The jobs that are still there are cancelled. */
export function cancelled(folder) {
  dflow(folder, ['cancel', '--all', '--yes', '--quiet']);
  dflow(folder, ['monitor', '--quiet']);
}

/** Lines about handing over and about one monitor, the least of three. */
export function* handed({ jobs, submit, plain, name, monitors, atLeast }) {
  const yardstick = { name, value: plain };
  yield { what: `${jobs} jobs handed over`, value: submit, yardstick, target: { atLeast } };
  yield { what: `monitor over ${jobs} active jobs`, value: Math.min(...monitors), target: { under: 3 } };
}
