// The command line of a loop: what can be a round, and what is refused before the first one.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loopFrom } from '../../src/lib/cli/loop/command.ts';
import { lockLoop } from '../../src/lib/cli/loop/looplock.ts';
import type { PlannedLoop } from '../../src/lib/domain/farms/hostplan.ts';
import { BusyError, UsageError } from '../../src/lib/util/errors.ts';

const COMMANDS = ['register', 'events', 'log', 'loop', 'screens:start', 'monitor:poll', 'status'];
const PLAN: PlannedLoop[] = [{ name: 'follower', run: ['events', '--follow'], on: true }];
const from = (words: string, flags: Parameters<typeof loopFrom>[1] = {}) =>
  loopFrom(words.split(' ').filter(Boolean), flags, PLAN, COMMANDS);

test.each([
  ['register', 'register'],
  ['dflow register --limit 3', 'register'],
  ['-- monitor poll --site a', 'monitor-poll'],
])('%s is a loop', (words, name) => {
  expect(from(words)).toMatchObject({ name });
});

test.each([
  ['loop -- register', {}, 'dflow loop cannot run in a loop'],
  ['-- loop -- register', {}, 'dflow loop cannot run in a loop'],
  ['screens start', {}, 'dflow screens cannot run in a loop'],
  ['registr', {}, "'registr' is not a command of dflow"],
  ['events --follow', {}, 'dflow events --follow does not end by itself'],
  ['status --watch=5s', {}, 'dflow status --watch=5s does not end by itself'],
  ['', { name: 'follower' }, 'dflow events --follow does not end by itself'],
  ['', {}, 'which loop?'],
  ['register', { exclusive: '' }, "--exclusive: '' is not a name"],
  ['register', { exclusive: '../a' }, "--exclusive: '../a' is not a name"],
  ['register', { name: '../x' }, "--name: '../x' is not a name"],
  ['register', { every: '-5m' }, "'-5m' is negative"],
  ['register', { jitter: '80%' }, "'80%' is not a share"],
  ['register --config x', {}, '--config belongs before --'],
] as const)('%s %j is refused', (words, flags, text) => {
  expect(() => from(words, flags)).toThrow(UsageError);
  expect(() => from(words, flags)).toThrow(text);
});

test('--every 0 begins the next round at once', () => {
  expect(from('register', { every: '0' }).every).toBe(0);
});

test('a loop runs where nothing can be written beside its lock, and never twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dflow-lock-'));
  try {
    // As on a full disk: the note who holds the lock cannot be written.
    mkdirSync(join(folder, 'loops', 'a.register.json'), { recursive: true });
    const lock = await lockLoop(folder, 'a', 'register');
    await expect(lockLoop(folder, 'a', 'register')).rejects.toThrow(BusyError);
    lock.release();
    (await lockLoop(folder, 'a', 'register')).release();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
