// Reading what somebody else names: FIFOs, devices, folders and endless lines end at once, with a word.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ItemError } from '../../../src/lib/util/errors.ts';
import { linesOf, readBounded, readRegular } from '../../../src/lib/util/files/readfile.ts';
import { isDeeper } from '../../../src/lib/util/values/depth.ts';

let folder: string;
let fifo: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dflow-read-'));
  fifo = join(folder, 'fifo');
  file = join(folder, 'file');
  execFileSync('mkfifo', [fifo]);
  await writeFile(file, 'one\ntwo');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a regular file, and nothing else', () => {
  test('is read', () => expect(readRegular(file, 100).toString()).toBe('one\ntwo'));

  test.each([
    ['a FIFO', () => fifo, 'not a regular file'],
    ['a folder', () => folder, 'not a regular file'],
    ['a device', () => '/dev/zero', 'not a regular file'],
    ['a missing file', () => join(folder, 'none'), 'does not exist'],
  ])('%s is refused', (_, path, words) => {
    expect(() => readRegular(path(), 100)).toThrow(ItemError);
    expect(() => readRegular(path(), 100)).toThrow(`${path()}: ${words}`);
  });

  test('a large one is refused unread', () => {
    expect(() => readRegular(file, 3)).toThrow('larger than 3 B');
  });
});

describe('a file or a pipe, bounded', () => {
  test('a FIFO into which nobody writes is empty', async () => {
    expect(await readBounded(fifo, 100)).toHaveLength(0);
  });

  test('what is written into a FIFO is read to its end', async () => {
    const { spawn } = await import('node:child_process');
    const writer = spawn('sh', ['-c', 'exec > "$0"; echo first; sleep 0.2; echo second', fifo]);
    await expect
      .poll(async () => (await readBounded(fifo, 100)).toString(), { timeout: 300_000 })
      .toBe('first\nsecond\n');
    writer.kill();
  });

  test.each([['/dev/zero'], ['/dev/urandom']])('%s is more than the limit', async (path) => {
    await expect(readBounded(path, 1_000_000)).rejects.toThrow('larger than 1.0 MB');
  });
});

describe('lines', () => {
  async function* pieces(...texts: string[]): AsyncGenerator<string> {
    yield* texts;
  }
  const all = async (source: AsyncIterable<string>, limit = 1000): Promise<string[]> => {
    const found: string[] = [];
    for await (const line of linesOf(source, 'standard input', limit)) found.push(line);
    return found;
  };

  test('are put together from pieces, empty ones too', async () => {
    expect(await all(pieces('a', 'b\n', '\nc', '', 'd'))).toEqual(['ab', '', 'cd']);
    expect(await all(pieces())).toEqual([]);
  });

  test('one that never ends is refused with its number', async () => {
    async function* endless(): AsyncGenerator<string> {
      yield 'first\n';
      for (;;) yield 'x'.repeat(100);
    }
    await expect(all(endless())).rejects.toThrow('standard input:2: the line is longer than 1.0 kB');
  });

  test('a long one in many pieces takes no longer than its length', async () => {
    async function* many(): AsyncGenerator<string> {
      for (let i = 0; i < 200_000; i++) yield 'x'.repeat(100);
    }
    const [line] = await all(many(), 1e9);
    expect(line).toHaveLength(20_000_000);
  });
});

test('the depth of a value is measured without recursion', () => {
  const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
  expect(isDeeper(deep(100), 100)).toBe(false);
  expect(isDeeper(deep(102), 100)).toBe(true);
  expect(isDeeper(deep(100_000))).toBe(true);
  expect(isDeeper('text')).toBe(false);
});
