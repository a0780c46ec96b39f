// The loops of a host in real tmux, by a real cron daemon, and as units that systemd's own checker reads.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BIN, dflow, lines, must } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'dflow-screens-'));
const sockets = mkdtempSync(join(tmpdir(), 'tmux-'));
const SESSION = 'dflow-screens-test';
let cron: ChildProcess | undefined;
/** The crontab of this user, which is put back. */
let own = '';

const CONFIG = `experiment: screens.test
buffer: {path: ./raw, pattern: 'run{run:5}_{subrun}.dat', settle: 1s}
storage: {disk: ./store}
hosts:
  daq1:
    loops:
      register: {every: 1s}
      transfer: {every: 1s}
      processing: {every: 1s}
      purge: {on: false}
  cron1: {loops: {register: {every: 30s}}}
`;

const env = { DFLOW_HOST: 'daq1', TMUX_TMPDIR: sockets };
const screens = (...words: string[]): string => must(folder, ['screens', ...words], [0], { env });
const tmux = (...words: string[]): string =>
  spawnSync('tmux', words, { encoding: 'utf8', env: { ...process.env, TMUX_TMPDIR: sockets } }).stdout;
const pids = (): Map<string, number> =>
  new Map(
    tmux('list-panes', '-s', '-t', SESSION, '-F', '#{window_name} #{pane_pid}')
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name = '', pid]) => [name, Number(pid)]),
  );
const loopOf = (pid: number): number =>
  Number(spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).stdout.trim());
const rounds = (host: string): { ref: string; at: string; outcome: string }[] =>
  lines<{ ref: string; at: string; outcome: string }>(must(folder, ['list', 'loops', '--json'])).filter(({ ref }) =>
    ref.startsWith(`loop:${host}:`),
  );

const start = (...words: string[]): ChildProcess =>
  spawn(process.execPath, [BIN, ...words], { cwd: folder, stdio: 'ignore', env: { ...process.env, ...env } });
const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('exit', (code) => resolve(code)));

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await wait(200);
}

beforeAll(() => {
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'dflow.yaml'), CONFIG);
  must(folder, ['store', 'setup']);
  // A minute passes before cron does anything: it begins first.
  const line = must(folder, ['screens', 'cron'], [0], { env: { DFLOW_HOST: 'cron1' } });
  own = spawnSync('crontab', ['-l'], { encoding: 'utf8' }).stdout;
  execFileSync('crontab', ['-'], { input: `${own}DFLOW_CONFIG=${folder}/dflow.yaml\n${line}` });
  if (spawnSync('pgrep', ['-x', 'cron']).status !== 0) cron = spawn('cron', ['-f'], { stdio: 'ignore' });
});

afterAll(() => {
  for (const pid of pids().values()) spawnSync('sh', ['-c', `kill -s KILL -- -${pid}`]);
  const server = tmux('display-message', '-p', '#{pid}').trim();
  if (server !== '') process.kill(Number(server));
  cron?.kill();
  spawnSync('crontab', ['-'], { input: own });
  for (const place of [folder, sockets]) rmSync(place, { recursive: true, force: true });
});

test('a window for each loop that is switched on; a second start changes nothing', async () => {
  // Two people at once, in a tmux that has a session of its own: one opens the windows, the other opens none.
  tmux('new-session', '-d', '-s', 'of-a-person');
  expect(screens('stop')).toBe('');
  const two = await Promise.all([0, 1].map(() => ended(start('screens', 'start'))));
  expect(two.sort()).toEqual([0, expect.toBeOneOf([0, 75])]);
  tmux('kill-session', '-t', 'of-a-person');
  expect([...pids().keys()]).toEqual(['register', 'transfer', 'processing']);
  const before = pids();
  expect(lines(screens('start', '--json')).map(({ did }) => did)).not.toContain('started');
  expect(pids()).toEqual(before);
  await until(() => rounds('daq1').length >= 3);
  const rows = lines(screens('status', '--json'));
  expect(rows.map(({ ref, window }) => `${ref} ${window}`)).toEqual([
    'register runs',
    'transfer runs',
    'processing runs',
    'purge off',
  ]);
});

