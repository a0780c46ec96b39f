// register killed, doubled, cut off and disturbed at any moment. A real folder and a real store.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Ports } from '../../src/lib/flow/ports.ts';
import { register } from '../../src/lib/flow/steps/register/register.ts';
import { UnreachableError } from '../../src/lib/util/errors.ts';
import { HOUR, MINUTE } from '../../src/lib/util/time.ts';
import {
  type Bench,
  type BenchOptions,
  closeBenches,
  dataDoc,
  deeds,
  everything,
  runDoc,
  start,
  ZDAB,
  zdab,
} from '../support/buffer.ts';
import type { Seen } from '../support/items.ts';

afterEach(closeBenches);

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
        await closeBenches();
      }
    }
    expect(kills).toBeGreaterThan(4);
  });

  test('stopped after any item, then continued: nothing twice', async () => {
    const { bench, ports } = await start();
    fill(bench);
    const seen: Seen[] = [];
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
      await bench.look(ports);
      const items: Seen[] = [];
      const round = (async () => {
        for await (const item of register(ports)) items.push(item);
      })();
      await expect(round).rejects.toThrow(UnreachableError);
      expect(items.map((item) => [item.did, item.level])).toEqual([['registered', 'L2']]);
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
