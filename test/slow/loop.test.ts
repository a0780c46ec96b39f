// A loop as a process: its rounds, its lock, its end, and what the store knows of it.
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { LoopDoc } from '../../src/lib/domain/farms/farm.ts';
import { dflow, lines, must, rawFolder, removeFolders } from '../support/cli.ts';
import { isRound, killLoops, loop } from '../support/loop.ts';

afterEach(killLoops);
afterAll(removeFolders);

/** An experiment with one raw file for each of `runs`. */
function experiment(runs = 1): string {
  const folder = rawFolder(runs);
  must(folder, ['init', '--from', 'raw']);
  return folder;
}

const docOf = (folder: string, name: string): LoopDoc =>
  lines<LoopDoc>(must(folder, ['show', `loop:${hostname()}:${name}`, '--json']))[0]!;

test('rounds, a second one of the same loop, and a clean end that the store knows', async () => {
  const folder = experiment();
  const first = loop(folder, ['--every', '0', '--', 'register', '--no-wait']);
  await first.until(({ did }) => did === 'unchanged');
  const second = dflow(folder, ['loop', '--', 'register']);
  expect(second.code).toBe(75);
  expect(second.err).toContain(`loop 'register' already runs on ${hostname()}: process ${first.child.pid} since 20`);
  expect(docOf(folder, 'register').plan).toMatchObject({ command: 'register --no-wait', every: 0, exit: 0 });
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  expect(first.said.at(-1)).toMatchObject({ did: 'stopped' });
  expect(docOf(folder, 'register').plan?.stopped).toBeDefined();
  // The lock is the kernel's: who is killed leaves none.
  const killed = loop(folder, ['--every', '0', '--', 'register', '--no-wait']);
  await killed.until(isRound);
  expect(docOf(folder, 'register').plan?.stopped).toBeUndefined();
  killed.child.kill('SIGKILL');
  await killed.ended;
  const again = loop(folder, ['--every', '0', '--', 'register', '--no-wait']);
  await again.until(isRound);
  again.child.kill('SIGINT');
  expect(await again.ended).toBe(0);
});

test('a broken configuration is said, known to the store, and mended under the running loop', async () => {
  const folder = experiment();
  const file = join(folder, 'dflow.yaml');
  const good = "buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat'}\nstorage: {disk: ./store}\n";
  writeFileSync(file, good);
  const one = loop(folder, ['--every', '100ms', '--', 'register', '--no-wait']);
  await one.until(isRound);
  writeFileSync(file, good.replace('storage', 'strange'));
  const wrong = await one.until(({ exit }) => exit === 2);
  expect(wrong.text).toContain('strange');
  writeFileSync(file, good);
  const at = one.said.length;
  await one.until((line) => one.said.indexOf(line) >= at && line.exit === 0);
  // The terminal is gone: that is no wish of a person, so the loop is missed.
  one.child.kill('SIGHUP');
  expect(await one.ended).toBe(0);
  expect(docOf(folder, 'register')?.plan?.stopped).toBeUndefined();
});

test('a command line that is wrong ends the loop', async () => {
  const folder = experiment();
  const loops = (): string => must(folder, ['list', 'loops', '--format', 'ids']);
  const one = loop(folder, ['--', 'register', '--no-such-flag']);
  expect(await one.ended).toBe(2);
  expect(one.said.map(({ text }) => text)).toContain("no flag '--no-such-flag'");
  // It has never run, so nobody misses it.
  expect(loops()).toBe('');
  must(folder, ['loop', '--once', '--', 'register', '--no-wait']);
  const before = docOf(folder, 'register');
  expect(await loop(folder, ['--', 'register', '--no-such-flag']).ended).toBe(2);
  expect(docOf(folder, 'register')).toEqual(before);
  const unknown = dflow(folder, ['loop', '--', 'regster']);
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain('Next: dflow loop -- register');
  expect(dflow(folder, ['loop', '--', 'loop', '--every', '1m']).err).toContain('dflow loop cannot run in a loop');
});

test('USR2 begins the next round now', async () => {
  const folder = experiment();
  const one = loop(folder, ['--every', '1h', '--', 'register', '--no-wait']);
  await one.until(isRound);
  one.child.kill('SIGUSR2');
  await one.until((line) => isRound(line) && one.said.filter(isRound).length === 2);
  one.child.kill('SIGTERM');
  expect(await one.ended).toBe(0);
});