test('another experiment of the same name does not take the session for its own', () => {
  const other = mkdtempSync(join(tmpdir(), 'dflow-screens-'));
  writeFileSync(join(other, 'dflow.yaml'), CONFIG);
  for (const words of [['start'], ['stop'], ['status']]) {
    const ran = dflow(other, ['screens', ...words], { env });
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining(`where: ${folder}`)]);
  }
  rmSync(other, { recursive: true });
});

test('a loop that is killed is started again in its window', async () => {
  const watcher = pids().get('transfer')!;
  const loop = loopOf(watcher);
  process.kill(loop, 'SIGKILL');
  await until(() => ![0, loop].includes(loopOf(watcher)));
  expect(pids().get('transfer')).toBe(watcher);
  const since = new Date().toISOString();
  await until(() => rounds('daq1').some(({ ref, at }) => ref.endsWith(':transfer') && at > since));
});

test('a window that somebody closed is opened again by start, the others go on', async () => {
  const before = pids();
  tmux('kill-window', '-t', `=${SESSION}:=register`);
  await until(() => !pids().has('register'));
  const said = lines(screens('start', '--json')).filter(({ did }) => did === 'started');
  expect(said.map(({ ref }) => ref)).toEqual(['register']);
  expect(pids().get('transfer')).toBe(before.get('transfer'));
});

test('variables come by a file that only this user reads, and are in no command line', () => {
  const path = join(folder, '.dflow/screens/daq1.env');
  expect(readFileSync(path, 'utf8')).toContain("export DFLOW_HOST='daq1'\n");
  expect(execFileSync('stat', ['-c', '%a', path], { encoding: 'utf8' }).trim()).toBe('600');
  const args = tmux('list-panes', '-s', '-t', SESSION, '-F', '#{pane_start_command}');
  expect(args).not.toContain('DFLOW_HOST');
});

test('one loop is stopped, then all; each is told, and the store knows it', async () => {
  expect(lines(screens('stop', 'transfer', '--json')).map(({ ref, did }) => [ref, did])).toEqual([
    ['transfer', 'stopped'],
  ]);
  expect([...pids().keys()].sort()).toEqual(['processing', 'register']);
  screens('stop');
  expect(tmux('list-sessions')).toBe('');
  expect(lines(screens('status', '--json')).map(({ window }) => window)).toEqual(['none', 'none', 'none', 'off']);
  expect(must(folder, ['status', '--check'], [0, 1], { env })).not.toContain('silent');
});

test('what is wrong is said: no plan for this host, a misspelt loop, no tmux', () => {
  const elsewhere = dflow(folder, ['screens', 'start'], { env: { ...env, DFLOW_HOST: 'laptop' } });
  expect([elsewhere.code, elsewhere.err]).toEqual([2, expect.stringContaining('names only daq1, cron1')]);
  const misspelt = dflow(folder, ['screens', 'start', 'regster'], { env });
  expect([misspelt.code, misspelt.err]).toEqual([2, expect.stringContaining('did you mean register')]);
  const without = dflow(folder, ['screens', 'start'], { env: { ...env, PATH: '/nowhere' } });
  expect(without.code).not.toBe(70);
});

test('units are read by systemd without a complaint', () => {
  const units = join(folder, 'units');
  for (const more of [[], ['--user']]) {
    screens('systemd', ...more, '--out', units);
    const checked = spawnSync('systemd-analyze', ['verify', '--man=no', `${units}/dflow-screens.test.target`], {
      encoding: 'utf8',
    });
    const about = `${checked.stdout}${checked.stderr}`.split('\n').filter((line) => line.includes('dflow-'));
    expect([checked.status, about]).toEqual([0, []]);
  }
  const service = readFileSync(`${units}/dflow-screens.test-register.service`, 'utf8');
  appendFileSync(`${units}/dflow-screens.test-register.service`, '\n[Service]\nNoSuchKey=1\n');
  const broken = spawnSync('systemd-analyze', ['verify', '--man=no', `${units}/dflow-screens.test.target`], {
    encoding: 'utf8',
  });
  expect(`${broken.stdout}${broken.stderr}`).toContain('NoSuchKey');
  expect(service).toContain(BIN);
});

test('cron runs rounds, and two of them never at once', async () => {
  await until(() => rounds('cron1').length > 0);
  expect(rounds('cron1')[0]?.outcome).toBe('ok');
  expect(existsSync(join(folder, '.dflow/loops'))).toBe(true);
});
