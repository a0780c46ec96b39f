// `dflow init` as a conversation: the built program on a real terminal, of 80x24 and 60x20, every question answered, and
// ^C at each of them. It runs some fifteen processes.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BIN, dflow, folder, must, removeFolders } from '../support/cli.ts';
import { onTerminal, type Seen } from '../support/pty.ts';

afterAll(removeFolders);

const [ENTER, DOWN, BREAK, CLEAR] = ['\r', '\x1b[B', '\x03', '\x15'];

/** A folder with these raw files. */
function place(...names: readonly string[]): string {
  const here = folder();
  for (const name of names) {
    mkdirSync(join(here, 'raw', dirname(name)), { recursive: true });
    writeFileSync(join(here, 'raw', name), name);
  }
  return here;
}

function init(
  cwd: string,
  acts: readonly (readonly [string, string])[],
  size: { readonly columns?: number; readonly rows?: number } = {},
  ...flags: readonly string[]
): Promise<Seen> {
  return onTerminal([process.execPath, BIN, 'init', ...flags], { cwd, acts, ...size });
}

const RUNS = ['run001_00.dat', 'run001_01.dat', 'run002_00.dat', 'notes.txt'];

/** Each question of a plain folder, and what answers it. */
const QUESTIONS = [
  ['In which folder do raw files appear', ENTER],
  ['Is run\\{run:3\\}_\\{subrun:2\\}\\.dat right', ENTER],
  ['Name of the experiment', `${CLEAR}here${ENTER}`],
  ['shall copies be kept', `${CLEAR}./disk${ENTER}`],
  ['set up the store', ENTER],
] as const;

describe.each([
  { columns: 80, rows: 24 },
  { columns: 60, rows: 20 },
])('on a terminal of $columns x $rows', (size) => {
  test('names are shown as they are read, every answer is written, the next commands are said', async () => {
    const here = place(...RUNS);
    const { out, code, same, left } = await init(here, QUESTIONS, size);
    expect([code, same, left]).toEqual([0, true, 0]);
    expect(out).toContain('run001_01.dat: run 1, subrun 1');
    expect(out).toContain('1 file is left out, such as notes.txt');
    expect(out).toMatch(/checks? of the set-up found nothing wrong/);
    expect(out).toContain('dflow chain --until-idle');
    const text = readFileSync(join(here, 'dflow.yaml'), 'utf8');
    expect(text).toContain('experiment: here\n');
    expect(text).toContain('storage: {disk: ./disk}');
    must(here, ['config', 'check']);
  });
});

describe('^C leaves nothing', () => {
  test.each(QUESTIONS.map(([question], at) => [question, at] as const))('at: %s', async (question, at) => {
    const here = place(...RUNS);
    const { out, code, same } = await init(here, [...QUESTIONS.slice(0, at), [question, BREAK]]);
    expect([code, same]).toEqual([130, true]);
    expect(out).toContain('Nothing was written.');
    expect(out.lastIndexOf('\x1b[?25h')).toBeGreaterThan(out.lastIndexOf('\x1b[?25l'));
    expect(readdirSync(here)).toEqual(['raw']);
  });

  test('nor does TERM, which leaves the terminal as it was', async () => {
    const here = place(...RUNS);
    const { out, code, same } = await init(here, [[QUESTIONS[0][0], 'SIGTERM']]);
    expect([code, same]).toEqual([143, true]);
    expect(out.lastIndexOf('\x1b[?25h')).toBeGreaterThan(out.lastIndexOf('\x1b[?25l'));
    expect(readdirSync(here)).toEqual(['raw']);
  });
});

