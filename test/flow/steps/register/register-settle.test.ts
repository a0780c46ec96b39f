// Half files: what is registered has lain still between two looks, whatever its own times say.
import { appendFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { DataDoc } from '../../../../src/lib/domain/data/data.ts';
import { dataId } from '../../../../src/lib/domain/ids.ts';
import type { Ports } from '../../../../src/lib/flow/ports.ts';
import { type RegisterOptions, register } from '../../../../src/lib/flow/steps/register/register.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../../../src/lib/util/time.ts';
import {
  type Bench,
  closeBenches,
  collect,
  dataDoc,
  deeds,
  quarantined,
  runDoc,
  start,
} from '../../../support/buffer.ts';

afterEach(closeBenches);

const plain = (ports: Ports, options: RegisterOptions = {}) => collect(register(ports, options));
const raw = (bench: Bench, name: string): string => join(bench.settings.buffers[0]!.path, name);

describe('two looks', () => {
  test('the first says that a second is needed, another process takes it, far enough apart', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x', DAY);
    expect(await plain(ports)).toMatchObject([{ did: 'blocked' }, { did: 'waiting', files: 1 }]);
    bench.clock += 29 * SECOND;
    expect(deeds(await plain(await bench.ports()))).toEqual({ waiting: 1 });
    bench.clock += SECOND;
    expect(deeds(await plain(await bench.ports()))).toEqual({ registered: 1 });
  });

  test('a file that was dated back and grows between the looks is looked at anew', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'half', HOUR);
    await plain(ports);
    appendFileSync(raw(bench, 'run1_0.dat'), ' whole');
    const old = new Date(bench.clock - HOUR);
    utimesSync(raw(bench, 'run1_0.dat'), old, old);
    bench.clock += MINUTE;
    expect(deeds(await plain(ports))).toEqual({ waiting: 1 });
    bench.clock += MINUTE;
    await plain(ports);
    expect((await dataDoc(ports, 1))?.files[0]?.size).toBe('half whole'.length);
  });

  test('the same size and modification time, but touched in between (ctime): looked at anew', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x', HOUR);
    await plain(ports);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const old = new Date(bench.clock - HOUR);
    utimesSync(raw(bench, 'run1_0.dat'), old, old);
    bench.clock += MINUTE;
    expect(deeds(await plain(ports))).toEqual({ waiting: 1 });
  });

  test('a call that waits takes the second look itself, a dry run as well, which remembers nothing', async () => {
    const { bench, ports } = await start();
    const slept: number[] = [];
    const sleep = async (time: number): Promise<void> => {
      slept.push(time);
      bench.clock += time;
    };
    bench.put('run1_0.dat', 'x', HOUR);
    const tried = await plain({ ...ports, sleep }, { wait: true, dryRun: true });
    expect(deeds(tried)).toEqual({ waiting: 1, registered: 1 });
    expect(tried[0]?.text).toBe('1 file waits for a second look, in 30s');
    expect(await ports.store.range({ start: 'looks:', end: 'looks:~' })).toEqual([]);
    expect(deeds(await plain({ ...ports, sleep }, { wait: true }))).toEqual({ waiting: 1, registered: 1 });
    expect(await plain({ ...ports, sleep }, { wait: true })).toEqual([]);
    expect(slept.length).toBe(2);
  });

  test('a first look that takes longer than the settle time is wait enough: the same call registers', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x', HOUR);
    let asked = 0;
    // The listing of a large buffer lies between the first two questions for the time.
    const now = async () => {
      if (asked++ === 1) bench.clock += HOUR;
      return ports.store.now();
    };
    const store = new Proxy(ports.store, {
      get: (of, name) => (name === 'now' ? now : (Reflect.get(of, name, of).bind?.(of) ?? Reflect.get(of, name, of))),
    });
    expect(deeds(await plain({ ...ports, store }, { wait: true }))).toMatchObject({ registered: 1 });
  });

  test('looks of a clock that was ahead say nothing', async () => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'x', HOUR);
    await ports.store.update('looks:test:L1', () => ({
      write: {
        _id: 'looks:test:L1',
        kind: 'looks',
        v: 1,
        host: 'test',
        level: 'L1',
        looks: [{ at: '2035-01-01T00:00:00.000Z', marks: 'x'.repeat(12) }],
      },
    }));
    expect(deeds(await plain(ports))).toMatchObject({ waiting: 1 });
    bench.clock += MINUTE;
    expect(deeds(await plain(ports))).toEqual({ registered: 1 });
  });
});

describe('times that nobody believes', () => {
  test.each([
    ['1970', 0],
    ['1980', Date.UTC(1980, 0, 1)],
    ['next year', Date.UTC(2027, 6, 14)],
  ])('%s: in quarantine once it lies still, until the copy is finished', async (_, time) => {
    const { bench, ports } = await start();
    bench.put('run1_0.dat', 'half', HOUR);
    const at = new Date(time);
    utimesSync(raw(bench, 'run1_0.dat'), at, at);
    expect(deeds(await bench.register(ports))).toMatchObject({ quarantined: 1 });
    expect(await quarantined(ports)).toEqual({ 'run1_0.dat': 'odd-time' });
    expect(await bench.register(ports)).toEqual([]);
    bench.put('run1_0.dat', 'half and half', HOUR);
    expect(deeds(await bench.register(ports))).toMatchObject({ registered: 1, released: 1 });
  });
});

describe('a run', () => {
  test('is not quiet because its files are old: the others may still come', async () => {
    const { bench, ports } = await start();
    bench.put('run5_0.dat', 'x', DAY);
    await bench.register(ports);
    expect((await runDoc(ports, 5))?.levels.L1?.complete).toBeUndefined();
    bench.put('run5_1.dat', 'y', DAY);
    bench.clock += 44 * SECOND;
    await bench.register(ports);
    bench.clock += MINUTE;
    await bench.register(ports);
    expect((await runDoc(ports, 5))?.levels.L1?.complete?.subruns).toEqual([0, 1]);
  });

  test('registered by a clock that was a year ahead: quiet some time after it was looked at rightly', async () => {
    const { bench, ports } = await start();
    bench.put('run5_0.dat', 'x', DAY);
    await bench.register(ports);
    await ports.store.update<DataDoc>(dataId('L1', 5), (doc) => {
      if (!doc) return { skip: 'none' };
      return {
        write: { ...doc, files: doc.files.map((file) => ({ ...file, registered: '2035-01-01T00:00:00.000Z' })) },
      };
    });
    await bench.register(ports);
    bench.clock += MINUTE;
    await bench.register(ports);
    expect((await runDoc(ports, 5))?.levels.L1?.complete?.evidence).toBe('quiet for 45s');
  });

  test('is not complete while a copy program writes another file of it', async () => {
    const { bench, ports } = await start();
    bench.put('run5_0.dat', 'x', DAY);
    await bench.register(ports);
    bench.clock = Date.now();
    bench.put('.run5_1.dat.Xy12Zw', 'half', 0);
    bench.put('.partial/run5_2.dat', 'half', 0);
    await bench.register(ports);
    expect((await runDoc(ports, 5))?.levels.L1?.blocked).toMatch(/Xy12Zw still open.*run5_2.dat still open/);
    bench.remove('.run5_1.dat.Xy12Zw');
    bench.remove('.partial/run5_2.dat');
    await bench.register(ports);
    expect((await runDoc(ports, 5))?.levels.L1?.complete).toBeDefined();
  });
});
