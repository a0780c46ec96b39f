// Breaks commands on purpose: kill -9 and SIGSTOP/SIGCONT at random moments, seeded. Knows processes, not documents.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from './cli.ts';

export { random } from './random.ts';

/** Every start of a job of this experiment leaves a line, whatever the store knows about it. */
export function leaveMarks(folder: string): void {
  const modules = join(folder, 'modules', '7.0.8.yaml');
  const mark = `echo "$DFLOW_RUN/$DFLOW_MODULE/$DFLOW_PASS.$DFLOW_SUBRUN" >> '${folder}/marks'`;
  writeFileSync(modules, readFileSync(modules, 'utf8').replaceAll('run: node', `run: ${mark}; node`));
}

/** The jobs that were started, sorted: one line for each start. */
export function marks(folder: string): string[] {
  const text = readFileSync(join(folder, 'marks'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

/** Commands that a buffer machine and a login node run in loops. */
const COMMANDS: readonly (readonly string[])[] = [
  ['register'],
  ['transfer'],
  ['enqueue'],
  ['submit'],
  ['submit'],
  ['monitor'],
  ['monitor'],
  ['reset'],
  ['chain'],
  ['chain'],
];

export interface Blow {
  readonly command: string;
  readonly how: 'kill' | 'stop' | 'supervisor';
  /** Milliseconds after the start of the command. */
  readonly after: number;
  /** False when the command had ended before the blow fell. */
  readonly hit: boolean;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

const alive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** One random command, struck at a random moment, `least` milliseconds after its start or later. While one is stopped, others work; then it goes on. */
export async function strike(folder: string, next: () => number, least = 80): Promise<Blow> {
  const command = COMMANDS[Math.floor(next() * COMMANDS.length)]!;
  const how = next() < 0.6 ? 'kill' : next() < 0.75 ? 'stop' : 'supervisor';
  const after = Math.floor(least + next() ** 2 * 900);
  const child = start(folder, command);
  await Promise.race([ended(child), sleep(after)]);
  const hit = alive(child);
  if (how === 'supervisor') killSupervisor(folder);
  else if (hit && how === 'kill') child.kill('SIGKILL');
  else if (hit) await stopAWhile(folder, child, next);
  await ended(child);
  return { command: command.join(' '), how, after, hit };
}

async function stopAWhile(folder: string, child: ChildProcess, next: () => number): Promise<void> {
  child.kill('SIGSTOP');
  const others = [start(folder, ['chain']), start(folder, ['reset'])];
  await Promise.race([Promise.all(others.map(ended)), sleep(200 + next() * 3_000)]);
  child.kill('SIGCONT');
  await Promise.all(others.map(ended));
}

/** kill -9 for the local backend's supervisor of this folder, by its command line. */
export function killSupervisor(folder: string): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ours = pids.filter((pid) => {
    const file = join('/proc', pid, 'cmdline');
    try {
      const words = existsSync(file) ? readFileSync(file, 'utf8').split('\0') : [];
      return words.some((word) => word.endsWith('supervisor.js')) && words.some((word) => word.startsWith(folder));
    } catch {
      return false;
    }
  });
  for (const pid of ours) spawnSync('kill', ['-9', pid]);
  return ours.length;
}
