// register on a real folder and a real store; only the clock is the test's.
import { appendFileSync, renameSync, rmSync, statSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { HoldDoc } from '../src/lib/domain/hold.ts';
import { calibrationHoldId, setMask } from '../src/lib/flow/mask.ts';
import type { Item, Ports } from '../src/lib/flow/ports.ts';
import { declareComplete, register } from '../src/lib/flow/register.ts';
import type { Storage } from '../src/lib/storage.ts';
import { UnreachableError, UsageError } from '../src/lib/util/errors.ts';
import { HOUR, MINUTE } from '../src/lib/util/time.ts';
import {
  Bench,
  type BenchOptions,
  collect,
  dataDoc,
  deeds,
  everything,
  quarantined,
  runDoc,
  zdab,
} from './support/buffer.ts';

const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

async function start(options: BenchOptions = {}): Promise<{ bench: Bench; ports: Ports }> {
  const bench = new Bench(options);
  benches.push(bench);
  return { bench, ports: await bench.ports('setup') };
}

const MARKER = { buffers: [{ closed: 'marker' as const }] };
const ZDAB = { buffers: [{ format: 'zdab' as const, pattern: 'S_{run:10}_{subrun:3}.zdab' }] };

describe('closed files', () => {
  test('are registered once, with checksum and identity', async () => {
    const { bench, ports } = await start();
    bench.put('run12_0.dat', 'Wikipedia');
    bench.put('run12_1.dat', 'more');
    const items = await bench.register(ports);
    expect(deeds(items)).toEqual({ registered: 2 });
    expect(items[0]).toMatchObject({ kind: 'file', ref: '12', level: 'L1', run: 12, subrun: 0, name: 'run12_0.dat' });
    const doc = await dataDoc(ports, 12);
    expect(doc?.files.map((file) => [file.subrun, file.size, file.adler32])).toEqual([
      [0, 9, '11e60398'],
      [1, 4, '044e01b4'],
    ]);
    expect(doc?.files[0]?.lfn).toBe('/test/raw/L1/0000000012/run12_0.dat');
    expect(doc).toMatchObject({ keep: { kept: true }, host: 'test', done: [] });
    expect(await runDoc(ports, 12)).toMatchObject({ run: 12, levels: { L1: { files: 2, late: [] } } });
    const before = await everything(ports);
    expect(await bench.register(ports)).toEqual([]);
    expect(await everything(ports)).toEqual(before);
  });

  test('settled: a young file waits until it has not changed for the settle time', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'old');
    bench.put('run1_1.dat', 'young', MINUTE - 1000);
    bench.put('run1_2.dat', 'from the future', -HOUR);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 1, blocked: 1 });
    expect((await runDoc(ports, 1))?.levels.L1?.blocked).toBe('run1_1.dat still open; run1_2.dat still open');
    bench.clock += 2000;
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 1 });
  });

  test('marker: only what has a marker, however old', async () => {
    const { bench, ports } = await start(MARKER);
    bench.put('run1_0.dat', 'a', 0);
    bench.put('run1_0.dat_closed', '', 0);
    bench.put('run1_1.dat', 'b', 5 * HOUR);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 1, blocked: 1 });
    bench.put('run1_1.dat_closed', '', 0);
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 1 });
  });

  test('folders below the buffer are searched; what is hidden, temporary or plainly no data is left alone', async () => {
    const { bench, ports } = await start();
    bench.put('2026/july/run3_0.dat', 'deep');
    for (const name of ['.run4_0.dat', 'run4_0.dat.part', '.tmp/run5_7.datx', 'README', 'run4_0.dat_closed'])
      bench.put(name, 'x');
    expect(deeds(await bench.register(ports))).toEqual({ registered: 1 });
    expect((await dataDoc(ports, 3))?.files[0]?.path).toBe('2026/july/run3_0.dat');
    expect(await quarantined(ports)).toEqual({});
  });

  test('two levels may share a folder', async () => {
    const pattern = (suffix: string) => ({ pattern: `S_{run:10}_{subrun:3}${suffix}` });
    const { bench, ports } = await start({ buffers: [pattern('.zdab'), { level: 'L2', ...pattern('.l2.zdab') }] });
    bench.put('S_0000000001_000.zdab', 'one');
    bench.put('S_0000000001_000.l2.zdab', 'two!');
    expect(deeds(await bench.register(ports, { levels: ['L2'] }))).toEqual({ registered: 1 });
    expect((await bench.register(ports)).map((item) => item.level)).toEqual(['L1']);
    expect(Object.keys((await runDoc(ports, 1))?.levels ?? {}).sort()).toEqual(['L1', 'L2']);
    await expect(bench.register(ports, { levels: ['L3'] })).rejects.toThrow(UsageError);
  });

  test('limit bounds the files of a call', async () => {
    const { bench, ports } = await start();
    for (let run = 1; run <= 5; run++) bench.put(`run${run}_0.dat`, 'x');
    expect(deeds(await bench.register(ports, { limit: 2 })).registered).toBe(2);
    expect(deeds(await bench.register(ports, { limit: 2 })).registered).toBe(2);
    expect(deeds(await bench.register(ports)).registered).toBe(1);
  });

  test('the keep rule is recorded', async () => {
    const { bench, ports } = await start({ buffers: [{ keep: 0.1 }] });
    for (let run = 1; run <= 100; run++) bench.put(`run${run}_0.dat`, 'x');
    const items = await bench.register(ports);
    const kept = items.filter((item) => item.did === 'registered' && item.kept);
    expect(kept.length).toBeGreaterThan(8);
    expect(kept.length).toBeLessThan(13);
    expect((await dataDoc(ports, kept[0]?.run as number))?.keep).toEqual({ kept: true, rule: '10 % by run number' });
  });
});

