// Broken input for everything that reads text from outside: a crash is anything but our own errors, a hang is one input
// that takes longer than HANG seconds. The same seed tries the same inputs.
// Usage: node bench/tools/fuzz.mjs [--seconds 20] [--inputs 1000000] [--seed 1] [--hang 10] [--target ratdb,zdab] [--show]
//        node bench/tools/fuzz.mjs --target ratdb --seed 1 --only 4711 [--show]: that input alone
// DFLOW_FUZZ_DATA: a folder with *.zdab and ratdb/*.ratdb for more samples. Exit 1 when there was a crash or a hang.
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { bundle } from '../../bin/bundle.js';

const number = (value) => ({ type: 'string', default: String(value) });
const { values } = parseArgs({
  options: {
    ...{ seconds: number(20), inputs: number(1_000_000), seed: number(1), hang: number(10), only: { type: 'string' } },
    ...{ target: { type: 'string' }, show: { type: 'boolean', default: false } },
  },
});
const [seconds, inputs, seed, hang] = [values.seconds, values.inputs, values.seed, values.hang].map(Number);
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = join(root, 'node_modules', '.cache', `fuzz-${process.pid}`);

/** Reports of one target; after a hang the next worker goes on behind that input. */
async function fuzz(file, name) {
  const found = { target: name, inputs: 0, crashes: [], hangs: [], slowest: { took: 0, number: 0 } };
  const first = values.only === undefined ? 0 : Number(values.only);
  const until = values.only === undefined ? inputs : first + 1;
  const deadline = Date.now() + seconds * 1000;
  for (let from = first; from < until && (Date.now() < deadline || from === first); ) {
    from = await stretch(file, name, from, until, (deadline - Date.now()) / 1000, found);
  }
  return found;
}

/** One worker's life. Answers the number that comes next. */
function stretch(file, name, from, until, left, found) {
  const place = new SharedArrayBuffer(4);
  const stands = new Int32Array(place);
  stands[0] = from - 1;
  const worker = new Worker(file, { workerData: { name, seed, from, until, seconds: left, place } });
  return new Promise((resolve) => {
    let last = { at: stands[0], since: Date.now() };
    const watch = setInterval(() => {
      if (stands[0] !== last.at) last = { at: stands[0], since: Date.now() };
      // Opening takes a while on a busy machine; it is no input.
      else if (stands[0] >= from && Date.now() - last.since > hang * 1000) hung();
    }, 200);
    const end = (next) => {
      clearInterval(watch);
      found.inputs += next - from;
      void worker.terminate().then(() => resolve(next));
    };
    const hung = () => {
      found.hangs.push(stands[0]);
      end(stands[0] + 1);
    };
    worker.on('message', ({ crash, stack, input, done, slowest }) => {
      if (slowest?.took > found.slowest.took) found.slowest = slowest;
      if (crash === undefined) return end(done);
      found.crashes.push({ number: crash, stack, input });
    });
    // Out of memory, or a promise that nobody waited for.
    worker.on('error', (error) => {
      found.crashes.push({ number: stands[0], stack: String(error.stack ?? error), input: '' });
      end(Math.max(from, stands[0]) + 1);
    });
  });
}

/** Crashes at the same place are one. */
function places(crashes) {
  const byPlace = new Map();
  for (const crash of crashes) {
    const lines = crash.stack.split('\n');
    const place = lines
      .filter((line) => /^\s+at /.test(line))
      .slice(0, 3)
      .join('\n');
    const key = place || lines[0];
    if (!byPlace.has(key)) byPlace.set(key, { ...crash, times: 0 });
    byPlace.get(key).times++;
  }
  return [...byPlace.values()];
}

const row = (...cells) =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(14) : `${cell}`.padStart(9))).join(''));

function report(results) {
  console.log(`seed ${seed}`);
  row('target', 'inputs', 'crashes', 'hangs', 'slowest');
  for (const { target, inputs: tried, crashes, hangs, slowest } of results) {
    row(target, tried, crashes.length, hangs.length, `${Math.round(slowest.took)} ms`);
    const again = (which) => `--target ${target} --seed ${seed} --only ${which}`;
    for (const { number: which, stack, input, times } of places(crashes)) {
      console.log(`  crash, ${times} times; first: ${again(which)}`);
      console.log(`    ${stack.split('\n').slice(0, 5).join('\n    ')}`);
      if (values.show) console.log(`    ${JSON.stringify(input.slice(0, 3000))}`);
    }
    for (const which of hangs) console.log(`  hang: ${again(which)}`);
    if (slowest.took > 1000) console.log(`  slow: ${again(slowest.number)}`);
  }
  const total = (of) => results.reduce((sum, result) => sum + of(result), 0);
  const [crashes, hangs] = [total((one) => one.crashes.length), total((one) => one.hangs.length)];
  row(
    'all',
    total((one) => one.inputs),
    crashes,
    hangs,
  );
  return crashes + hangs;
}

mkdirSync(folder, { recursive: true });
let bad = 1;
try {
  const entries = ['worker', 'targets'].map((name) => ({ in: `test/support/fuzz/${name}.ts`, out: name }));
  await bundle(root, folder, entries);
  const file = join(folder, 'worker.js');
  const { TARGETS } = await import(join(folder, 'targets.js'));
  const names = values.target?.split(',') ?? Object.keys(TARGETS);
  const results = [];
  for (const name of names) results.push(await fuzz(file, name));
  bad = report(results);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(bad === 0 ? 0 : 1);
