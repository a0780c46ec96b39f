// The raw-file reader: on bytes built here word by word, on damage at every word, and on the real sample.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  events,
  MAGIC,
  parseRunHeader,
  RECORD_BYTES,
  RECORD_WORDS,
  ZdabError,
} from '../../src/lib/domain/formats/zdab.ts';

const sample = resolve(import.meta.dirname, '../../../shared/data/Demo_Events.zdab');

/** Name, three links' worth of sizes, status, data: as much of a ZEBRA bank as readers look at. */
function bank(name: string, data: readonly number[]): number[] {
  return [Buffer.from(name).readUInt32BE(), 0, 0, data.length, 0, ...data];
}
const event = (run: number, gtid: number, nhit: number): number[] =>
  bank('ZDAB', [0, run, gtid, (7 << 16) | nhit, 0, 0, 0, 0, 0, 0, 0, ...Array(3 * nhit).fill(1)]);
const header = (run: number, mask: number): number[] =>
  bank('RHDR', [20260714, 9, 1, run, 0, 0, mask, ...Array(11).fill(0)]);

/** Words cut into physical records; the last is filled with zeros. */
function file(words: readonly number[]): Buffer {
  const records: number[] = [];
  for (let i = 0; i === 0 || i < words.length; i += RECORD_WORDS - 8) {
    const body = words.slice(i, i + RECORD_WORDS - 8);
    records.push(...MAGIC, RECORD_WORDS, records.length / RECORD_WORDS, 8, 0, ...body);
    while (records.length % RECORD_WORDS) records.push(0);
  }
  const bytes = Buffer.alloc(records.length * 4);
  records.forEach((value, index) => {
    bytes.writeUInt32BE(value >>> 0, index * 4);
  });
  return bytes;
}

describe('zdab', () => {
  test('events come back as written, wherever record boundaries fall', () => {
    const hits = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 8 });
    fc.assert(
      fc.property(hits, fc.integer({ min: 1, max: 9_999_999 }), (nhits, run) => {
        const written = nhits.map((nhit, index) => ({ run, event: index, nhit }));
        const bytes = file([...header(run, 4), ...written.flatMap((e) => event(run, e.event, e.nhit))]);
        expect([...events(bytes)]).toEqual(written);
        expect(parseRunHeader(bytes)).toEqual({ run, mask: 4 });
      }),
      { numRuns: 40 },
    );
  });

  test('the run number comes from an event where there is no header; the beginning of a file is enough', () => {
    const bytes = file(event(77, 1, 2000));
    expect(parseRunHeader(bytes)).toEqual({ run: 77 });
    expect(parseRunHeader(file(header(5, 9)).subarray(0, 400))).toEqual({ run: 5, mask: 9 });
    expect(parseRunHeader(bytes.subarray(0, 60))).toBeUndefined();
    expect(parseRunHeader(file([1, 2, 3]))).toBeUndefined();
  });

  test.each([
    ['magic words of the second record', (b: Buffer) => b.writeUInt32BE(0, RECORD_BYTES + 8), RECORD_BYTES, /magic/],
    ['size of a record', (b: Buffer) => b.writeUInt32BE(77, 16), 16, /77 words/],
    ['data words beyond the file', (b: Buffer) => b.writeUInt32BE(1e6, 32 + 12), 32, /beyond the end/],
    ['more hits than channels', (b: Buffer) => b.writeUInt32BE(20_000, 32 + 32), 32, /nhit 20000/],
    ['hits that do not fit the bank', (b: Buffer) => b.writeUInt32BE(2001, 32 + 32), 32, /needs 6014/],
  ])('damage is named with its offset: %s', (_name, damage, offset, message) => {
    const bytes = file(event(1, 1, 2000));
    damage(bytes);
    const read = (): unknown => [...events(bytes)];
    expect(read).toThrow(ZdabError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ offset }));
  });

  test('the offset is that of the file, past the steering blocks', () => {
    const bytes = file([...event(1, 1, 2000), ...event(1, 2, 12_000)]);
    const second = 32 + (20 + 11 * 4 + 2000 * 12) + 32;
    expect(() => [...events(bytes)]).toThrow(expect.objectContaining({ offset: second }));
  });

  test('a file cut anywhere is damaged, never short of events in silence', () => {
    const bytes = file(event(1, 1, 2000));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        fc.pre(length === 0 || length % RECORD_BYTES !== 0);
        expect(() => [...events(bytes.subarray(0, length))]).toThrow(ZdabError);
      }),
    );
    expect(() => [...events(bytes.subarray(0, RECORD_BYTES))]).toThrow(/beyond the end/);
  });

  test('random bytes are refused at their beginning', () => {
    expect(() => parseRunHeader(Buffer.from('run 12 started\n'))).toThrow(expect.objectContaining({ offset: 0 }));
    expect(() => [...events(Buffer.alloc(0))]).toThrow(/empty/);
  });

  test.skipIf(!existsSync(sample))(`the real sample ${sample}: three events of run 3510`, () => {
    const bytes = readFileSync(sample);
    const read = [...events(bytes)];
    expect(read.map((e) => [e.run, e.nhit])).toEqual(Array(3).fill([3510, 364]));
    expect(parseRunHeader(bytes)).toEqual({ run: 3510 });
  });
});
