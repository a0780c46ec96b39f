// What one look of the live screen (`dflow status --watch`) costs, view by view: reading it, laying it out, and making its
// frame. Milliseconds of the processor, so other programs do not count.
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from '../bin/bundle.js';
import { median, root, withFolder } from './shared/experiment.mjs';
import { plant } from './shared/planted.mjs';

const LOOKS = 5;
const FILTERS = { runs: ['-s open'], jobs: ['-s failed', '-s completed', '-m Analysis', '--cause memory'] };
const ENTRIES = {
  ports: 'cli/ports',
  load: 'cli/config/load',
  source: 'cli/live/source',
  model: 'cli/live/model',
  frame: 'cli/live/frame',
  views: 'flow/reports/live/views',
};

/** The parts of the product, bundled into `work`. */
async function parts(work) {
  const entries = Object.entries(ENTRIES).map(([out, path]) => ({ in: `src/lib/${path}.ts`, out }));
  await bundle(root, work.slice(root.length + 1), entries);
  const all = Object.keys(ENTRIES).map((name) => import(pathToFileURL(join(work, `${name}.js`)).href));
  return Object.assign({}, ...(await Promise.all(all)));
}

const cpu = () => process.cpuUsage().user + process.cpuUsage().system;

/** Milliseconds of the looks after the first, which reads what every later one finds in memory. */
async function costOf(look) {
  const costs = [];
  for (let at = 0; at <= LOOKS; at++) {
    const began = cpu();
    await look();
    costs.push((cpu() - began) / 1000);
  }
  return median(costs.slice(1));
}

async function* looks(folder, product) {
  const { settings } = await product.load({ cwd: folder, flag: undefined, env: {}, host: hostname() });
  const ports = await product.openPorts(settings, { write: false, command: 'bench' });
  const look = async (name, words) => {
    const page = product.newPage(1, name, words);
    const state = { ...product.initial('bench', { columns: 80, ascii: false }, 24), pages: [page] };
    product.frameOf(product.looked(state, 1, await product.lookAtPage(ports, page), new Date().toISOString()));
  };
  try {
    for (const name of product.LIVE_VIEWS)
      for (const words of ['', ...(FILTERS[name] ?? [])])
        yield { what: `${name} ${words}`.trim(), value: await costOf(() => look(name, words)) };
  } finally {
    await ports.close();
  }
}

export default {
  about: 'one look of each view of the live screen',
  options: { passes: { fallback: '100000', about: 'how many passes' } },
  async *run({ passes }) {
    // Beside the packages that are not bundled.
    const work = mkdtempSync(join(root, 'dist', 'bench-live-'));
    try {
      const product = await parts(work);
      const rows = await withFolder(async (folder) => {
        plant(folder, Number(passes));
        const all = [];
        for await (const row of looks(folder, product)) all.push(row);
        return all;
      });
      for (const row of rows) yield { ...row, unit: 'ms', target: { under: 300 } };
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
};
