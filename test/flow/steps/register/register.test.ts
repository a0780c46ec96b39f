// register on a real folder and a real store; only the clock is the test's.
import { appendFileSync, renameSync, rmSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Storage } from '../../../../src/lib/storage.ts';
import { UsageError } from '../../../../src/lib/util/errors.ts';
import { HOUR, MINUTE } from '../../../../src/lib/util/time.ts';
import {
  type BenchOptions,
  closeBenches,
  copied,
  dataDoc,
  deeds,
  everything,
  quarantined,
  runDoc,
  start,
} from '../../../support/buffer.ts';

afterEach(closeBenches);

const MARKER = { buffers: [{ closed: 'marker' as const }] };

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
    const { bench, ports } = await start({ buffers: [pattern('.dat'), { level: 'L2', ...pattern('.l2.dat') }] });
    bench.put('S_0000000001_000.dat', 'one');
    bench.put('S_0000000001_000.l2.dat', 'two!');
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
    ['rewritten in place', (path) => utimesSync(path, new Date('2020-01-01'), new Date('2020-01-01'))],
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

  test('after registration: reported every time, marked once, not replaced while there is a copy', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'content');
    await bench.register(ports);
    await copied(ports, 1);
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
    expect(deeds(await bench.register(ports))).toEqual({ restored: 1, released: 1 });
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
