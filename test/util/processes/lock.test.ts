// The lock between processes: exclusive, and released by the kernel however its holder ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tryLock, tryPassingLock } from '../../../src/lib/util/processes/lock.ts';
import { until } from '../../contracts/backend.ts';
import { buildModule } from '../../support/supervisor.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one holder at a time, and again after its release', () => {
  const path = join(folder, 'lock');
  const first = tryLock(path);
  expect(first).toBeDefined();
  expect(tryLock(path)).toBeUndefined();
  // No byte is written for it: who makes room on a full disk takes locks, too.
  expect([existsSync(`${path}-journal`), statSync(path).size]).toEqual([false, 0]);
  first!.release();
  first!.release();
  const second = tryLock(path);
  expect(second).toBeDefined();
  second!.release();
});

test('a folder that is not there is an error, not a held lock', () => {
  expect(() => tryLock(join(folder, 'nothing', 'lock'))).toThrow();
});

test('of two processes that try at the same moment one gets it, always', async () => {
  const built = await buildModule('src/lib/util/processes/lock.ts');
  const code = `
    const { tryLock } = await import(${JSON.stringify(built.path)});
    const now = () => performance.timeOrigin + performance.now();
    process.on('message', (at) => {
      while (now() < at);
      const lock = tryLock(${JSON.stringify(join(folder, 'lock'))});
      process.send(lock !== undefined);
      lock?.release();
    });
    process.send('ready');`;
  const two = [1, 2].map(() =>
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const answers = () => Promise.all(two.map((child) => once(child, 'message').then(([said]) => said)));
  try {
    await answers();
    for (let round = 0; round < 500; round++) {
      const said = answers();
      const at = performance.timeOrigin + performance.now() + 1;
      for (const child of two) child.send(at);
      expect([round, (await said).filter(Boolean).length]).not.toEqual([round, 0]);
    }
  } finally {
    for (const child of two) child.kill('SIGKILL');
    built.remove();
  }
});

test('kill -9 of the holder releases it, though its children live on', async () => {
  const built = await buildModule('src/lib/util/processes/lock.ts');
  const path = join(folder, 'lock');
  const code = `
    const { tryLock } = await import(${JSON.stringify(built.path)});
    const { spawn } = await import('node:child_process');
    const lock = tryLock(${JSON.stringify(path)});
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    console.log(lock ? child.pid : 'no');
    setInterval(() => lock.held, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  holder.stdout.on('data', (data) => {
    said += data;
  });
  const sleeper = Number(await until('the holder', async () => /^\d+\n/.exec(said)?.[0]));
  try {
    expect(tryLock(path)).toBeUndefined();
    holder.kill('SIGKILL');
    const lock = await until('the lock', async () => tryLock(path));
    expect(process.kill(sleeper, 0)).toBe(true);
    lock.release();
  } finally {
    process.kill(sleeper, 'SIGKILL');
    holder.kill('SIGKILL');
    built.remove();
  }
});

test('a lock in a folder of others follows no link', () => {
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'lock'));
  expect(() => tryPassingLock(join(folder, 'lock'))).toThrow(/ELOOP/);
  expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
});