describe('files that change', () => {
  /** Does something to a file while it is being read. */
  const meddling = (meddle: (path: string) => void): BenchOptions => ({
    wrap: (storage) =>
      new Proxy(storage, {
        get: (target: Storage, key: keyof Storage) => {
          if (key !== 'checksum')
            return (target[key] as unknown) instanceof Function
              ? (target[key] as () => unknown).bind(target)
              : target[key];
          return async (path: string) => {
            meddle(target.localPath(path) ?? '');
            return target.checksum(path);
          };
        },
      }),
  });

  test.each<[string, (path: string) => void]>([
    ['truncated', (path) => truncateSync(path, 2)],
    ['grown', (path) => appendFileSync(path, 'more')],
    ['rewritten in place', (path) => utimesSync(path, new Date(0), new Date(0))],
  ])('%s while read: tried again, nothing registered', async (_, meddle) => {
    let armed = true;
    const { bench, ports } = await start(meddling((path) => armed && meddle(path)));
    bench.put('run1_0.dat', 'content');
    const items = await bench.register(ports);
    expect(deeds(items)).toMatchObject({ 'still changing': 1 });
    expect(items.find((item) => item.did === 'still changing')?.failed).toBe(true);
    expect(await dataDoc(ports, 1)).toBeUndefined();
    armed = false;
    bench.clock = Date.now() + HOUR;
    expect(deeds(await bench.register(ports)).registered).toBe(1);
  });

  test('deleted while read: nothing to say', async () => {
    const { bench, ports } = await start(meddling((path) => rmSync(path, { force: true })));
    bench.put('run1_0.dat', 'content');
    expect((await bench.register(ports)).filter((item) => item.failed)).toEqual([]);
  });

  test('after registration: reported every time, marked once, never replaced', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'content');
    await bench.register(ports);
    bench.put('run1_0.dat', 'Content', 2 * MINUTE);
    for (const round of [1, 2]) {
      const items = await bench.register(ports);
      expect(
        items.filter((item) => item.did === 'changed'),
        `round ${round}`,
      ).toMatchObject([{ failed: true, name: 'run1_0.dat' }]);
    }
    const file = (await dataDoc(ports, 1))?.files[0];
    expect(file).toMatchObject({ adler32: '0bcb02fc', size: 7, original: { state: 'changed' } });
    expect((await dataDoc(ports, 1))?.history.filter((entry) => entry.to.startsWith('changed'))).toHaveLength(1);
    bench.put('run1_0.dat', 'longer content', 2 * MINUTE);
    expect(deeds(await bench.register(ports))).toEqual({ changed: 1 });
    bench.put('run1_0.dat', 'content', 2 * MINUTE);
    expect(deeds(await bench.register(ports))).toEqual({ restored: 1 });
    expect(await bench.register(ports)).toEqual([]);
  });

  test('only touched or moved: the document follows', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'content');
    await bench.register(ports);
    bench.put('run1_0.dat', 'content', 3 * MINUTE);
    expect(deeds(await bench.register(ports))).toEqual({ touched: 1 });
    bench.put('old/x.md', '');
    const raw = bench.settings.buffers[0]?.path ?? '';
    renameSync(join(raw, 'run1_0.dat'), join(raw, 'old/run1_0.dat'));
    expect(deeds(await bench.register(ports))).toEqual({ moved: 1 });
    expect((await dataDoc(ports, 1))?.files).toMatchObject([
      { path: 'old/run1_0.dat', original: { state: 'present' } },
    ]);
    expect(await bench.register(ports)).toEqual([]);
  });
});

