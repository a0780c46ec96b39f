// Three farms on one store: passes enqueued by one process, claimed, recorded and completed by three that take the same
// ones first. Shows rates, conflicts for each write, and that no pass was claimed twice.
// Usage: node bench/farms.mjs STORE [PASSES=100000] [FARMS=3]
// STORE: an address as in `store:`, of a store that does not exist yet: sqlite:/tmp/bench.db, http://..., postgres://...
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../bin/bundle.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [store, passes = '100000', farms = '3'] = process.argv.slice(2);
if (!store) {
  console.error('usage: node bench/farms.mjs STORE [PASSES=100000] [FARMS=3]');
  process.exit(2);
}
// Below the project, where packages that are not bundled are found.
mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
const built = mkdtempSync(join(root, 'node_modules/.cache/dflow-farms-'));
const folder = mkdtempSync(join(tmpdir(), 'dflow-farms-'));

function farm(...args) {
  const child = spawn(process.execPath, [join(built, 'farm.js'), store, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
  });
  return new Promise((resolve, reject) =>
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`a farm ended with ${code}`)),
    ),
  );
}

const per = (count, seconds) => `${Math.round(count / seconds)}/s`;

try {
  await bundle(root, built, [{ in: 'test/support/farm-child.ts', out: 'farm' }]);
  const total = Number(passes);
  await farm('setup', 'setup');
  const made = await farm('enqueue', 'enqueue', '0', passes);
  console.log(`enqueue: ${total} passes in ${made.seconds.toFixed(1)} s, ${per(total, made.seconds)}`);
  const began = performance.now();
  const all = await Promise.all(Array.from({ length: Number(farms) }, (_, i) => farm(`farm${i + 1}`, 'work')));
  const seconds = (performance.now() - began) / 1000;
  const sum = (field) => all.reduce((result, one) => result + one[field], 0);
  const writes = 3 * sum('claimed');
  console.log(
    `claimed by each: ${all.map(({ claimed }) => claimed).join(' ')}; all in ${seconds.toFixed(1)} s, ${per(writes, seconds)} changes`,
  );
  console.log(
    `apply: ${all.map((one) => per(one.applied, one.applying / 1000)).join(' ')} in each farm while all work`,
  );
  console.log(
    `conflicts: ${sum('taken')} passes were another farm's by then, ${sum('lost')} lost; ${(sum('again') / writes).toFixed(3)} repetitions for each write`,
  );
  const check = await farm('check', 'check', '0', passes);
  console.log(`doubles: ${check.doubles} of ${check.passes}; the view counts ${JSON.stringify(check.counts)}`);
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `experiment: bench\nstore: ${store}\nbuffer: {path: ./raw, pattern: 'run{run:10}.dat'}\nstorage: {disk: ./store}\n`,
  );
  for (const name of ['raw', 'store']) mkdirSync(join(folder, name));
  const command = (...args) =>
    spawnSync(process.execPath, [join(root, 'bin/run.js'), ...args], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  // A bundle of its own has other names in its map functions: the views of the product are made first.
  command('store', 'setup');
  const status = performance.now();
  const { status: code } = command('status');
  console.log(`status: ${((performance.now() - status) / 1000).toFixed(2)} s, exit ${code}`);
  if (check.doubles > 0 || check.passes !== total || sum('claimed') !== total) process.exitCode = 1;
} finally {
  for (const path of [built, folder]) rmSync(path, { recursive: true, force: true });
}
