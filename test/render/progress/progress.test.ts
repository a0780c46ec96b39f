// One line of progress: what it says, how it fits 60 and 80 columns, how rates and times are computed.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Progress, type ProgressEvent } from '../../../src/lib/flow/progress.ts';
import { progressLine } from '../../../src/lib/render/progress/line.ts';
import { type Facts, Meter } from '../../../src/lib/render/progress/meter.ts';

const facts: Facts = {
  count: '12 of 340 copies',
  bytes: '1.2 GB of 34.0 GB',
  rate: '310 MB/s',
  left: '2m left',
  name: 'SNOP_0000109134_002.l2.zdab to ral',
};

test('what is less important goes where columns are few; long names are cut', () => {
  expect(progressLine('transfer', facts, 120)).toBe(
    'transfer: 12 of 340 copies, 1.2 GB of 34.0 GB, 310 MB/s, 2m left, SNOP_0000109134_002.l2.zdab to ral',
  );
  expect(progressLine('transfer', facts, 80)).toBe(
    'transfer: 12 of 340 copies, 1.2 GB of 34.0 GB, 310 MB/s, 2m left, SNOP_000010...',
  );
  expect(progressLine('transfer', facts, 60)).toBe('transfer: 12 of 340 copies, 1.2 GB of 34.0 GB, 2m left');
  expect(progressLine('transfer', facts, 40)).toBe('transfer: 12 of 340 copies, 2m left');
  expect(progressLine('transfer', facts, 20)).toBe('transfer: 12 of 3...');
  expect(progressLine('', { ...facts, name: '' }, 60)).toBe('12 of 340 copies, 1.2 GB of 34.0 GB, 310 MB/s, 2m left');
});

test('no name can break the line or leave its columns', () => {
  const wide = { ...facts, name: `宇宙線${'データ'.repeat(20)}` };
  expect(progressLine('transfer', wide, 80)).toMatch(/宇宙線.*\.\.\.$/);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.integer({ min: 20, max: 160 }), (name, width) => {
      const line = progressLine('transfer', { ...facts, name }, width);
      const columns = [...line].reduce((sum, char) => sum + (char.codePointAt(0)! >= 0x1100 ? 2 : 1), 0);
      expect(columns).toBeLessThanOrEqual(width);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    }),
  );
});

/** Facts after events, each at its second. */
function told(at: number, ...events: readonly [number, ProgressEvent][]): string {
  const meter = new Meter();
  for (const [second, event] of events) meter.note(event, second * 1000);
  return progressLine('', meter.facts('file', at * 1000), 200);
}

const due = (count: number, bytes = 0): ProgressEvent => ({ what: 'due', count, bytes });
const done = (count: number, bytes = 0): ProgressEvent => ({ what: 'done', count, bytes });

describe('counts, rates and the time that is left', () => {
  test('of all that is due', () => {
    expect(told(0, [0, due(1200, 34e9)])).toBe('0 of 1,200 files, 0 B of 34.0 GB');
    expect(told(10, [0, due(2, 40e9)], [0, done(0, 0)], [10, done(1, 10e9)])).toBe(
      '1 of 2 files, 10.0 GB of 40.0 GB, 1.0 GB/s, 30s left',
    );
    expect(told(10, [0, due(1, 20)], [0, done(0, 0)], [10, done(1, 20)])).toBe('1 file, 20 B, 2 B/s');
  });

  test('without bytes by the number', () => {
    expect(told(10, [0, due(50_000)], [0, done(0)], [10, done(1000)])).toBe('1,000 of 50,000 files, 100/s, 8m left');
    expect(told(10, [0, due(9)], [0, done(0)], [10, done(4)])).toBe('4 of 9 files, 0.4/s, 13s left');
  });

  test('what will come to light is said as about so much, and counts for the time', () => {
    const ahead: ProgressEvent = { what: 'ahead', of: 'L1', count: 9990 };
    expect(told(10, [0, due(10, 10e9)], [0, ahead], [0, done(0, 0)], [10, done(5, 5e9)])).toBe(
      '5 of about 10,000 files, 5.0 GB, 500 MB/s, 6h left',
    );
  });

  test('a rate is of the last quarter of a minute; one that has stopped says no time', () => {
    const steady = Array.from({ length: 100 }, (_, i): [number, ProgressEvent] => [i, done(0, i < 50 ? 1e9 : 1e6)]);
    expect(told(100, [0, due(1, 60e9)], ...steady)).toMatch(/, 1\.0 MB\/s, \d+h left$/);
    expect(told(300, [0, due(1, 60e9)], [0, done(0, 1e9)])).toBe('0 of 1 file, 1.0 GB of 60.0 GB, 0 B/s');
  });

  test('more than a year left is not counted in days', () => {
    expect(told(10, [0, due(1, 1e15)], [0, done(0, 0)], [10, done(0, 1e6)])).toMatch(/more than a year left$/);
  });
});

test('nouns have their plural', () => {
  const meter = new Meter();
  meter.note(due(2), 0);
  expect(['copy', 'pass', 'table'].map((noun) => meter.facts(noun, 0).count)).toEqual([
    '0 of 2 copies',
    '0 of 2 passes',
    '0 of 2 tables',
  ]);
});

describe('what a step tells', () => {
  const heard = (): { events: ProgressEvent[]; progress: Progress } => {
    const events: ProgressEvent[] = [];
    return { events, progress: new Progress({ progress: (event) => events.push(event) }) };
  };

  test('every byte counts once, whatever an element tells of it', async () => {
    for (const told of [[], [30], [100], [60, 60]]) {
      const { events, progress } = heard();
      progress.expect([['a', 100]]);
      await progress.one(['a', 100, 'a'], async (moved) => {
        for (const bytes of told) moved?.(bytes);
      });
      const sum = events.reduce((bytes, event) => bytes + (event.what === 'done' ? event.bytes : 0), 0);
      expect(sum).toBe(100);
      expect(events.filter(({ what }) => what === 'due')).toEqual([{ what: 'due', count: 1, bytes: 100 }]);
    }
  });

  test('what fails, or was never begun, is no longer due', async () => {
    const { events, progress } = heard();
    progress.expect([
      ['a', 100],
      ['b', 7],
    ]);
    await progress.one(
      ['a', 100, 'a'],
      async (moved) => moved?.(40),
      () => false,
    );
    progress.forget(['a', 'b']);
    const due = events.flatMap((event) => (event.what === 'due' ? [[event.count, event.bytes]] : []));
    expect(due).toEqual([
      [2, 107],
      [-1, -60],
      [-1, -7],
    ]);
  });

  test('without anybody who looks on, nothing is kept', async () => {
    const progress = new Progress({});
    progress.expect(
      (function* () {
        throw new Error('asked for its things');
        // biome-ignore lint/correctness/noUnreachable: it is a generator all the same
        yield ['a', 1] as const;
      })(),
    );
    expect(await progress.one(['a', 1, 'a'], async (moved) => moved)).toBeUndefined();
  });
});
