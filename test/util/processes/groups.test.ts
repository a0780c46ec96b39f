// A group is ended by its number only as long as the number is its own; commands are in no process list.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { shell } from '../../../src/lib/util/processes/exec.ts';
import { signalGroup } from '../../../src/lib/util/processes/processes.ts';
import { isRunning, until } from '../../contracts/backend.ts';

test('a number that somebody else has by now is left alone', async () => {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  signalGroup({ pid, exitCode: 0, signalCode: null }, 'SIGKILL');
  expect(isRunning(pid)).toBe(true);
  signalGroup(child, 'SIGKILL');
  await until('its end', async () => !isRunning(pid) || undefined);
  signalGroup(child, 'SIGKILL');
});

test('a group whose leader has ended is ended all the same', async () => {
  const child = spawn('sh', ['-c', 'sleep 600 & echo $!'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const pid = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
  await until('the end of the leader', async () => child.exitCode ?? undefined);
  signalGroup(child, 'SIGKILL');
  await until('its end', async () => !isRunning(pid) || undefined);
});

test('a command of the configuration gets its arguments, and is in no process list', async () => {
  const list = execFileSync.bind(undefined, 'ps', ['-eo', 'args'], { encoding: 'utf8' });
  const go = join(mkdtempSync(join(tmpdir(), 'dflow-groups-')), 'go');
  const text = `printf "%s|" "$@"; env | grep -c DFLOW_COMMAND; until [ -e '${go}' ]; do sleep 0.1; done; exit 3 # h1dden`;
  const running = shell(text, ['a b', '']);
  await until('its start', async () => list().includes('dflow_command=') || undefined);
  expect(list()).not.toContain('h1dden');
  writeFileSync(go, '');
  expect(await running).toMatchObject({ stdout: 'a b||0\n', exit: 3 });
  rmSync(dirname(go), { recursive: true });
});
