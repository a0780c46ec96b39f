// The live screen of `status --watch` in a real terminal (tmux): every view, what is behind a row, changes
// that are asked for, another size, and the terminal as it was after every end.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BIN, lines, must } from '../support/cli.ts';

// Every step waits for what a person would wait for: only what hangs is ended.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let base = '';
let folder = '';
const tmux = (...words: string[]): string =>
  execFileSync('tmux', ['-S', join(base, 'tmux'), ...words], { encoding: 'utf8' });

const CONFIG = `experiment: live.test
buffer: {path: ./raw, pattern: 'run{run:3}.txt', settle: 0s}
storage: {disk: ./store}
farms: {here: {backend: local, slots: 2}}
runs: {quiet: 0s}
`;
/** The job of run 3 fails. */
const MODULES = `modules:
  Count:
    run: 'echo counting; cat "$@"; grep -q 003 "$@" && exit 3; wc -c "$@" > "$OUT_counts"'
    outputs: {counts: counts.txt}
    tries: 1
runTypes: {any: Count}
`;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'dflow-live-'));
  folder = join(base, 'experiment');
  for (const name of ['raw', 'modules', 'store']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'dflow.yaml'), CONFIG);
  writeFileSync(join(folder, 'modules/1.0.yaml'), MODULES);
  for (const run of ['001', '002', '003']) writeFileSync(join(folder, `raw/run${run}.txt`), `events of run ${run}\n`);
  must(folder, ['store', 'setup']);
  must(folder, ['chain', '--until-idle', '--quiet'], [0, 1]);
  // A server whose last window closes ends, and the next command may meet it while it does.
  tmux('new-session', '-d', '-s', 'keep', 'sleep 100000');
});
afterAll(() => {
  spawnSync('tmux', ['-S', join(base, 'tmux'), 'kill-server']);
  rmSync(base, { recursive: true, force: true });
});

const screen = (window: string): string => tmux('capture-pane', '-p', '-t', window);

type Wanted = string | RegExp | ((text: string) => boolean);

function isThere(text: string, wanted: Wanted): boolean {
  if (typeof wanted === 'string') return text.includes(wanted);
  return typeof wanted === 'function' ? wanted(text) : wanted.test(text);
}

/** What the window shows, once all of this is true at once: a picture may be taken in the middle of a change. */
async function shown(window: string, ...wanted: Wanted[]): Promise<string> {
  for (;;) {
    const text = screen(window);
    if (wanted.every((one) => isThere(text, one))) return text;
    await wait(50);
  }
}

const keys = (window: string, ...names: string[]): string => tmux('send-keys', '-t', window, ...names);
const words = (window: string, text: string): string => tmux('send-keys', '-t', window, '-l', '--', text);

/** A shell in a window of this size, and the screen in it. Each says how it ended, and how the terminal was before and after. */
async function opened(window: string, columns: number, rows: number, env = ''): Promise<void> {
  // Where another try follows one that failed, its window is still there.
  spawnSync('tmux', ['-S', join(base, 'tmux'), 'kill-session', '-t', window]);
  tmux('new-session', '-d', '-s', window, '-x', String(columns), '-y', String(rows), '-c', folder, 'bash --norc');
  const at = join(base, window);
  // Whoever runs the tests may ask for no colour, or be a program that knows none.
  const command = `env -u CI -u NO_COLOR -u FORCE_COLOR ${env} '${process.execPath}' '${BIN}' status --watch 1s`;
  keys(
    window,
    `clear; export LC_ALL=C.UTF-8; stty -a > ${at}.before; ${command}; echo "$?" > ${at}.code; stty -a > ${at}.after; echo READY`,
    'Enter',
  );
  await shown(window, '[status]', 'q quit');
}

/** What `stty -a` said, but for the size of the window. */
const modes = (file: string): string => readFileSync(join(base, file), 'utf8').replace(/rows \d+; columns \d+/, '');

/** How the screen ended, after the shell is there again with its own terminal. */
async function ended(window: string): Promise<number> {
  // The other screen is left.
  await shown(window, /^READY$/m, (text) => !text.includes('q quit'));
  expect(modes(`${window}.after`)).toBe(modes(`${window}.before`));
  // The cursor is seen.
  expect(tmux('display', '-p', '-t', window, '#{cursor_flag} #{alternate_on}').trim()).toBe('1 0');
  const code = Number(readFileSync(join(base, `${window}.code`), 'utf8'));
  tmux('kill-session', '-t', window);
  return code;
}

const states = (ref: string): string[] =>
  lines<{ state: string }>(must(folder, ['list', 'jobs', ref, '--json'])).map(({ state }) => state);

describe.each([
  [80, 24, ''],
  [60, 20, ''],
  [60, 20, 'NO_COLOR=1'],
])('%i columns, %i rows %s', (columns, rows, env) => {
  const window = `view-${columns}${env === '' ? '' : '-plain'}`;

  test('every view', async () => {
    await opened(window, columns, rows, env);
    for (const [key, name, text] of [
      ['1', 'status', /needs? you/],
      ['2', 'flow', /DETECTOR/],
      ['3', 'runs', /▸ 3 .*complete/],
      ['4', 'jobs', /3\/Count\/1 .*failed/],
      ['5', 'copies', /▸ disk .*3/],
      ['6', 'farms', /▸ here .*local/],
      ['7', 'holds', /nothing is held|none|hold:/],
    ] as const) {
      keys(window, key);
      // The last row is free: a full screen would scroll. The name of the view stands there once.
      const free = (picture: string): boolean => (picture.split('\n')[rows - 1] ?? '') === '';
      const once = (picture: string): boolean => picture.split(`[${name}]`).length === 2;
      await shown(window, text, 'q quit', free, once);
    }
    const coloured = tmux('capture-pane', '-e', '-p', '-t', window);
    expect(coloured.includes('\x1b[36m')).toBe(env === '');
    keys(window, 'q');
    expect(await ended(window)).toBe(0);
  });
});

