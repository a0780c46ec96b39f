// Progress of the built program on a real terminal: a line for each command, away for each line of the result, gone at
// every end; and nothing of it anywhere else. It runs some twenty processes.
// biome-ignore-all lint/suspicious/noControlCharactersInRegex: it looks for what moves the cursor
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, dflow, folder, must, removeFolders } from '../support/cli.ts';
import { type OnTerminal, onTerminal, type Seen } from '../support/pty.ts';

const FILES = 3;
let work: string;
beforeAll(() => {
  work = folder();
  for (const name of ['raw', 'disk', 'modules']) mkdirSync(join(work, name));
  config('');
  writeFileSync(join(work, 'modules/1.0.yaml'), 'modules:\n  Count: {run: "wc -c", outputs: {counts: txt}}\n');
  for (let run = 1; run <= FILES; run++) writeFileSync(join(work, `raw/run00${run}.dat`), Buffer.alloc(300_000, run));
  must(work, ['store', 'setup']);
});
afterAll(removeFolders);

function config(more: string): void {
  writeFileSync(
    join(work, 'dflow.yaml'),
    `experiment: here
buffer: {path: ./raw, pattern: 'run{run:3}.dat', settle: 0s}
storage: {disk: ./disk}
runs: {quiet: 0s}
copies: {raw: 1}
${more}`,
  );
}

/** `dflow ...words` on a terminal. */
function seen(words: readonly string[], options: Partial<OnTerminal> = {}): Promise<Seen> {
  return onTerminal([process.execPath, BIN, ...words], { cwd: work, ...options });
}

/** The screen as lines, drawn as a terminal does: cursor home, cursor up, to the end of line or screen. */
function screen(out: string): string[] {
  const lines: string[] = [''];
  let [row, column] = [0, 0];
  for (const [, moves, char] of out.matchAll(/\x1b\[([?\d;]*[A-Za-z])|([\s\S])/gu)) {
    if (moves?.endsWith('A')) row = Math.max(0, row - Number.parseInt(moves, 10));
    else if (moves === 'K') lines[row] = (lines[row] ?? '').slice(0, column);
    else if (moves === 'J') lines.splice(row, lines.length, (lines[row] ?? '').slice(0, column));
    else if (char === '\r') column = 0;
    else if (char === '\n') {
      row++;
      lines[row] ??= '';
    } else if (char !== undefined) {
      const line = (lines[row] ?? '').padEnd(column);
      lines[row] = line.slice(0, column) + char + line.slice(column + 1);
      column++;
    }
  }
  return lines.map((line) => line.trimEnd()).filter((line) => line !== '');
}

const left = ({ out }: Seen): string => screen(out).join('\n');

describe('each command, in the order of the data', () => {
  test('register and transfer: the line is there, and no trace of it among the results', async () => {
    const register = await seen(['register'], { columns: 60 });
    expect(register.out).toMatch(/register: 0 of 3 files, 0 B of 900 kB/);
    expect(left(register)).toMatch(/registered +1 +run001\.dat 300000 bytes/);
    expect(left(register)).not.toMatch(/of 3 files/);
    const transfer = await seen(['transfer']);
    expect(transfer.out).toMatch(/transfer: 0 of 3 copies, 0 B of 900 kB/);
    expect(screen(transfer.out)).toHaveLength(FILES);
    for (const one of [register, transfer]) {
      expect([one.code, one.same]).toEqual([0, true]);
      // The cursor is never hidden, so that nothing has to bring it back.
      expect(one.out).not.toContain('\x1b[?25l');
    }
  });

  test('verify, with the result in a file: what was done stays on the terminal', async () => {
    const file = join(work, 'out.txt');
    const verify = await seen(['verify', '--read'], { stdout: file });
    expect(verify.out).toMatch(/verify: 0 of 3 copies, 0 B of 900 kB/);
    expect(left(verify)).toMatch(/^verify: 3 copies, 900 kB in \d+s$/);
    expect(readFileSync(file, 'utf8')).toBe('checked\tdisk\t3 copies read, 0 bad\n');
  });

  test('chain: a line for each step, which stays where the result goes elsewhere', async () => {
    const chain = await seen(['chain'], { stdout: join(work, 'chain.txt') });
    expect(screen(chain.out).filter((line) => /^✔ (register|transfer|enqueue|submit|monitor)/.test(line))).toHaveLength(
      5,
    );
    expect(chain.out).not.toMatch(/\x1b\[3\dm/);
    const same = await seen(['chain'], { rows: 4 });
    expect(left(same)).not.toMatch(/✔|register/);
    expect(same.code).toBe(0);
  });

  test('purge, reprocess, tables load and store import', async () => {
    const reprocess = await seen(['reprocess', '--request', 'r', '-m', 'Count', '-r', '1-3', '-V', '1.0']);
    expect(reprocess.out).toMatch(/reprocess: 0 of 3 passes/);
    expect(left(reprocess)).toMatch(/Count/);
    const table = (run: number) => `{"name": "T", "index": "", "run_range": [${run}, ${run}], "x": 1}\n`;
    writeFileSync(join(work, 't.ratdb'), Array.from({ length: 9 }, (_, i) => table(i + 1)).join(''));
    expect((await seen(['tables', 'load', 't.ratdb'])).out).toMatch(/tables load: 0 of 9 tables/);
    const copy = must(work, ['store', 'export']);
    writeFileSync(join(work, 'copy.jsonl'), copy);
    const size = `${(Buffer.byteLength(copy) / 1000).toFixed(1)} kB`;
    expect((await seen(['store', 'import', 'copy.jsonl'])).out).toContain(`store import: 0 B of ${size}`);
    const purge = await seen(['purge', '--yes']);
    expect(purge.out).toMatch(/purge: 0 of 3 files, 0 B of 900 kB/);
    expect(left(purge)).not.toMatch(/of 3 files/);
  });
});

describe('in the middle', () => {
  beforeAll(() => {
    config('transfer: {bandwidth: 1 MB/s}\n');
    writeFileSync(join(work, 'raw/run050.dat'), Buffer.alloc(60_000_000, 5));
    must(work, ['register']);
  });

  test.each([
    ['\x03', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('%j takes the line away and leaves the terminal as it was', async (act, code) => {
    // A redirected stdout is no other case: ^C is the most typed.
    for (const stdout of act === '\x03' ? [undefined, join(work, 'stopped.txt')] : [undefined]) {
      const ran = await seen(['transfer'], { acts: [['transfer: 0 of 1 copy', act]], ...(stdout ? { stdout } : {}) });
      expect([ran.code, ran.same, ran.left]).toEqual([code, true, 0]);
      expect(left(ran).replace('^C', '')).not.toMatch(/transfer/);
    }
  });
});

test('nothing where nobody looks on', async () => {
  config('');
  const piped = dflow(work, ['transfer']);
  expect([piped.code, piped.err]).toEqual([0, '']);
  expect(piped.out).not.toContain('\x1b');
  for (const [words, env] of [
    [['verify', '--quiet'], {}],
    [['verify'], { TERM: 'dumb' }],
  ] as const) {
    const ran = await seen(words, { env });
    expect(ran.out).not.toMatch(/copies,.* of|\x1b\[K/);
  }
});
