// A small experiment whose farm is a real Ganga (its Local backend), driven by the built program; and a stand-in for the
// program `ganga` that passes everything on to the real one and strikes at an exact question or answer.
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Experiment, type ModuleText } from './experiment.ts';
import { GANGA, removeLock } from './ganga-world.ts';

/** `kill-*`, `stop-*`: dflow, before the question is passed on or before its answer is. `driver`: Ganga, meanwhile. */
export type Strike = 'kill-before' | 'kill-after' | 'stop-before' | 'stop-after' | 'driver';

/** FAULT is `<question>:<strike>`; it strikes at the first such question. */
const STAND_IN = (struck: string) => `#!/usr/bin/env node
const { spawn } = require('node:child_process');
const { existsSync, writeFileSync } = require('node:fs');
const { createInterface } = require('node:readline');
const [asked, strike] = (process.env.FAULT ?? '').split(':');
const real = spawn(${JSON.stringify(GANGA)}, process.argv.slice(2), { stdio: ['pipe', 'pipe', 'inherit'] });
const blow = (signal) => {
  writeFileSync(${JSON.stringify(struck)}, String(process.ppid));
  process.kill(process.ppid, signal);
};
let now = '';
createInterface({ input: process.stdin }).on('line', (line) => {
  now = JSON.parse(line).do === asked && !existsSync(${JSON.stringify(struck)}) ? strike : '';
  if (now === 'kill-before') return blow('SIGKILL');
  if (now === 'stop-before') blow('SIGSTOP');
  real.stdin.write(line + '\\n');
  if (now === 'driver') setTimeout(() => { writeFileSync(${JSON.stringify(struck)}, String(process.ppid)); real.kill('SIGKILL'); }, 150);
}).on('close', () => real.stdin.end());
createInterface({ input: real.stdout }).on('line', (line) => {
  if (now === 'kill-after') return blow('SIGKILL');
  if (now === 'stop-after') blow('SIGSTOP');
  process.stdout.write(line + '\\n');
});
real.on('exit', (code) => process.exit(code ?? 1));
`;

export class GangaExperiment extends Experiment {
  constructor(runs: number, modules: Readonly<Record<string, ModuleText>>, options = '{}', tries = 3) {
    // Its program is no shell stand-in, and `configure` writes it.
    super({ backend: 'ganga', programs: {} }, runs, modules, options, tries);
  }

  override configure(options: string): void {
    const program = join(this.folder, 'bin/ganga');
    writeFileSync(program, STAND_IN(join(this.folder, 'struck')));
    chmodSync(program, 0o755);
    const more = options === '{}' ? '' : `, ${options.slice(1, -1)}`;
    const text = `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}
runs: {quiet: 0s}
storage: {disk: ./store}
farms: {cedar: {backend: ganga, slots: 100, options: {ganga: ${JSON.stringify(program)}, beat: 1s, beatLimit: 8s${more}}}}
limits: {grace: 1s, submitting: 1s, stale: 1s}
`;
    writeFileSync(join(this.folder, 'dflow.yaml'), text);
  }

  override remove(): void {
    removeLock(this.own);
    super.remove();
  }

  get own(): string {
    return join(this.folder, '.dflow/cedar');
  }

  /** Wrappers of this experiment that live, waiting ones among them: by their command lines. */
  wrappers(): number[] {
    return processes((words) => words.some((word) => word.startsWith(`${this.own}/`) && word.endsWith('.sh')));
  }
}

/** Processes whose words of the command line fit. */
export function processes(fits: (words: readonly string[]) => boolean): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return fits(readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0'));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Ganga's of a farm with this folder. */
export const drivers = ({ own }: { readonly own: string }): number[] =>
  processes((words) => words.includes(join(own, 'driver.py')));
