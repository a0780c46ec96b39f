// A store of many passes in which twelve causes are planted.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dflow, makeExperiment } from './experiment.mjs';

const AT = '2026-07-14T06:00:00.000Z';
const pad = (run) => String(run).padStart(10, '0');

const CONFIG = `experiment: bench
buffer: {path: ./raw, pattern: 'run{run:10}_{subrun:3}.dat'}
storage: {disk: ./store}
farms: {here: {backend: local, slots: 2}}
tables: {required: [RUN]}
automatic: {version: '1.0'}
`;
const MODULES = `modules:
  Processing: {run: 'true', outputs: {counts: counts.txt}}
  Analysis: {needs: Processing, run: 'true', outputs: {sum: sum.txt}}
runTypes: {any: [Processing, Analysis]}
`;

const lock = (index) => ({ site: 'here', epoch: 1, claim: 'benchclaim', index });
const failure = (cause, reason) => ({ failure: { cause, reason, site: 'here', exit: 1, phase: 'payload' } });
const failed = (cause, words) => (run) => ({ name: 'failed', since: AT, ...failure(cause, words(run)) });
const held = (cause, words, until) => (run) => ({
  ...{ name: 'held', since: AT, reason: cause, ...(until && { until }), ...failure(cause, words(run)) },
});
const asleep = (on) => (run) => ({ name: 'waiting', since: AT, wake: { kind: 'on', id: on(run) } });
const ready = () => ({ name: 'waiting', since: AT, wake: { kind: 'ready' } });
const completed = (run) => {
  return { name: 'completed', since: AT, lock: lock(run), execution: 'e', outputs: [], usage: { wall: 60 } };
};

/** What passes are made of: how many runs, the states of both passes, and what must be told of them. */
const planted = (share) => [
  [
    share(0.06),
    failed('time-limit', (run) => `killed after ${run % 90} min`),
    asleep(processing),
    'time-limit in Processing',
  ],
  [share(0.014), completed, failed('time-limit', (run) => `run ${run}: 12 h`), 'time-limit in Analysis'],
  [share(0.01), failed('memory', (run) => `used ${run} MiB`), asleep(processing), 'memory in Processing'],
  [
    share(0.004),
    failed('memory', (run) => `no page at 0x${run.toString(16)}beef00`),
    asleep(processing),
    'memory in Processing',
  ],
  [share(0.008), completed, held('missing-output', () => 'missing output sum'), 'missing-output in Analysis'],
  [
    share(0.006),
    held('db-no-route', () => 'no route to host', '2026-07-15T06:00:00.000Z'),
    asleep(processing),
    'db-no-route in Processing',
  ],
  [share(0.04), asleep(() => 'hold:pause-bench'), asleep(processing), 'Processing waits for a hold'],
  [share(0.03), asleep((run) => `data:L1:${pad(run)}`), asleep(processing), 'Processing waits for inputs'],
  [
    share(0.012),
    asleep(() => 'installed:1.0:hash'),
    asleep(processing),
    'Processing waits for a farm that has its version',
  ],
  [share(0.018), ready, asleep(processing), 'ready:'],
];
function processing(run) {
  return `job:${pad(run)}:Processing:001`;
}

/** What a store of so many passes holds: how many runs of each kind. */
function plan(passes) {
  const share = (part) => Math.max(2, Math.round((passes / 2) * part));
  // Runs without passes: complete ones without a table, and open ones.
  return { passes, kinds: planted(share), tableless: share(0.05), blocked: share(0.024) };
}

function passOf(run, module, state) {
  const input = { kind: 'raw', level: 'L1', name: `run${pad(run)}_000.dat` };
  const subjob = { index: 0, inputs: [input], attempt: 1, failures: state.failure ? 1 : 0, state };
  const needs = module === 'Analysis' ? [{ module: 'Processing', pass: 1, job: processing(run) }] : [];
  return {
    ...{ _id: `job:${pad(run)}:${module}:001`, kind: 'job', v: 1, run, module, pass: 1, version: '1.0', level: 'L1' },
    ...{ mask: 4, priority: 0, labels: [], created: AT, needs, outputs: { counts: 'counts.txt' }, tables: {} },
    ...{ hash: 'bench', subjobs: [subjob], state: state.name, since: AT },
    history: [{ at: AT, to: 'waiting', by: 'bench@bench (enqueue)' }],
  };
}

function runOf(run, level, automatic) {
  return {
    ...{ _id: `run:${pad(run)}`, kind: 'run', v: 1, run, mask: 4, maskFrom: 'bench', firstSeen: AT },
    ...{ levels: { L1: { lastFile: AT, late: [], files: 1, ...level } }, ...(automatic && { automatic }) },
    history: [],
  };
}

function* documents({ passes, kinds, tableless, blocked }) {
  const complete = { complete: { at: AT, subruns: [0], evidence: 'a later run' } };
  const made = { '1.0': { at: AT, modules: ['Processing', 'Analysis'] } };
  let run = 0;
  for (const [count, first, second] of kinds) {
    for (let index = 0; index < count; index++) {
      run++;
      yield* [runOf(run, complete, made), passOf(run, 'Processing', first(run)), passOf(run, 'Analysis', second(run))];
    }
  }
  while (run < passes / 2) {
    run++;
    yield* [
      runOf(run, complete, made),
      passOf(run, 'Processing', completed(run)),
      passOf(run, 'Analysis', completed(run)),
    ];
  }
  for (let index = 0; index < tableless; index++) yield runOf(++run, complete);
  for (let index = 0; index < blocked; index++) yield runOf(++run, { blocked: `subrun ${index % 7} is missing` });
  yield {
    ...{ _id: 'hold:pause-bench', kind: 'hold', v: 1, what: 'pause', scope: { versions: ['1.0'] }, why: 'optics' },
    ...{ by: 'anna@bench (pause)', since: AT },
  };
}

/** What must be told: the words that a row begins with, and its count. */
export function expected({ kinds, tableless, blocked }) {
  const counts = new Map();
  for (const [count, , , words] of kinds) counts.set(words, [...(counts.get(words) ?? []), count]);
  const behind = [0, 2, 3].reduce((sum, at) => sum + kinds[at][0], 0);
  return [
    ...[...counts].flatMap(([words, list]) => list.map((count) => [words, count])),
    ['Analysis waits for Processing, which is failed', behind],
    ['tables: no RUN table', tableless],
    ['complete: subrun', blocked],
  ];
}

/** Makes the experiment; answers what its store holds. */
export function plant(folder, passes) {
  const made = plan(passes);
  makeExperiment(folder, CONFIG, MODULES);
  writeFileSync(join(folder, 'all.jsonl'), [...documents(made)].map((doc) => `${JSON.stringify(doc)}\n`).join(''));
  dflow(folder, ['store', 'setup', '--quiet']);
  dflow(folder, ['store', 'import', 'all.jsonl', '--quiet']);
  return made;
}
