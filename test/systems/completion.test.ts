// Completion as a person meets it: a real bash, zsh and fish in a window of tmux, a word begun, TAB pressed.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, must } from '../support/cli.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
let folder = '';
let socket = '';

const tmux = (...words: string[]): string => execFileSync('tmux', ['-S', socket, ...words], { encoding: 'utf8' });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-tab-'));
  socket = join(folder, 'tmux');
  for (const name of ['raw', 'modules', 'store', 'bin', 'home']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:6}.dat', settle: 0s}
runs: {quiet: 0s}
storage: {sudbury: ./store}
`,
  );
  writeFileSync(
    join(folder, 'modules/1.0.yaml'),
    'modules: {Processing: {run: "true", outputs: {out: txt}}}\nrunTypes: {any: Processing}\n',
  );
  writeFileSync(join(folder, 'raw/run109134.dat'), 'one');
  const old = new Date(Date.now() - 3_600_000);
  utimesSync(join(folder, 'raw/run109134.dat'), old, old);
  writeFileSync(join(folder, 'bin/dflow'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
  chmodSync(join(folder, 'bin/dflow'), 0o755);
  must(folder, ['store', 'setup']);
  must(folder, ['register', '--quiet']);
  must(folder, ['pause', '--module', 'Processing', '--why', 'a test']);
});
afterAll(() => {
  tmux('kill-server');
  rmSync(folder, { recursive: true, force: true });
});

/** What the window shows, once `ready` says that it is there. */
async function shown(window: string, ready: (screen: string) => boolean): Promise<string> {
  for (;;) {
    const screen = tmux('capture-pane', '-p', '-t', window);
    if (ready(screen)) return screen;
    await wait(50);
  }
}

/** How a person starts each: without files of this machine. */
const START = { bash: 'bash --norc --noprofile', zsh: 'zsh -f', fish: 'fish --no-config' } as const;
/** What a person writes into the file that the shell reads first. */
const SET_UP = {
  bash: "PS1='READY> '; source <(dflow completion bash)",
  zsh: "PS1='READY> '; autoload -U compinit; compinit -u -D; source <(dflow completion zsh)",
  fish: "dflow completion fish | source; function fish_prompt; echo 'READY> '; end",
} as const;

async function opened(shell: (typeof SHELLS)[number]): Promise<void> {
  const home = join(folder, 'home');
  const words = [
    'env',
    ...['DFLOW_CONFIG', 'FORCE_COLOR', 'ZDOTDIR'].flatMap((name) => ['-u', name]),
    ...[`PATH=${join(folder, 'bin')}:${process.env.PATH}`, `HOME=${home}`, `XDG_CACHE_HOME=${join(home, 'cache')}`],
    ...START[shell].split(' '),
  ];
  tmux('new-session', '-d', '-s', shell, '-x', '120', '-y', '40', '-c', folder, ...words);
  await shown(shell, (screen) => /[$%>#]\s*$/.test(screen.trimEnd()));
  tmux('send-keys', '-t', shell, SET_UP[shell], 'Enter');
  await shown(shell, (screen) => /^READY> *$/m.test(screen));
}

describe.each(SHELLS)('%s', (shell) => {
  beforeAll(() => opened(shell));

  test.each([
    ['dflow farm dr', 'dflow farm drain'],
    ['dflow list jobs --mod', 'dflow list jobs --module'],
    ['dflow list jobs --module Pro', 'dflow list jobs --module Processing'],
    ['dflow storage disable sud', 'dflow storage disable sudbury'],
    ['dflow show 109', 'dflow show 109134'],
    ['dflow why 109134/', 'dflow why 109134/Processing'],
    ['dflow resume hold:', 'dflow resume hold:pause-'],
  ])('%s[TAB]', async (typed, whole) => {
    // The line before is taken away; the mark shows that this has happened.
    tmux('send-keys', '-t', shell, 'C-u');
    tmux('send-keys', '-t', shell, '-l', typed);
    await shown(shell, (screen) => screen.includes(typed));
    tmux('send-keys', '-t', shell, 'Tab');
    const line = (screen: string) =>
      screen
        .trimEnd()
        .split('\n')
        .find((one) => one.includes(`READY> ${typed}`)) ?? '';
    const screen = await shown(shell, (one) => line(one).includes(whole));
    expect(line(screen)).toContain(`READY> ${whole}`);
    tmux('send-keys', '-t', shell, 'C-c');
    await shown(shell, (one) => /READY> *$/.test(one.trimEnd()));
  });
});
