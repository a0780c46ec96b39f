// The script of a window: it starts a loop again when it dies, with pauses that grow, and not when it was stopped.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';

const WATCH = resolve(import.meta.dirname, '../../../../src/lib/flow/steps/screens/watch.sh');
let folder = '';
let child: ChildProcess | undefined;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-watch-')));
});
afterEach(() => {
  if (child?.exitCode === null) spawnSync('kill', ['-s', 'KILL', '--', `-${child.pid}`]);
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the watcher over a program that notes each start and then does `body`. */
function watch(body: string): () => string[] {
  const script = join(folder, 'watch.sh');
  writeFileSync(script, readFileSync(WATCH));
  writeFileSync(join(folder, 'watch.env'), "export SECRET='it'\\''s'\n");
  const program = join(folder, 'loop');
  writeFileSync(program, `#!/bin/sh\necho "$DFLOW_DEATHS $SECRET $PWD $*" >> '${folder}/starts'\n${body}\n`);
  chmodSync(program, 0o755);
  const words = [script, 'register', folder, program, 'one two'];
  // As in a window of tmux, it leads a group of its own.
  child = spawn('sh', words, { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  const starts = join(folder, 'starts');
  return () => (existsSync(starts) ? readFileSync(starts, 'utf8').trim().split('\n') : []);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await wait(20);
}

test('a loop that dies is started again, is told how often, and reads the variables', async () => {
  const starts = watch('kill -9 $$');
  await until(() => starts().length >= 3);
  expect(starts().slice(0, 3)).toEqual([0, 1, 2].map((deaths) => `${deaths} it's ${folder} one two`));
});

test('a loop that ended by itself is not started again before somebody presses Enter', async () => {
  const starts = watch('exit 0');
  await until(() => starts().length === 1);
  await wait(300);
  expect(starts().length).toBe(1);
  child?.stdin?.write('\n');
  await until(() => starts().length === 2);
  child?.stdin?.end();
  await until(() => child?.exitCode !== null);
  expect(child?.exitCode).toBe(0);
});

test('TERM for the whole group ends the watcher after its loop', async () => {
  const starts = watch(`trap 'echo ended >> "${folder}/starts"; exit 0' TERM; while :; do sleep 0.05; done`);
  await until(() => starts().length === 1);
  spawnSync('sh', ['-c', `kill -s TERM -- "-${child?.pid}"`]);
  await until(() => child?.exitCode !== null);
  expect(child?.exitCode).toBe(0);
  expect(starts()[1]).toBe('ended');
});
