// What it costs to start: every command's --help, --version, and status on a small store, beside `node -e 0`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, dflow, makeExperiment, median, root, took, withFolder } from './shared/experiment.mjs';

const CONFIG = "buffer: {path: ./raw, pattern: 'run{run:7}.dat', settle: 0s}\nstorage: {disk: ./store}\n";

/** Names of all commands, with spaces. */
const commands = () =>
  Object.keys(JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')).commands).map((id) => id.split(':'));

export default {
  about: 'start of every command (--help), of --version and of status, against node -e 0',
  options: { rounds: { fallback: '5', about: 'rounds; the median counts' } },
  async *run({ rounds }) {
    const times = (work) => median(Array.from({ length: Number(rounds) }, work));
    const node = { name: 'node -e 0', value: times(() => took(process.execPath, ['-e', '0'])) };
    const call = (words) => times(() => took(process.execPath, [bin, ...words]));
    yield { what: '--version', value: call(['--version']), yardstick: node };
    const helps = commands().map((words) => ({ words, value: call([...words, '--help']) }));
    helps.sort((a, b) => a.value - b.value);
    const middle = helps[Math.floor(helps.length / 2)];
    const slowest = helps.at(-1);
    yield { what: `--help, median of ${helps.length} commands`, value: middle.value, yardstick: node };
    yield { what: `--help, slowest command (${slowest.words.join(' ')})`, value: slowest.value, yardstick: node };
    const status = await withFolder((folder) => {
      makeExperiment(folder, CONFIG);
      dflow(folder, ['store', 'setup', '--quiet']);
      return times(() => dflow(folder, ['status']));
    });
    yield { what: 'status, empty SQLite store', value: status, yardstick: node };
  },
};
