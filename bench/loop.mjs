// Memory of a loop over many rounds: a real `dflow loop` runs `register --no-wait` on a tiny experiment, a process a round.
// With `--stand-in yes` a round is a process that only says that it was done: a tenth of the time.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeExperiment, ran, root, withFolder } from './shared/experiment.mjs';

const CONFIG = `experiment: bench
buffer: {path: ./raw, pattern: 'run{run:6}_{subrun}.dat', closed: settled}
storage: {disk: ./store}
`;

/** A copy of the program: a loop ends when another build is on disk, and somebody may build meanwhile. */
function program(folder, standIn) {
  const copy = join(folder, 'program');
  mkdirSync(copy);
  for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const path = join(copy, 'bin/run.js');
  if (!standIn) return path;
  const report = { did: { registered: 1 }, failed: 0, outcome: 'ok', mistyped: false, noted: false };
  writeFileSync(join(copy, 'bin/real.js'), readFileSync(path, 'utf8').replace(/^#!.*\n/, ''));
  const round = `process.send(${JSON.stringify(report)}, () => process.disconnect())`;
  writeFileSync(path, `if (process.env.DFLOW_LOOP) ${round};\nelse await import('./real.js');\n`);
  return path;
}

/** MiB and open files of a process. */
const memory = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
const handles = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/** What the loop holds after each `sample` rounds. */
async function samplesOf(loop, { rounds, sample, say }) {
  const samples = [];
  let done = 0;
  for await (const line of createInterface({ input: loop.stdout })) {
    const { did, text } = JSON.parse(line);
    if (!['done', 'unchanged', 'failed', 'skipped'].includes(did)) continue;
    done++;
    if (did === 'failed') throw new Error(`round ${done}: ${text}`);
    if (done % sample === 0 || done === rounds) {
      samples.push({ rounds: done, mib: memory(loop.pid), handles: handles(loop.pid) });
      say(JSON.stringify(samples.at(-1)));
    }
    if (done === rounds) return samples;
  }
  throw new Error(`the loop ended after ${done} rounds`);
}

export default {
  about: 'memory and open files of a loop over many rounds',
  options: {
    rounds: { fallback: '2000', about: 'how many rounds' },
    sample: { fallback: '500', about: 'rounds between two looks' },
    'stand-in': { fallback: 'no', about: 'yes: a round does nothing' },
  },
  async *run(given) {
    const [rounds, sample] = [Number(given.rounds), Number(given.sample)];
    const samples = await withFolder(async (folder) => {
      makeExperiment(folder, CONFIG);
      writeFileSync(join(folder, 'raw/run000001_0.dat'), 'raw');
      const path = program(folder, given['stand-in'] === 'yes');
      ran(process.execPath, [path, 'store', 'setup', '--quiet'], { cwd: folder });
      const words = [path, 'loop', '--json', '--every', '0s', '--', 'register', '--no-wait'];
      const loop = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
      const end = new Promise((resolve) => loop.once('exit', resolve));
      try {
        return await samplesOf(loop, { rounds, sample, say: given.say });
      } finally {
        loop.kill('SIGTERM');
        loop.stdout.destroy();
        await end;
      }
    });
    const [first, last] = [samples[0], samples.at(-1)];
    const after = (name) => ({ name: `after ${first.rounds}`, value: first[name] });
    const grown = (name, unit) => ({
      unit,
      value: last[name],
      yardstick: after(name),
      ratio: last[name] / first[name],
    });
    yield { what: `memory after ${rounds} rounds`, ...grown('mib', 'MiB'), target: { atMost: 1.1 } };
    yield { what: `open files after ${rounds} rounds`, ...grown('handles', 'files'), target: { atMost: 1.1 } };
  },
};
