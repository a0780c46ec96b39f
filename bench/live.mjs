// What one look of the live screen (`dflow status --watch`) costs, view by view, on a store of 100,000 passes: reading it,
// laying it out, and making its frame. Target: under 300 ms each. Milliseconds of the processor: other programs do not count.
// Usage: node bench/live.mjs [FOLDER]. FOLDER: of an experiment; without it bench/why.mjs makes one.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundle } from '../bin/bundle.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const LOOKS = 5;
const FILTERS = { runs: ['-s open'], jobs: ['-s failed', '-s completed', '-m Analysis', '--cause memory'] };

function made() {
  const env = { ...process.env, DFLOW_BENCH_KEEP: '1' };
  const out = execFileSync(process.execPath, [join(root, 'bench/why.mjs')], { env, encoding: 'utf8' });
  return out.trim().split('\n').at(-1);
}

const folder = process.argv[2] ?? made();
// Beside the packages that are not bundled.
const work = mkdtempSync(join(root, 'dist', 'bench-live-'));
try {
  const parts = { ports: 'cli/ports', load: 'cli/config/load', source: 'cli/live/source', model: 'cli/live/model' };
  const all = { ...parts, frame: 'cli/live/frame', views: 'flow/reports/live/views' };
  const entries = Object.entries(all).map(([out, path]) => ({ in: `src/lib/${path}.ts`, out }));
  await bundle(root, work.slice(root.length + 1), entries);
  const load = (name) => import(pathToFileURL(join(work, `${name}.js`)).href);
  const { openPorts } = await load('ports');
  const { settings } = await (await load('load')).load({ cwd: folder, flag: undefined, env: {}, host: hostname() });
  const { lookAtPage } = await load('source');
  const { initial, looked, newPage } = await load('model');
  const { frameOf } = await load('frame');
  const { LIVE_VIEWS } = await load('views');
  const ports = await openPorts(settings, { write: false, command: 'bench' });
  const look = async (name, words) => {
    const page = newPage(1, name, words);
    const state = { ...initial('bench', { columns: 80, ascii: false }, 24), pages: [page] };
    frameOf(looked(state, 1, await lookAtPage(ports, page), new Date().toISOString()));
  };
  const cpu = () => process.cpuUsage().user + process.cpuUsage().system;
  for (const name of LIVE_VIEWS)
    for (const words of ['', ...(FILTERS[name] ?? [])]) {
      const costs = [];
      for (let at = 0; at <= LOOKS; at++) {
        const began = cpu();
        await look(name, words);
        costs.push((cpu() - began) / 1000);
      }
      // The first look reads what every later one finds in memory.
      const [first, ...later] = costs;
      const middle = later.sort((a, b) => a - b)[Math.floor(LOOKS / 2)];
      console.log(
        `${`${name} ${words}`.padEnd(22)} ${middle.toFixed(0).padStart(5)} ms  (first ${first.toFixed(0)} ms)`,
      );
    }
  await ports.close();
} finally {
  rmSync(work, { recursive: true, force: true });
}