describe('quarantine', () => {
  test('absurd run numbers, alone or in a row, do not move the reference', async () => {
    const { bench, ports } = await start();
    for (const run of [5000, 5001, 7001, 8001, 9001, 4_294_967, 99_999_999_999]) bench.put(`run${run}_0.dat`, `${run}`);
    bench.put('run5002_0.dat', '5002');
    const items = await bench.register(ports);
    expect(deeds(items)).toMatchObject({ registered: 3, quarantined: 5 });
    expect(items.filter((item) => item.did === 'quarantined').every((item) => item.failed && item.next)).toBe(true);
    expect(await quarantined(ports)).toEqual({
      'run7001_0.dat': 'beyond-max-jump',
      'run8001_0.dat': 'beyond-max-jump',
      'run9001_0.dat': 'beyond-max-jump',
      'run4294967_0.dat': 'beyond-max-jump',
      'run99999999999_0.dat': 'out-of-range',
    });
    expect(await bench.register(ports)).toEqual([]);
    expect(await runDoc(ports, 7001)).toBeUndefined();
    bench.put('run5900_0.dat', '5900');
    expect(deeds(await bench.register(ports)).registered).toBe(1);
  });

  test('a run that comes within reach is released by itself', async () => {
    const { bench, ports } = await start();
    bench.put('run100_0.dat', 'a');
    await bench.register(ports);
    bench.put('run1500_0.dat', 'b');
    expect(deeds(await bench.register(ports))).toMatchObject({ quarantined: 1 });
    bench.put('run900_0.dat', 'c');
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 2, released: 1 });
    expect(await quarantined(ports)).toEqual({});
  });

  test('outside the configured range', async () => {
    const { bench, ports } = await start({ runs: { first: 100, last: 200, maxJump: 1e6 } });
    for (const run of [99, 100, 200, 201]) bench.put(`run${run}_0.dat`, 'x');
    await bench.register(ports);
    expect(await quarantined(ports)).toEqual({ 'run99_0.dat': 'out-of-range', 'run201_0.dat': 'out-of-range' });
  });

  test('an empty file, until it has content', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x');
    bench.put('run1_1.dat', '');
    bench.put('run2_0.dat', 'x');
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 2, quarantined: 1, blocked: 1 });
    expect((await runDoc(ports, 1))?.levels.L1?.blocked).toBe('subrun 001 empty');
    bench.put('run1_1.dat', 'now', 2 * MINUTE);
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 1, released: 1, completed: 1 });
    bench.put('run3_0.dat', '');
    await bench.register(ports);
    bench.remove('run3_0.dat');
    expect(deeds(await bench.register(ports))).toMatchObject({ gone: 1 });
    expect(await quarantined(ports)).toEqual({});
  });

  test('a second file for one subrun: with other content refused, with the same only noted', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'good');
    bench.put('copy/run1_0.dat', 'good');
    bench.put('run01_0.dat', 'evil');
    const items = await bench.register(ports);
    expect(deeds(items)).toMatchObject({ registered: 1, quarantined: 2 });
    expect(items.filter((item) => item.failed).map((item) => item.reason)).toEqual(['other-content']);
    expect(await quarantined(ports)).toEqual({ 'copy/run1_0.dat': 'duplicate', 'run01_0.dat': 'other-content' });
    expect((await dataDoc(ports, 1))?.files).toMatchObject([{ path: 'run1_0.dat' }]);
    expect(await bench.register(ports)).toEqual([]);
  });

  test('names with spaces, quotes, newlines, commands, dashes, bytes that are no UTF-8', async () => {
    const { bench, ports } = await start();
    const names = [
      'run 1_0.dat',
      'run"2"_0.dat',
      "run'3'.dat",
      'run4_\n0.dat',
      '$(touch pwned)_5.dat',
      '-rf',
      '-run6_0.dat',
      '`id`.dat',
    ];
    for (const name of names) bench.put(name, 'x');
    bench.put(Buffer.from([...Buffer.from('run7'), 0xff, 0xfe, ...Buffer.from('_0.dat')]), 'x');
    bench.put('run8_0.dat', 'x');
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 1, quarantined: 8 });
    const found = await quarantined(ports);
    expect(new Set(Object.values(found))).toEqual(new Set(['unparsable-name']));
    expect(Object.keys(found).sort()).toEqual(
      [...names.filter((name) => name !== '-rf' && !name.includes('\n')), 'run4_\\x0a0.dat', 'run7%FF%FE_0.dat'].sort(),
    );
    expect(await bench.register(ports)).toEqual([]);
  });

  test('a pattern with such characters works', async () => {
    const { bench, ports } = await start({ buffers: [{ pattern: "-my $(x) 'r'\n{run} {subrun}.dat" }] });
    bench.put("-my $(x) 'r'\n7 0.dat", 'x');
    expect(deeds(await bench.register(ports))).toEqual({ registered: 1 });
  });

  test('a run that an operator has put in quarantine', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x');
    const hold: HoldDoc = {
      _id: 'hold:q',
      kind: 'hold',
      v: 1,
      what: 'quarantine',
      scope: { runs: [[2, 2]] },
      why: 'noisy',
      by: 'me',
      since: '',
    };
    await ports.store.update<HoldDoc>(hold._id, () => ({ write: hold }));
    bench.put('run2_0.dat', 'x');
    await bench.register(ports);
    expect(await quarantined(ports)).toEqual({ 'run2_0.dat': 'operator' });
    await ports.store.update<HoldDoc>(hold._id, () => ({ write: { ...hold, ended: { at: '', by: 'me' } } }));
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 1, released: 1 });
  });
});

