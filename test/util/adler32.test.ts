// Our adler32 against a plain loop: every length around its rows and blocks, any cut into updates, and the fallback for
// machines without vectors; and files, also those that change while they are read.
import { appendFileSync, truncateSync, utimesSync } from 'node:fs';
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHUNK, CHUNKS, type Engine, plainEngine, takeEngine } from '../../src/lib/util/adler32/engine.ts';
import { simd } from '../../src/lib/util/adler32/simd.ts';
import { Adler32, adler32File, FileChangedError, readChecksummed } from '../../src/lib/util/adler32.ts';
import { adler32, bytesOf } from '../contracts/storage.ts';

function slow(bytes: Uint8Array, start = 1): number {
  let [a, b] = [start & 0xffff, start >>> 16];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}
const hex = (sum: number) => sum.toString(16).padStart(8, '0');
const noise = (length: number) => {
  const bytes = Buffer.alloc(length);
  for (let at = 0, x = 12345; at < length; at++) {
    x = (Math.imul(x, 1103515245) + 12345) | 0;
    bytes[at] = x >>> 16;
  }
  return bytes;
};

const LENGTHS = [0, 1, 15, 16, 63, 64, 65, 5552, 16383, 16384, 16385, 65520, 65521, 65522, 3 * 65521, CHUNK];
const engines: [string, () => Engine][] = [
  ['vectors', takeEngine],
  ['plain', plainEngine],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dflow-adler32-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('this machine has the vectors that are tested here', () => expect(simd(65536)).toBeDefined());

describe.each(engines)('%s', (_, make) => {
  const engine = make();
  const buffer = engine.buffers[1] as Buffer;

  test.each(LENGTHS)('%d bytes, the highest and mixed ones, from any state', (length) => {
    for (const bytes of [Buffer.alloc(length, 255), noise(length)]) {
      for (const start of [1, 0xfff0fff0, 0xfff00000, 0]) {
        buffer.set(bytes);
        expect(engine.add(start, 1, length) >>> 0).toBe(slow(bytes, start));
      }
    }
  });

  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40_000, size: 'max' }), (bytes) => {
        buffer.set(bytes);
        expect(engine.add(1, 1, bytes.length) >>> 0).toBe(slow(bytes));
      }),
      { numRuns: 50 },
    );
  });
});

test('any cut into updates gives the same, several at once do not meet', async () => {
  const bytes = noise(300_000);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
      const [one, other] = [await Adler32.create(), await Adler32.create()];
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      for (const [index, edge] of edges.entries()) {
        one.update(bytes.subarray(edges[index - 1] ?? 0, edge));
        other.update(Buffer.from('x'));
      }
      expect(one.digest()).toBe(hex(slow(bytes)));
      expect(other.digest()).toBe(hex(slow(Buffer.alloc(edges.length, 'x'))));
    }),
    { numRuns: 20 },
  );
});

test('a digest ends it', async () => {
  const hash = await Adler32.create();
  expect(hash.digest()).toBe('00000001');
  expect(() => hash.update(Buffer.alloc(1))).toThrow('after its end');
});