test('filter, show, why, log, another size', async () => {
  await opened('row', 80, 24);
  keys('row', '4');
  await shown('row', '[jobs]', '1 failed');
  keys('row', '/');
  await shown('row', 'filter:');
  words('row', '--farm x');
  keys('row', 'Enter');
  await shown('row', "no flag '--farm'");
  keys('row', 'C-u');
  words('row', '-s completed -m Co*');
  keys('row', 'Enter');
  expect(await shown('row', '/ -s completed -m Co*', '1/Count/1', '2/Count/1')).not.toContain('3/Count/1');
  keys('row', 'Escape');
  await shown('row', /▸ 3\/Count\/1 /);
  keys('row', 'Enter');
  await shown('row', 'SUBJOBS', 'FAILED', 'Esc back');
  keys('row', 'w');
  await shown('row', 'exit-3', 'Next: dflow');
  keys('row', 'l');
  await shown('row', /3\/Count\/1\.000 +try 1/, 'events of run 003');
  tmux('resize-window', '-t', 'row', '-x', '60', '-y', '20');
  await shown('row', /3\/Count\/1\.000 +try 1/, 'q quit', (text) => text.split('[jobs]').length === 2);
  keys('row', 'Escape', 'Escape', 'Escape', '?');
  await shown('row', 'any key goes back');
  keys('row', 'x', ':');
  await shown('row', 'dflow retry 3/Count/1', 'dflow list jobs');
  keys('row', 'x', 'q');
  expect(await ended('row')).toBe(0);
});

test('retry and pause: a preview, a question, and only a yes does it', async () => {
  const ref = '3/Count/1';
  await opened('act', 80, 24);
  keys('act', '4');
  await shown('act', `▸ ${ref}`);
  keys('act', 'r');
  await shown('act', 'would be retried', '[y/n]');
  keys('act', 'n');
  await shown('act', 'nothing was done');
  expect(states(ref)).toEqual(['failed']);
  keys('act', 'p');
  await shown('act', 'reason of the pause:');
  words('act', 'bad optics');
  keys('act', 'Enter');
  await shown('act', 'for how long');
  words('act', '2d');
  keys('act', 'Enter');
  await shown('act', 'would be paused', '[y/n]');
  keys('act', 'y');
  await shown('act', 'paused hold:');
  keys('act', '7');
  await shown('act', '[holds]', /why: bad optics|bad optics/, /run 3 module Count/);
  keys('act', 'r');
  await shown('act', 'would be resumed', '[y/n]');
  keys('act', 'y');
  await shown('act', 'nothing is held back');
  keys('act', '4');
  await shown('act', `▸ ${ref}`);
  keys('act', 'r');
  await shown('act', 'would be retried', '[y/n]');
  keys('act', 'y');
  await shown('act', /▸ 3\/Count\/1 .*waiting/);
  expect(states(ref)).toEqual(['waiting']);
  // The history says who, as after the command.
  expect(must(folder, ['history', ref, '--json'])).toMatch(/@[^"]* \(retry\)/);
  keys('act', 'q');
  expect(await ended('act')).toBe(0);
});

test('a store that is away is said; the screen goes on when it is back', async () => {
  await opened('away', 80, 24);
  renameSync(join(folder, 'dflow.db'), join(folder, 'away.db'));
  await shown('away', 'store away since', '[status]');
  renameSync(join(folder, 'away.db'), join(folder, 'dflow.db'));
  await shown('away', /things? needs? you/);
  keys('away', 'q');
  expect(await ended('away')).toBe(0);
});

test.each([
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGQUIT', 131],
] as const)('%s restores the terminal', async (signal, code) => {
  await opened(signal, 80, 24);
  const shell = tmux('list-panes', '-t', signal, '-F', '#{pane_pid}').trim();
  const [pid] = execFileSync('ps', ['-o', 'pid=', '--ppid', shell], { encoding: 'utf8' }).trim().split(/\s+/);
  process.kill(Number(pid), signal);
  expect(await ended(signal)).toBe(code);
});

test('^C restores the terminal, also in the middle of a question', async () => {
  await opened('ctrl', 80, 24);
  keys('ctrl', '4', '/');
  await shown('ctrl', 'filter:');
  keys('ctrl', 'C-c');
  expect(await ended('ctrl')).toBe(130);
});

test('^Z stops it in a shell of its own screen, fg brings it back', async () => {
  await opened('stop', 80, 24);
  keys('stop', 'C-z');
  await shown('stop', 'Stopped');
  expect(tmux('display', '-p', '-t', 'stop', '#{cursor_flag} #{alternate_on}').trim()).toBe('1 0');
  keys('stop', 'fg', 'Enter');
  await shown('stop', '[status]', 'q quit', /needs? you/);
  keys('stop', '4');
  await shown('stop', '[jobs]');
  keys('stop', 'q');
  await shown('stop', 'fg');
  expect(tmux('display', '-p', '-t', 'stop', '#{cursor_flag} #{alternate_on}').trim()).toBe('1 0');
});
