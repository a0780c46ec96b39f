// Running programs: how they end is told in words, arguments are never read by a shell, a limit ends the whole group.
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exec, shell } from '../../../src/lib/util/processes/exec.ts';

test('output, input, folder and environment', async () => {
  const ended = await shell('cat; pwd; echo "$GREETING"; echo oops >&2', [], {
    input: 'in\n',
    cwd: '/',
    env: { GREETING: 'hello' },
  });
  expect(ended).toEqual({ stdout: 'in\n/\nhello\n', stderr: 'oops\n', exit: 0, timedOut: false });
});

test('arguments arrive as they are', async () => {
  const odd = ['a b', '$(touch /tmp/never)', "it's", '-n', 'new\nline', '"'];
  expect((await shell('printf "%s|" "$@"', odd)).stdout).toBe(odd.map((one) => `${one}|`).join(''));
  expect((await exec('printf', ['%s', '$HOME'])).stdout).toBe('$HOME');
});

test.each([
  ['exit 3', 'exit 3'],
  ['kill -9 $$', 'killed by SIGKILL'],
  ['/no/such/program', 'exit 127'],
])('%s: %s', async (command, failure) => {
  expect((await shell(command, [])).failure).toBe(failure);
});

test('a program that is not there, and one that prints too much', async () => {
  expect((await exec('/no/such/program', [])).failure).toBe('not found');
  expect((await shell('yes', [], { maxBuffer: 1000 })).failure).toBe('it printed too much');
});

test('a limit ends the program and what it has started', async () => {
  const file = join(tmpdir(), `dflow-exec-${process.pid}`);
  const ended = await shell('sleep 600 & echo $! > "$1"; wait; true', [file], { timeout: 2000 });
  expect(ended).toMatchObject({ timedOut: true, failure: 'longer than 2 s' });
  const pid = Number(readFileSync(file, 'utf8'));
  rmSync(file);
  const state = (): string => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] ?? '';
    } catch {
      return 'gone';
    }
  };
  // Whoever adopted it may not have reaped it yet.
  expect(['gone', 'Z']).toContain(state());
});