describe('runs', () => {
  test('complete by a later run, with the evidence frozen; the last one by quiet', async () => {
    const { bench, ports } = await start();
    for (const name of ['run1_0.dat', 'run1_1.dat', 'run3_0.dat']) bench.put(name, name);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 3, completed: 1 });
    const frozen = (await runDoc(ports, 1))?.levels.L1?.complete;
    expect(frozen).toMatchObject({ subruns: [0, 1], evidence: '3 seen' });
    expect((await runDoc(ports, 3))?.levels.L1?.complete).toBeUndefined();
    bench.clock += 6 * MINUTE;
    expect(await bench.register(ports)).toMatchObject([{ did: 'completed', run: 3, evidence: 'quiet for 10m' }]);
    expect((await runDoc(ports, 1))?.levels.L1?.complete).toEqual(frozen);
    expect(await bench.register(ports)).toEqual([]);
  });

  test('old data are complete at once', async () => {
    const { bench, ports } = await start();
    for (let run = 1; run <= 20; run++) bench.put(`run${run}_0.dat`, 'x', HOUR);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 20, completed: 20 });
  });

  test('complete by an end marker', async () => {
    const { bench, ports } = await start({ runs: { endMarker: 'run{run}.end' } });
    bench.put('run1_0.dat', 'x');
    bench.put('run1.end', '');
    await bench.register(ports);
    expect((await runDoc(ports, 1))?.levels.L1?.complete?.evidence).toBe('end marker');
  });

  test('a quarantined run is no later run, and one beyond maxJump is none either', async () => {
    const { bench, ports } = await start();
    bench.put('run5000_0.dat', 'x');
    await bench.register(ports);
    bench.put('run99999_0.dat', 'x');
    bench.put('run10_0.dat', 'x');
    await bench.register(ports);
    expect((await runDoc(ports, 5000))?.levels.L1?.complete).toBeUndefined();
    expect((await runDoc(ports, 10))?.levels.L1?.complete).toBeUndefined();
  });

  test('a gap blocks, is named, and is mended by the missing file', async () => {
    const { bench, ports } = await start();
    for (const name of ['run1_0.dat', 'run1_2.dat', 'run2_0.dat', 'run3_1.dat', 'run4_0.dat']) bench.put(name, name);
    expect(deeds(await bench.register(ports))).toMatchObject({ blocked: 2, completed: 1 });
    expect((await runDoc(ports, 1))?.levels.L1?.blocked).toBe('subrun 001 missing');
    expect((await runDoc(ports, 3))?.levels.L1?.blocked).toBe('subrun 000 missing');
    bench.put('run1_1.dat', 'x', 2 * MINUTE);
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 1, completed: 1 });
    expect((await runDoc(ports, 1))?.levels.L1?.complete?.subruns).toEqual([0, 1, 2]);
  });

  test('open runs are looked at again when their files are gone from the buffer', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x');
    await bench.register(ports);
    bench.remove('run1_0.dat');
    bench.clock += HOUR;
    expect(deeds(await bench.register(ports))).toEqual({ completed: 1 });
  });

  test('a run that is being written is known before its first file is closed', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x', 0);
    bench.put('run5000_0.dat', 'x');
    bench.put('run5001_0.dat', 'x', 0);
    await bench.register(ports);
    expect((await runDoc(ports, 5001))?.levels.L1).toMatchObject({ files: 0, blocked: 'run5001_0.dat still open' });
    expect((await runDoc(ports, 5000))?.levels.L1?.complete).toBeUndefined();
    bench.remove('run5001_0.dat');
    bench.put('run1_0.dat', '');
    const planned = await bench.register(ports, { dryRun: true });
    const done = await bench.register(ports);
    expect(deeds(done)).toEqual({ quarantined: 1, forgotten: 2 });
    expect(planned).toEqual(done.map((item) => ({ ...item, dryRun: true })));
    expect(await runDoc(ports, 5001)).toBeUndefined();
    expect(await bench.register(ports)).toEqual([]);
  });

  test('a late file is marked and what was frozen stays', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x');
    bench.put('run2_0.dat', 'x');
    await bench.register(ports);
    bench.put('run1_1.dat', 'late', 2 * MINUTE);
    const items = await bench.register(ports);
    expect(deeds(items)).toEqual({ registered: 1, late: 1 });
    expect((await runDoc(ports, 1))?.levels.L1).toMatchObject({
      files: 2,
      late: ['run1_1.dat'],
      complete: { subruns: [0] },
    });
    expect((await dataDoc(ports, 1))?.files.map((file) => file.late)).toEqual([false, true]);
    expect(await bench.register(ports)).toEqual([]);
  });

  test('declared complete, in spite of a gap; what comes then is late', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x');
    bench.put('run1_2.dat', 'x');
    await bench.register(ports);
    const before = await everything(ports);
    const planned = await collect(declareComplete(ports, 1, undefined, 'disk lost', { dryRun: true }));
    expect(await everything(ports)).toEqual(before);
    const done = await collect(declareComplete(ports, 1, undefined, 'disk lost'));
    expect(planned).toEqual(done.map((item) => ({ ...item, dryRun: true })));
    const level = (await runDoc(ports, 1))?.levels.L1;
    expect(level?.complete).toMatchObject({ subruns: [0, 2], evidence: 'declared by register@test: disk lost' });
    expect(level?.blocked).toBeUndefined();
    expect(await collect(declareComplete(ports, 1))).toMatchObject([{ did: 'unchanged' }]);
    expect(await collect(declareComplete(ports, 9))).toMatchObject([{ did: 'unknown', failed: true }]);
    expect(await collect(declareComplete(ports, 1, 'L2'))).toMatchObject([{ did: 'unknown', failed: true }]);
    bench.put('run1_1.dat', 'found', 2 * MINUTE);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 1, late: 1 });
  });
});

