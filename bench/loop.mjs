// node bench/loop.mjs [--rounds 10000] [--sample 500] [--stand-in] [--json]: memory of a loop over many rounds. A real
// `dflow loop` runs `register --no-wait` on a tiny experiment, one process a round. --stand-in: a round is a process that
// only says that it was done, and the loop itself writes each round into the store. That takes a tenth of the time.
// Target: RSS of the loop at the end at most a tenth above that after the first sample. Else the exit code is 1.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10000' },
    sample: { type: 'string', default: '500' },
    'stand-in': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [rounds, sample] = [Number(values.rounds), Number(values.sample)];
const source = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'dflow-bench-loop-'));

/** A copy of the program: a loop ends when another build is on disk, and somebody may build meanwhile. */
function program() {
  const root = join(folder, 'program');
  mkdirSync(root);
  for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
    cpSync(join(source, name), join(root, name), { recursive: true });
  symlinkSync(join(source, 'node_modules'), join(root, 'node_modules'));
  if (!values['stand-in']) return join(root, 'bin/run.js');
  const report = { did: { registered: 1 }, failed: 0, outcome: 'ok', mistyped: false, noted: false };
  const real = readFileSync(join(root, 'bin/run.js'), 'utf8').replace(/^#!.*\n/, '');
  writeFileSync(join(root, 'bin/real.js'), real);
  writeFileSync(
    join(root, 'bin/run.js'),
    `if (process.env.DFLOW_LOOP) process.send(${JSON.stringify(report)}, () => process.disconnect());
else await import('./real.js');
`,
  );
  return join(root, 'bin/run.js');
}

mkdirSync(join(folder, 'raw'));
mkdirSync(join(folder, 'store'));
writeFileSync(join(folder, 'raw/run000001_0.dat'), 'raw');
writeFileSync(
  join(folder, 'dflow.yaml'),
  "experiment: bench\nbuffer: {path: ./raw, pattern: 'run{run:6}_{subrun}.dat', closed: settled}\nstorage: {disk: ./store}\n",
);
const bin = program();
const words = (...more) => [bin, ...more];
await new Promise((done) => spawn(process.execPath, words('store', 'setup'), { cwd: folder }).once('exit', done));
const loop = spawn(process.execPath, words('loop', '--json', '--every', '0s', '--', 'register', '--no-wait'), {
  cwd: folder,
  stdio: ['ignore', 'pipe', 'inherit'],
});

/** Kilobytes, and open files, of the loop. */
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${loop.pid}/status`, 'utf8'))?.[1]);
const handles = () => readdirSync(`/proc/${loop.pid}/fd`).length;

const samples = [];
const began = Date.now();
let done = 0;
let failed = 0;
for await (const line of createInterface({ input: loop.stdout })) {
  const { did, text } = JSON.parse(line);
  if (!['done', 'unchanged', 'failed', 'skipped'].includes(did)) continue;
  done++;
  if (did === 'failed') failed++;
  if (did === 'failed' && failed < 4) process.stderr.write(`round ${done}: ${text}\n`);
  if (done % sample === 0 || done === rounds) {
    const one = { rounds: done, rssMB: Math.round(rss() / 102.4) / 10, handles: handles() };
    samples.push({ ...one, seconds: Math.round((Date.now() - began) / 1000) });
    if (!values.json) process.stderr.write(`${JSON.stringify(samples.at(-1))}\n`);
  }
  if (done === rounds) break;
}
loop.kill('SIGTERM');
loop.stdout.destroy();
const exit = await new Promise((ended) => loop.once('exit', ended));
rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
const [first, last] = [samples[0], samples.at(-1)];
const flat = first !== undefined && last.rssMB <= 1.1 * first.rssMB && last.handles <= first.handles + 2;
const result = { rounds: done, failed, exit, standIn: values['stand-in'], flat, samples };
process.stdout.write(`${values.json ? JSON.stringify(result) : JSON.stringify(result, null, 2)}\n`);
process.exitCode = flat && failed === 0 && done === rounds ? 0 : 1;
