// Three farms on one store: passes enqueued by one process, claimed, recorded and completed by three that take the same
// ones first. Shows rates, conflicts for each write, and that no pass was claimed twice.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../bin/bundle.js';
import { dflow, makeExperiment, root, withFolder } from './shared/experiment.mjs';

/** One farm, a process of its own; answers what it prints. */
function farm(built, store, ...args) {
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

async function compete(built, store, { passes, farms, say }) {
  await farm(built, store, 'setup', 'setup');
  const made = await farm(built, store, 'enqueue', 'enqueue', '0', String(passes));
  const began = performance.now();
  const all = await Promise.all(Array.from({ length: farms }, (_, i) => farm(built, store, `farm${i + 1}`, 'work')));
  const seconds = (performance.now() - began) / 1000;
  const sum = (field) => all.reduce((result, one) => result + one[field], 0);
  const writes = 3 * sum('claimed');
  say(`claimed by each: ${all.map(({ claimed }) => claimed).join(' ')}`);
  const check = await farm(built, store, 'check', 'check', '0', String(passes));
  if (check.doubles > 0 || check.passes !== passes || sum('claimed') !== passes)
    throw new Error(`${check.doubles} doubles, ${check.passes} passes, ${sum('claimed')} claimed`);
  return [
    { what: `${passes} passes enqueued`, value: passes / made.seconds, unit: 'passes/s' },
    { what: `${farms} farms, changes of all`, value: writes / seconds, unit: 'changes/s' },
    { what: `${farms} farms, repetitions for each change`, value: sum('again') / writes, unit: 'times' },
    { what: `${farms} farms, passes claimed twice`, value: check.doubles, unit: 'passes', target: { under: 0 } },
  ];
}

export default {
  about: 'several farms that compete for the passes of one store',
  options: {
    store: { fallback: 'sqlite', about: 'sqlite, or the address of a store that does not exist yet' },
    passes: { fallback: '20000', about: 'how many passes' },
    farms: { fallback: '3', about: 'how many farms' },
  },
  async *run({ store: where, passes, farms, say }) {
    // Below the project, where packages that are not bundled are found.
    mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
    const built = mkdtempSync(join(root, 'node_modules/.cache/dflow-farms-'));
    try {
      await bundle(root, built, [{ in: 'test/support/farm-child.ts', out: 'farm' }]);
      yield* await withFolder(async (folder) => {
        const store = where === 'sqlite' ? `sqlite:${join(folder, 'farms.db')}` : where;
        const rows = await compete(built, store, { passes: Number(passes), farms: Number(farms), say });
        const buffer = "buffer: {path: ./raw, pattern: 'run{run:10}.dat'}";
        makeExperiment(folder, `experiment: bench\nstore: ${store}\n${buffer}\nstorage: {disk: ./store}\n`);
        // A bundle of its own has other names in its map functions: the views of the product are made first.
        dflow(folder, ['store', 'setup', '--quiet']);
        return [...rows, { what: `status after ${passes} passes`, value: dflow(folder, ['status']) }];
      });
    } finally {
      rmSync(built, { recursive: true, force: true });
    }
  },
};
