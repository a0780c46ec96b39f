// Files and words that are made to hang or to exhaust: refused with a place, or read in a time that is linear; a signal
// ends the process meanwhile.
import { execFileSync } from 'node:child_process';
import { mkdirSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { dflow, folder, must, removeFolders, start } from '../support/cli.ts';

let here: string;
beforeEach(() => {
  here = folder();
  for (const name of ['raw', 'se', 'modules']) mkdirSync(join(here, name));
  writeFileSync(join(here, 'dflow.yaml'), "buffer: {path: ./raw, pattern: 'run{run}.dat'}\nstorage: {se: ./se}\n");
  must(here, ['store', 'setup']);
});
afterAll(removeFolders);

const write = (name: string, text: string): void => writeFileSync(join(here, name), text);
/** Nine lists, each nine times in the next: a billion when written out. */
const bomb = [
  'a0: &a0 [x]',
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `a${n}: &a${n} [${`*a${n - 1},`.repeat(9)}]`),
].join('\n');

describe('configuration and module files', () => {
  test.each([
    ['a FIFO', () => execFileSync('mkfifo', [join(here, 'modules/x.yaml')]), /not a regular file/],
    ['a folder', () => mkdirSync(join(here, 'modules/x.yaml')), /not a regular file/],
    [
      'a gigabyte',
      () => {
        openSync(join(here, 'modules/x.yaml'), 'w');
        truncateSync(join(here, 'modules/x.yaml'), 1e9);
      },
      /larger than 1\.0 MB/,
    ],
    ['aliases of aliases', () => write('modules/x.yaml', bomb), /alias/i],
    ['100,000 brackets', () => write('modules/x.yaml', `modules: ${'['.repeat(100_000)}`), /levels|x\.yaml:1:/],
  ])('%s as a module file', (_, make, words) => {
    make();
    const { code, err } = dflow(here, ['config', 'check']);
    expect(code).toBe(2);
    expect(err).toMatch(words);
    expect(err).toContain('modules/x.yaml');
  });

  test('a folder, and aliases of aliases, as the configuration', () => {
    write('dflow.yaml', bomb);
    expect(dflow(here, ['status'])).toMatchObject({ code: 2, err: expect.stringMatching(/alias/i) });
    rmSync(join(here, 'dflow.yaml'));
    mkdirSync(join(here, 'dflow.yaml'));
    expect(dflow(here, ['status'])).toMatchObject({ code: 2, err: expect.stringContaining('not a regular file') });
  });

  test('an expression that would backtrack for ever is linear; one that RE2 does not have is refused', () => {
    const text = "buffer: {path: ./raw, pattern: 'run{run}.dat'}\nstorage: {se: ./se}\n";
    write('dflow.yaml', `${text}policy: [{cause: x, text: '(a+)+$', action: fail}]\n`);
    write('failures', `${JSON.stringify({ exit: 1, text: `${'a'.repeat(60_000)}b` })}\n`);
    expect(dflow(here, ['policy', 'test', 'failures']).code).toBe(0);
    write('dflow.yaml', `${text}policy: [{cause: x, text: 'a(?=b)', action: fail}]\n`);
    const { code, err } = dflow(here, ['config', 'check']);
    expect(code).toBe(2);
    expect(err).toMatch(/dflow\.yaml:3:\d+[\s\S]*|regular expression \(RE2\)/);
  });
});

describe('words and files of the command line', () => {
  test('a FIFO into which nobody writes selects nothing', () => {
    execFileSync('mkfifo', [join(here, 'f')]);
    expect(dflow(here, ['list', 'jobs', '-r', '@f']).code).toBe(0);
  });

  test('an endless file is refused', () => {
    expect(dflow(here, ['list', 'jobs', '-r', '@/dev/zero'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('larger than 256 MB'),
    });
  });

  test('a name of 90 stars', () => {
    expect(dflow(here, ['list', 'jobs', '-m', `${'*'.repeat(90)}x`]).code).not.toBe(70);
  });

  test('one line of 40 MB is refused in a few words', () => {
    const { code, err } = dflow(here, ['retry', '-'], { input: 'x'.repeat(40_000_000) });
    expect(code).toBe(2);
    expect(err.length).toBeLessThan(1000);
  });

  test('three million runs in a file are refused with what to write instead', () => {
    writeFileSync(join(here, 'many.txt'), `${Array.from({ length: 1_000_001 }, (_, run) => run).join('\n')}\n`);
    const { code, err } = dflow(here, ['list', 'runs', '--run', '@many.txt']);
    expect([code, err]).toEqual([2, expect.stringContaining('more than 1000000 lines of runs')]);
    expect(err).toContain('Next: name ranges');
  });

  test('a million runs in a file', () => {
    write('runs', Array.from({ length: 1_000_000 }, (_, run) => `${run}\n`).join(''));
    expect(dflow(here, ['list', 'runs', '-r', '@runs']).code).not.toBe(70);
  });

  test('TERM ends a command that waits for standard input', async () => {
    const child = start(here, ['retry', '@/dev/tty', '-']);
    setTimeout(() => child.kill('SIGTERM'), 50);
    await new Promise((resolve) => child.once('exit', resolve));
    expect(child.exitCode ?? child.signalCode).not.toBe(70);
  });
});

describe('where the machine fails', () => {
  test('a full disk below the output is said once, without a stack, and the work is done', () => {
    writeFileSync(join(here, 'raw', 'run1.dat'), 'x');
    const full = (command: string) => {
      return execFileSync(
        'sh',
        ['-c', `node "$0" ${command} > /dev/full 2> err; echo $?; cat err`, join(process.cwd(), 'bin/run.js')],
        { cwd: here, encoding: 'utf8' },
      );
    };
    for (const command of ['status', '', '--version']) {
      const said = full(command);
      expect(said).toMatch(/^1\n/);
      expect(said).not.toMatch(/ at |defect/);
    }
    expect(full('status')).toContain('standard output cannot be written: no space left');
  });

  test('a working folder that was removed', () => {
    const run = (args: string) => {
      const script = `mkdir gone; cd gone; rmdir ../gone; node "$0" ${args} 2>&1; echo "exit $?"`;
      return execFileSync('sh', ['-c', script, join(process.cwd(), 'bin/run.js')], { cwd: here, encoding: 'utf8' });
    };
    expect(run('status')).toMatch(/the working folder was removed[\s\S]*exit 2\n$/);
    expect(run(`status --config ${here}/dflow.yaml`)).toMatch(/exit 0\n$/);
  });
});