describe('files', () => {
  test.each([
    0,
    1,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    CHUNKS * CHUNK,
    (2 * CHUNKS + 1) * CHUNK + 7,
  ])('%d bytes: the sum, each chunk once and in order, all progress', async (size) => {
    const path = join(folder, `file${size}`);
    const bytes = noise(size);
    await writeFile(path, bytes);
    let progress = 0;
    const chunks: Buffer[] = [];
    const handle = await open(path);
    const sum = await readChecksummed(handle, path, {
      progress: (count) => {
        progress += count;
      },
      sink: async (chunk, offset) => {
        expect(offset).toBe(chunks.length * CHUNK);
        chunks.push(Buffer.from(chunk));
      },
    });
    await handle.close();
    expect(sum).toEqual({ adler32: hex(slow(bytes)), size });
    expect(progress).toBe(size);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(await adler32File(path)).toEqual(sum);
  });

  test('a file truncated while it is read is a changed file, and the next one is read', async () => {
    const path = join(folder, 'shrinks');
    await writeFile(path, noise(12 * CHUNK));
    const handle = await open(path);
    const sink = async (_: Buffer, offset: number) => {
      if (offset === 0) await truncate(path, 6 * CHUNK + 5);
    };
    const reading = readChecksummed(handle, path, { sink });
    await expect(reading).rejects.toThrow(FileChangedError);
    await expect(reading).rejects.toThrow(`${12 * CHUNK} bytes when opened, ${6 * CHUNK + 5} at the end`);
    await handle.close();
    expect((await adler32File(path)).size).toBe(6 * CHUNK + 5);
  });

  test('an error of the reader or of the taker is the error of the call; nothing reads on after it', async () => {
    const path = join(folder, 'broken');
    await writeFile(path, noise(12 * CHUNK));
    const handle = await open(path);
    const real = handle.read.bind(handle);
    let under = 0;
    handle.read = (async (buffer: Buffer, offset: number, length: number, at: number) => {
      under++;
      try {
        if (at >= 5 * CHUNK) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
        return await real(buffer, offset, length, at);
      } finally {
        under--;
      }
    }) as never;
    await expect(readChecksummed(handle, path, {})).rejects.toMatchObject({ code: 'EIO' });
    expect(under).toBe(0);
    const full = async () => {
      throw new Error('disk full');
    };
    await expect(readChecksummed(handle, path, { sink: full })).rejects.toThrow('disk full');
    expect(under).toBe(0);
    const signal = AbortSignal.abort();
    await expect(readChecksummed(handle, path, { signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(under).toBe(0);
    await handle.close();
  });

  test('short readings are filled up', async () => {
    const path = join(folder, 'short');
    const bytes = noise(2 * CHUNK + 99);
    await writeFile(path, bytes);
    const handle = await open(path);
    const real = handle.read.bind(handle);
    handle.read = ((buffer: Buffer, offset: number, length: number, at: number) =>
      real(buffer, offset, Math.min(length, 400_001), at)) as never;
    expect(await readChecksummed(handle, path, {})).toEqual({ adler32: hex(slow(bytes)), size: bytes.length });
    await handle.close();
  });
});

describe('adler32File', () => {
  test('equals the sum by the book, also of an empty file', async () => {
    const path = join(folder, 'sum');
    for (const size of [0, 1, 70_000, 2_500_000]) {
      const bytes = bytesOf(`sum ${size}`, size);
      await writeFile(path, bytes);
      expect(await adler32File(path)).toEqual({ adler32: adler32(bytes), size });
    }
  });

  test.each([
    ['truncated', (path: string) => truncateSync(path, 1_000_000)],
    ['grown', (path: string) => appendFileSync(path, 'more')],
    ['rewritten in place', (path: string) => utimesSync(path, 1, 1)],
  ] as const)('a file %s while it is read is a FileChangedError', async (_, change) => {
    const path = join(folder, 'moving');
    await writeFile(path, bytesOf('moving', 6 * 1024 * 1024));
    await expect(adler32File(path, { progress: () => change(path) })).rejects.toThrow(FileChangedError);
  });

  test('reads a huge file without holding it', async () => {
    const path = join(folder, 'huge');
    await writeFile(path, '');
    await truncate(path, 200 * 1024 * 1024);
    const before = process.memoryUsage().rss;
    let peak = 0;
    const sum = await adler32File(path, { progress: () => (peak = Math.max(peak, process.memoryUsage().rss)) });
    expect(sum.size).toBe(200 * 1024 * 1024);
    // Of zero bytes the sums are known: a stays 1, b counts the bytes.
    expect(sum.adler32).toBe(((sum.size % 65521) * 65536 + 1).toString(16).padStart(8, '0'));
    expect(peak - before).toBeLessThan(48 * 1024 * 1024);
    await rm(path);
  });

  test('hashers are used again without mixing files up', async () => {
    const paths = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const path = join(folder, `mix${i}`);
        await writeFile(path, bytesOf(`mix ${i}`, 3000 + i));
        return path;
      }),
    );
    const sums = await Promise.all(paths.map((path) => adler32File(path)));
    sums.forEach((sum, i) => {
      expect(sum.adler32).toBe(adler32(bytesOf(`mix ${i}`, 3000 + i)));
    });
  });
});
