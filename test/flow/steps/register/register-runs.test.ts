import { afterEach, describe, expect, test } from 'vitest';
import type { HoldDoc } from '../../../../src/lib/domain/hold.ts';
import { declareComplete } from '../../../../src/lib/flow/steps/register/register.ts';
import { calibrationHoldId, setMasks } from '../../../../src/lib/flow/switches/mask.ts';
import { HOUR, MINUTE, SECOND } from '../../../../src/lib/util/time.ts';
import {
  closeBenches,
  collect,
  dataDoc,
  deeds,
  everything,
  quarantined,
  runDoc,
  start,
  ZDAB,
  zdab,
} from '../../../support/buffer.ts';

afterEach(closeBenches);

describe('runs', () => {
  test('complete by a later run, with the evidence frozen; the last one by quiet', async () => {
    const { bench, ports } = await start();
    for (const name of ['run1_0.dat', 'run1_1.dat', 'run3_0.dat']) bench.put(name, name);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 3, completed: 1 });
    const frozen = (await runDoc(ports, 1))?.levels.L1?.complete;
    expect(frozen).toMatchObject({ subruns: [0, 1], evidence: '3 seen' });
    expect((await runDoc(ports, 3))?.levels.L1?.complete).toBeUndefined();
    bench.clock += 6 * MINUTE;
    expect(await bench.register(ports)).toMatchObject([{ did: 'completed', run: 3, evidence: 'quiet for 45s' }]);
    expect((await runDoc(ports, 1))?.levels.L1?.complete).toEqual(frozen);
    expect(await bench.register(ports)).toEqual([]);
  });

  test('old data: all but the last run are complete at once, that one after a while without another file', async () => {
    const { bench, ports } = await start();
    for (let run = 1; run <= 20; run++) bench.put(`run${run}_0.dat`, 'x', HOUR);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 20, completed: 19 });
    bench.clock += MINUTE;
    expect(await bench.register(ports)).toMatchObject([{ did: 'completed', run: 20, evidence: 'quiet for 45s' }]);
  });

  test('old data that come in another order: a run that came before is no sign that this one is over', async () => {
    const { bench, ports } = await start();
    bench.put('run2_0.dat', 'x', HOUR);
    await bench.register(ports);
    bench.clock += SECOND;
    bench.put('run1_0.dat', 'x', 2 * HOUR);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 1 });
    bench.clock += SECOND;
    bench.put('run1_1.dat', 'x', 2 * HOUR);
    expect(deeds(await bench.register(ports))).toEqual({ registered: 1 });
    bench.clock += MINUTE;
    expect(deeds(await bench.register(ports))).toEqual({ completed: 2 });
    expect((await runDoc(ports, 1))?.levels.L1?.complete?.subruns).toEqual([0, 1]);
  });

  test('a level below the folder of another with the same names has its files alone', async () => {
    const { bench, ports } = await start();
    const [outer] = bench.settings.buffers;
    const inner = { ...outer!, level: 'L2', path: `${outer!.path}/l2` };
    bench.settings = { ...bench.settings, buffers: [outer!, inner] };
    const both = { ...ports, settings: bench.settings };
    bench.put('run1_0.dat', 'x');
    bench.put('l2/run2_0.dat', 'y');
    const found = (await bench.register(both)).filter(({ did }) => did === 'registered');
    expect(found.map(({ level, run }) => `${level} ${run}`)).toEqual(['L1 1', 'L2 2']);
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
    expect(deeds(await collect(setMasks(ports, [{ run: 11, mask: 0b100100, from: 'RUN table' }])))).toEqual({
      typed: 1,
    });
    expect((await ports.store.get<HoldDoc>([id])).get(id)?.ended).toBeDefined();
    expect(await runDoc(ports, 11)).toMatchObject({ mask: 0b100100, maskFrom: 'RUN table' });
    expect(await bench.register(ports)).toEqual([]);
  });

  test('a mask that is known is not overridden by a header', async () => {
    const { bench, ports } = await start(ZDAB);
    bench.put(name(10), zdab(10, 4));
    await bench.register(ports);
    await collect(setMasks(ports, [{ run: 10, mask: 1, from: 'operator' }]));
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
