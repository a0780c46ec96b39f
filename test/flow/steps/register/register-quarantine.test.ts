// What register puts in quarantine, on a real folder and a real store; only the clock is the test's.
import { afterEach, describe, expect, test } from 'vitest';
import type { HoldDoc } from '../../../../src/lib/domain/hold.ts';
import { MINUTE } from '../../../../src/lib/util/time.ts';
import { alike } from '../../../support/alike.ts';
import { closeBenches, dataDoc, deeds, quarantined, runDoc, start } from '../../../support/buffer.ts';

afterEach(closeBenches);

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

  test('a second file with the same size and adler32 but other bytes has other content', async () => {
    const { bench, ports } = await start();
    const [bytes, others] = alike(5000);
    bench.put('run1_0.dat', bytes);
    bench.put('later/run1_0.dat', others);
    await bench.register(ports);
    await bench.register(ports);
    expect(await quarantined(ports)).toEqual({ 'later/run1_0.dat': 'other-content' });
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