describe('what is in doubt is asked', () => {
  const rest = QUESTIONS.slice(2);
  const pattern = (here: string) => /pattern: '(.*)'/.exec(readFileSync(join(here, 'dflow.yaml'), 'utf8'))?.[1];

  test('two numbers that vary: the second answer', async () => {
    const here = place('a_11_51.dat', 'a_12_51.dat', 'a_11_52.dat', 'a_12_52.dat');
    const asked = [['Which is the run', `${DOWN}${ENTER}`]] as const;
    expect((await init(here, [...asked, ...rest], {}, '--from', 'raw')).code).toBe(0);
    expect(pattern(here)).toBe('a_{subrun}_{run}.dat');
  });

  test('a day as the run; a number that is too long', async () => {
    const day = place('20261103_120000.h5', '20261104_090000.h5');
    await init(day, [['date only', ENTER], ...rest], {}, '--from', 'raw');
    expect(pattern(day)).toBe('{run}_{subrun:6}.h5');
    const long = place('run_202411260001.dat', 'run_202411260002.dat');
    await init(long, [['too long for a run', ENTER], ...rest], {}, '--from', 'raw');
    expect(pattern(long)).toBe('run_20{run:10}.dat');
  });

  test('a pattern that is typed must read the files', async () => {
    const here = place('x1.dat', 'x2.dat', 'y1.dat', 'y2.dat');
    const acts = [
      ['Which are the raw files', `${DOWN}${DOWN}${ENTER}`],
      ['Pattern, such as', `z{run}.dat${ENTER}`],
      ['no file has such a name', `${CLEAR}y{run}.dat${ENTER}`],
    ] as const;
    expect((await init(here, [...acts, ...rest], {}, '--from', 'raw')).code).toBe(0);
    expect(pattern(here)).toBe('y{run}.dat');
  });

  test('the run in the name of a folder: the command that is shown makes names that are read', async () => {
    const here = place('run0001/f_000.bin', 'run0001/f_001.bin', 'run0002/f_000.bin');
    const { out, code } = await init(here, [['get their run', ENTER]], { columns: 200 }, '--from', 'raw');
    expect([code, existsSync(join(here, 'dflow.yaml'))]).toEqual([2, false]);
    const command = /\(cd raw && .*done\)/.exec(out)?.[0] ?? '';
    const { err } = dflow(here, ['init', '--from', 'raw']);
    expect(err).toContain(`Next: ${command}`);
    const moved = await onTerminal(['sh', '-c', command], { cwd: here });
    expect(moved.code).toBe(0);
    must(here, ['init', '--from', 'raw']);
    expect(pattern(here)).toBe('run{run:4}_f_{subrun:3}.bin');
  });

  test('copies within the raw files are refused, and asked for again', async () => {
    const here = place(...RUNS);
    // The width decides where the warning breaks. A key before the second question would be lost.
    const again = ['copies.{1,30}must.{1,30}be.{1,30}elsewhere.*shall copies be kept', ENTER] as const;
    const acts = [...QUESTIONS.slice(0, 3), ['shall copies be kept', `${CLEAR}./raw/copies${ENTER}`], again] as const;
    expect((await init(here, [...acts, QUESTIONS[4]])).code).toBe(0);
    expect(readFileSync(join(here, 'dflow.yaml'), 'utf8')).toContain('storage: {disk: ./store}');
  });
});

test('nobody is asked with --yes, nor where all is said, nor where nobody could answer', async () => {
  const all = ['--from', 'raw', '--pattern', 'run{run}_{subrun}.dat', '--storage', './disk', '--experiment', 'e'];
  for (const flags of [['--yes'], all]) {
    const { out, code } = await init(place(...RUNS), [], {}, ...flags);
    expect([code, out]).toEqual([0, expect.not.stringContaining('?')]);
  }
  const doubtful = place('x1.dat', 'x2.dat', 'y1.dat', 'y2.dat');
  expect(dflow(doubtful, ['init'])).toMatchObject({ code: 2, err: expect.stringContaining("--pattern 'x{run}.dat'") });
  expect(must(doubtful, ['init', '--yes'])).toContain('assumed: x1.dat: run 1');
  expect(dflow(doubtful, ['init', '--experiment', 'a b'])).toMatchObject({ code: 2 });
});
