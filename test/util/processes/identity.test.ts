// Who a process is, and whether it has ended: only who shares its machine and name space may say so.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { presenceIn } from '../../../src/lib/cli/presence.ts';
import { hasEnded, thisProcess } from '../../../src/lib/util/processes/identity.ts';
import { tryLock } from '../../../src/lib/util/processes/lock.ts';

const me = thisProcess()!;
const [boot = '', pids = '', times = '', pid = '', start = ''] = me.split('.');
const folder = mkdtempSync(join(tmpdir(), 'dflow-presence-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The word of a child, which is then killed. */
async function killed(): Promise<string> {
  const child = spawn('sleep', ['100']);
  await once(child, 'spawn');
  const { readFileSync } = await import('node:fs');
  const text = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
  const began = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  const word = [boot, pids, times, child.pid, began].join('.');
  expect(hasEnded(word)).toBe(false);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  return word;
}

describe('a process', () => {
  test('lives while it lives, and has ended when it was killed', async () => {
    expect(hasEnded(me)).toBe(false);
    expect(hasEnded(await killed())).toBe(true);
  });

  test('another one of its number is not it', () => {
    expect(hasEnded([boot, pids, times, pid, Number(start) + 1].join('.'))).toBe(true);
  });

  test.each([
    ['another boot, or another machine', [boot.replace(/^./, (c) => (c === '0' ? '1' : '0')), pids, times, pid, '1']],
    ['a container of this machine', [boot, '1', times, pid, '1']],
    ['a word that is none', ['..', 'x']],
  ])('of %s nothing is known', (_what, words) => {
    expect(hasEnded(words.join('.'))).toBeUndefined();
  });
});

describe('presence', () => {
  const presence = presenceIn(join(folder, 'present'), 'here');
  const holder = me;

  test('a claim of this process lives until it lets go', async () => {
    const leave = await presence.enter('a');
    expect(await presence.ended({ nonce: 'a', host: 'here', holder })).toBe(false);
    expect(await presence.ended({ nonce: 'a', host: 'here' })).toBe(false);
    await leave();
    expect(await presence.ended({ nonce: 'a', host: 'here', holder })).toBe(true);
  });

  test('a killed process is known by its word alone, though no mark of it is there', async () => {
    expect(await presence.ended({ nonce: 'gone', host: 'here', holder: await killed() })).toBe(true);
  });

  test('without a word the mark tells, on its own host only', async () => {
    const place = join(folder, 'marks');
    mkdirSync(place);
    tryLock(join(place, 'b'))!.release();
    const marks = presenceIn(place, 'here');
    const other = [boot.replace(/^./, (c) => (c === '0' ? '1' : '0')), pids, times, '7', '1'].join('.');
    expect(await marks.ended({ nonce: 'never', host: 'here' })).toBe(false);
    expect(await marks.ended({ nonce: 'b', host: 'elsewhere', holder: other })).toBe(false);
    expect(await marks.ended({ nonce: 'b', host: 'here', holder: other })).toBe(true);
  });
});