describe('raw headers', () => {
  const name = (run: number, subrun = 0): string => `S_${String(run).padStart(10, '0')}_00${subrun}.zdab`;

  test('give the mask; a calibration run holds later automatic passes, once', async () => {
    const { bench, ports } = await start(ZDAB);
    bench.put(name(10), zdab(10, 0b100));
    bench.put(name(11), zdab(11, 0b100000));
    const items = await bench.register(ports);
    expect(deeds(items)).toEqual({ registered: 2, typed: 2, held: 1, completed: 1 });
    expect(await runDoc(ports, 10)).toMatchObject({ mask: 4, maskFrom: 'L1 header' });
    const id = calibrationHoldId(11);
    const hold = (await ports.store.get<HoldDoc>([id])).get(id);
    expect(hold).toMatchObject({ what: 'calibration', scope: { automatic: true, runs: [[12, 9_999_999_999]] } });
    await ports.store.update<HoldDoc>(id, (doc) =>
      doc ? { write: { ...doc, ended: { at: 'now', by: 'me' } } } : { skip: '' },
    );
    expect(deeds(await collect(setMask(ports, 11, 0b100100, 'RUN table')))).toEqual({ typed: 1 });
    expect((await ports.store.get<HoldDoc>([id])).get(id)?.ended).toBeDefined();
    expect(await runDoc(ports, 11)).toMatchObject({ mask: 0b100100, maskFrom: 'RUN table' });
    expect(await bench.register(ports)).toEqual([]);
  });

  test('a mask that is known is not overridden by a header', async () => {
    const { bench, ports } = await start(ZDAB);
    bench.put(name(10), zdab(10, 4));
    await bench.register(ports);
    await collect(setMask(ports, 10, 1, 'operator'));
    bench.put(name(10, 1), zdab(10, 4), 2 * MINUTE);
    await bench.register(ports);
    expect(await runDoc(ports, 10)).toMatchObject({ mask: 1, maskFrom: 'operator' });
  });

  test('damaged, or of another run: quarantined with file and offset, not read again, released when mended', async () => {
    const { bench, ports } = await start(ZDAB);
    const bad = zdab(12, 4);
    bad.writeUInt32BE(0xdead, 8);
    bench.put(name(10), zdab(10, 4));
    bench.put(name(11), zdab(99, 4));
    bench.put(name(12), bad);
    bench.put(name(13), 'no raw file at all');
    const items = await bench.register(ports);
    expect(deeds(items)).toMatchObject({ registered: 1, quarantined: 3 });
    const text = (run: number): unknown => items.find((item) => item.run === run)?.text;
    expect(text(11)).toContain('the header says run 99');
    expect(text(12)).toMatch(/S_0000000012_000\.zdab: offset 0: /);
    expect(await bench.register(ports)).toEqual([]);
    bench.put(name(12), zdab(12, 4), 2 * MINUTE);
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 1, released: 1 });
  });

  test('a bad header does not move the reference', async () => {
    const { bench, ports } = await start(ZDAB);
    bench.put(name(10), zdab(10, 4));
    bench.put(name(900), zdab(11, 4));
    bench.put(name(1800), zdab(1800, 4));
    await bench.register(ports);
    expect(await quarantined(ports)).toEqual({ [name(900)]: 'damaged', [name(1800)]: 'beyond-max-jump' });
  });
});

