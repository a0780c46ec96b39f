// System errors: a name for each number, words for people, and whose error it is.
import { describe, expect, test } from 'vitest';
import { describe as described } from '../../src/lib/cli/output/report.ts';
import { ConfigError, ItemError, UnreachableError } from '../../src/lib/util/errors.ts';
import { codeOf, orItemError, ownError, systemFault, wordsOf } from '../../src/lib/util/systemerrors.ts';

/** As Node makes one of a system call: those without a name have the number in their code. */
function failed(code: string, path?: string): Error {
  return Object.assign(new Error(`${code}: something, read`), { code, syscall: 'read', ...(path ? { path } : {}) });
}

const unnamed = (number: number, path?: string): Error => failed(`Unknown system error -${number}`, path);

test.each([
  [116, 'ESTALE', /stale file handle/],
  [122, 'EDQUOT', /over quota/],
  [121, 'EREMOTEIO', /at the file server/],
  [117, 'EUCLEAN', /file system is damaged/],
  [127, 'EKEYEXPIRED', /expired/],
  [4095, 'E4095', /the system says E4095/],
])('error %i, which Node has no name for, is %s', (number, name, words) => {
  expect(codeOf(unnamed(number))).toBe(name);
  expect(wordsOf(unnamed(number))).toMatch(words);
});

test('a system error becomes one of ours, named by its item or by its path, with what to do', () => {
  const own = ownError(unnamed(116, '/raw/run002.dat'));
  expect(own).toBeInstanceOf(ItemError);
  expect(own).toMatchObject({ message: '/raw/run002.dat: stale file handle: the server no longer knows this file' });
  expect(own).toMatchObject({ hint: 'mount it again' });
  expect(ownError(failed('EMFILE'), 'run 2', UnreachableError)).toMatchObject({
    message: 'run 2: too many open files in this process',
    exit: 5,
  });
});

test('errors of ours, aborts and defects stay what they are', () => {
  const others = [new ConfigError('x'), new TypeError('x is undefined'), new DOMException('stop', 'AbortError')];
  for (const error of [...others, failed('ERR_INVALID_ARG_TYPE')]) {
    expect(systemFault(error)).toBeUndefined();
    expect(ownError(error)).toBe(error);
  }
});

describe('each item by itself', () => {
  test('the error of one item is its answer', async () => {
    const fail = (error: unknown) => orItemError('run002.dat', () => Promise.reject(error));
    expect(await fail(failed('EIO'))).toMatchObject({ message: 'run002.dat: input/output error' });
    expect(await fail(new ItemError('bad'))).toMatchObject({ message: 'bad' });
    expect(await orItemError('x', async () => 3)).toBe(3);
    await expect(fail(new UnreachableError('down'))).rejects.toThrow('down');
    await expect(fail(new TypeError('defect'))).rejects.toThrow(TypeError);
  });
});

test.each([
  'Unknown system error -116',
  'Unknown system error -122',
  'EMFILE',
  'ENOSPC',
  'EIO',
  'EROFS',
])('no command calls %s a defect', (code) => {
  const { lines, exit } = described(failed(code, '/somewhere'));
  expect(exit).toBe(5);
  expect(lines.join('\n')).toMatch(/^Error: \/somewhere: /);
  expect(lines.join('\n')).not.toContain('defect');
});

test('a defect is still called one', () => {
  expect(described(new TypeError('x is undefined'))).toMatchObject({ exit: 70 });
});