describe('killed, doubled, cut off', () => {
  const fill = (bench: Bench): void => {
    for (let run = 1; run <= 30; run++) {
      for (let subrun = 0; subrun < 3; subrun++)
        if (run !== 7 || subrun !== 1) bench.put(`run${run}_${subrun}.dat`, `${run} ${subrun}`);
    }
    bench.put('run31_0.dat', '');
    bench.put('run5000_0.dat', 'absurd');
    bench.put('runx.dat', '');
  };

  /** Makes the store fail for good at its n-th write, before or after the write took place. */
  const failing = (ports: Ports, writes: number, after: boolean): Ports => {
    let left = writes;
    const store = new Proxy(ports.store, {
      get: (target, key: keyof Ports['store']) => {
        const method = (target[key] as (...args: unknown[]) => unknown).bind(target);
        if (key !== 'bulk' && key !== 'update') return method;
        return async (...args: unknown[]) => {
          if (--left > 0) return method(...args);
          if (after) await method(...args);
          throw new Error('killed');
        };
      },
    });
    return { ...ports, store };
  };

  const late = async (bench: Bench, ports: Ports): Promise<void> => {
    for (let run = 1; run <= 3; run++) bench.put(`S_000000000${run}_000.zdab`, zdab(run, 4));
    await bench.register(ports);
    bench.put('S_0000000001_001.zdab', zdab(1, 4), 2 * MINUTE);
    bench.put('S_0000000002_000.zdab', zdab(2, 8), 2 * MINUTE);
    bench.put('S_0000000004_000.zdab', zdab(4, 32), 2 * MINUTE);
  };

  test.each<[string, BenchOptions, (bench: Bench, ports: Ports) => unknown]>([
    ['first files', {}, fill],
    ['a late, a changed and a calibration file', ZDAB, late],
  ])('killed at any write, before or after it: the next round ends at the same documents (%s)', async (_, options, prepare) => {
    const { bench: whole, ports } = await start(options);
    await prepare(whole, ports);
    await whole.register(ports);
    const expected = await everything(ports);
    let kills = 0;
    for (const after of [false, true]) {
      for (let writes = 1; ; writes++) {
        const { bench, ports: fresh } = await start(options);
        await prepare(bench, fresh);
        const killed = await bench.register(failing(fresh, writes, after)).then(
          () => false,
          () => true,
        );
        if (!killed) break;
        kills++;
        await bench.register(fresh);
        expect(await everything(fresh), `write ${writes} ${after}`).toEqual(expected);
        await benches.pop()?.close();
      }
    }
    expect(kills).toBeGreaterThan(4);
  });

  test('stopped after any item, then continued: nothing twice', async () => {
    const { bench, ports } = await start();
    fill(bench);
    const seen: Item[] = [];
    for (let stop = 1; stop < 40; stop += 13) {
      let n = 0;
      for await (const item of register(await bench.ports())) {
        seen.push(item);
        if (++n === stop) break;
      }
    }
    await bench.register(ports);
    const files = (await Promise.all(Array.from({ length: 30 }, (_, i) => dataDoc(ports, i + 1)))).flatMap(
      (doc) => doc?.files ?? [],
    );
    expect(new Set(files.map((file) => file.name)).size).toBe(89);
    expect(files.length).toBe(89);
    const registered = seen.filter((item) => item.did === 'registered').map((item) => item.name);
    expect(new Set(registered).size).toBe(registered.length);
  });

  test('four at once: every file is registered, and reported, once', async () => {
    const { bench, ports } = await start();
    fill(bench);
    const all = (await Promise.all([1, 2, 3, 4].map(async () => bench.register(await bench.ports())))).flat();
    const registered = all.filter((item) => item.did === 'registered').map((item) => item.name);
    expect(registered.length).toBe(89);
    expect(new Set(registered).size).toBe(89);
    expect(all.filter((item) => item.did === 'quarantined').length).toBe(3);
    expect(await bench.register(ports)).toEqual([]);
  });

  test('a dry run says what would be done, and does nothing', async () => {
    const { bench, ports } = await start();
    fill(bench);
    bench.put('run1_0.dat', 'first');
    await bench.register(ports, { limit: 1 });
    bench.put('run1_0.dat', 'other', 2 * MINUTE);
    const before = await everything(ports);
    const planned = await bench.register(ports, { dryRun: true });
    expect(await everything(ports)).toEqual(before);
    expect(planned.length).toBeGreaterThan(90);
    const done = await bench.register(ports);
    expect(planned).toEqual(done.map((item) => ({ ...item, dryRun: true })));
  });

  test('a buffer that vanished: exit 5, nothing marked, the other levels done', async () => {
    const { bench, ports } = await start({
      buffers: [{}, { level: 'L2', path: join('/tmp', `dflow-l2-${process.pid}`) }],
    });
    const l2 = bench.settings.buffers[1]?.path ?? '';
    try {
      bench.put('run1_0.dat', 'x');
      await bench.register(ports);
      bench.put('run2_0.dat', 'x', MINUTE, 1);
      rmSync(bench.settings.buffers[0]?.path ?? '', { recursive: true });
      bench.clock += HOUR;
      const items: Item[] = [];
      const round = (async () => {
        for await (const item of register(ports)) items.push(item);
      })();
      await expect(round).rejects.toThrow(UnreachableError);
      expect(items.map((item) => [item.did, item.level])).toEqual([
        ['registered', 'L2'],
        ['completed', 'L2'],
      ]);
      expect((await runDoc(ports, 1))?.levels.L1?.complete).toBeUndefined();
      expect((await dataDoc(ports, 1))?.files[0]?.original).toEqual({ state: 'present' });
    } finally {
      rmSync(l2, { recursive: true, force: true });
    }
  });

  test('a thousand files in one go, and nothing to do after', async () => {
    const { bench, ports } = await start();
    for (let i = 0; i < 1000; i++) bench.put(`run${i}_0.dat`, `${i}`);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 1000, completed: 999 });
    expect(await bench.register(ports)).toEqual([]);
    expect(statSync(bench.settings.store.slice(7)).size).toBeGreaterThan(0);
  });
});
