import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { rate } from '../../../../src/lib/cli/config/yaml/values.ts';
import {
  type LanesDoc,
  lanesOf,
  leaveLanes,
  type Place,
  takeLanes,
  waitForLanes,
} from '../../../../src/lib/domain/storage/lanes.ts';
import { transfer } from '../../../../src/lib/flow/steps/transfer/transfer.ts';
import { verify } from '../../../../src/lib/flow/steps/verify/verify.ts';
import { Pace } from '../../../../src/lib/util/pace.ts';
import { iso, ms, plus } from '../../../../src/lib/util/time.ts';
import { bytesOf } from '../../../contracts/storage.ts';
import type { Seen } from '../../../support/items.ts';
import {
  addRun,
  closeWorlds,
  collect,
  makePorts,
  type PortsOptions,
  readRun,
  replacing,
  T0,
  world,
} from '../../../support/ports.ts';

afterEach(closeWorlds);

const at = (seconds: number) => iso(1_800_000_000_000 + seconds * 1000);
const taker = (nonce: string, want: number, seconds = 0, gone: readonly string[] = []) => ({
  nonce,
  host: nonce,
  now: at(seconds),
  until: at(seconds + 60),
  want,
  gone: new Set(gone),
});
const place = (limit: number): Place => ({ what: 'storage', name: 'sfu', limit });

test('whatever takes, waits and leaves in whatever order: never more than the limit', () => {
  const step = fc.record({
    who: fc.integer({ min: 0, max: 4 }),
    what: fc.constantFrom('take', 'wait', 'leave'),
    want: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 60 }), (limit, steps) => {
      let doc: LanesDoc | undefined;
      for (const [index, { who, what, want }] of steps.entries()) {
        if (what === 'take' || !doc) doc = takeLanes(doc, place(limit), taker(`h${who}`, want, index / 10));
        else if (what === 'wait') doc = waitForLanes(doc, `h${who}`);
        else doc = leaveLanes(doc, `h${who}`) ?? doc;
        const sum = doc.held.reduce((all, { lanes }) => all + lanes, 0);
        expect(sum).toBeLessThanOrEqual(limit);
      }
    }),
  );
});

test('one alone has what it wants; a second gets the next free share; who waits comes before who comes again', () => {
  let doc = takeLanes(undefined, place(4), taker('a', 4));
  expect(lanesOf(doc, 'a')).toBe(4);
  doc = takeLanes(doc, place(4), taker('b', 4, 1));
  expect(lanesOf(doc, 'b')).toBe(0);
  doc = takeLanes(leaveLanes(doc, 'a')!, place(4), taker('a2', 4, 2));
  expect(lanesOf(doc, 'a2')).toBe(2);
  doc = takeLanes(doc, place(4), taker('b', 4, 3));
  expect(lanesOf(doc, 'b')).toBe(2);
  let one = takeLanes(undefined, place(1), taker('a', 1));
  one = takeLanes(one, place(1), taker('b', 1, 1));
  one = takeLanes(leaveLanes(one, 'a')!, place(1), taker('a', 1, 2));
  expect(lanesOf(one, 'a')).toBe(0);
  expect(lanesOf(takeLanes(one, place(1), taker('b', 1, 3)), 'b')).toBe(1);
});

test('what a killed host has is free when its time is over, or at once where its end is known', () => {
  const doc = takeLanes(undefined, place(2), taker('dead', 2));
  expect(lanesOf(takeLanes(doc, place(2), taker('b', 2, 59)), 'b')).toBe(0);
  expect(lanesOf(takeLanes(doc, place(2), taker('b', 2, 61)), 'b')).toBe(2);
  expect(lanesOf(takeLanes(doc, place(2), taker('b', 2, 1, ['dead'])), 'b')).toBe(2);
});

test('two hosts at once: never more copies to one element than allowed, and everything arrives', async () => {
  let now = 0;
  let most = 0;
  const wrap: PortsOptions['wrap'] = (storage) =>
    replacing(storage, {
      copyIn: async (...args) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return storage.copyIn(...args).finally(() => now--);
      },
    });
  const config = { transfer: { parallel: 4, perStorage: 3, lease: '1 min', retry: '1 min' } };
  const one = await world({ storages: ['sfu'], config, wrap });
  const two = await makePorts({ folder: one.folder, host: 'buffer2', storages: ['sfu'], config, wrap });
  for (let run = 1; run <= 6; run++) {
    await addRun(
      one,
      run,
      Array.from({ length: 5 }, (_, i) => ({ name: `r${run}_${i}`, bytes: bytesOf(`${run} ${i}`, 900) })),
    );
  }
  const items = (await Promise.all([collect(transfer(one)), collect(transfer(two))])).flat();
  const rest = await collect(transfer(one));
  await two.close();
  expect([...items, ...rest].filter(({ did }) => did === 'verified')).toHaveLength(30);
  expect(most).toBe(3);
});

test('lanes that all others have are said, and the next call goes on', async () => {
  const config = { transfer: { parallel: 2, perStorage: 2 } };
  const ports = await world({ storages: ['sfu', 'fnal'], config, now: () => ms(T0) });
  await addRun(ports, 1, [{ name: 'a', bytes: bytesOf('a', 10) }]);
  const until = plus(T0, 50_000);
  const held = [{ nonce: 'x', host: 'buffer9', lanes: 2, since: T0, until }];
  await ports.store.update<LanesDoc>('lanes:storage:sfu', () => ({
    write: { _id: 'lanes:storage:sfu', kind: 'lanes', v: 1, held },
  }));
  // No need to wait for it for real.
  const hasty = { ...ports, sleep: async () => undefined };
  const items = await collect(transfer(hasty));
  expect(items).toMatchObject([
    { kind: 'storage', ref: 'sfu', did: 'skipped', text: expect.stringContaining('buffer9') },
  ]);
  await ports.store.update<LanesDoc>('lanes:storage:sfu', (doc) => ({ write: { ...doc!, held: [] } }));
  expect((await collect(transfer(ports))).map(({ did }) => did)).toEqual(['verified', 'verified']);
});

test('a repair takes a lane as any copy does', async () => {
  const config = { transfer: { parallel: 2, perStorage: 2 } };
  const ports = await world({ storages: ['sfu', 'fnal'], config, now: () => ms(T0) });
  await addRun(ports, 1, [{ name: 'a', bytes: bytesOf('a', 10) }]);
  await collect(transfer(ports));
  const copy = (await readRun(ports, 1)).files[0]!.replicas.fnal!;
  if (copy.state === 'verified') await (await ports.storage('fnal')).remove([copy.path]);
  const until = plus(T0, 50_000);
  const held = [{ nonce: 'x', host: 'buffer9', lanes: 2, since: T0, until }];
  await ports.store.update<LanesDoc>('lanes:storage:fnal', (doc) => ({
    write: { ...(doc ?? { _id: 'lanes:storage:fnal', kind: 'lanes', v: 1 }), held },
  }));
  const repair = (hasty = {}) => collect(verify({ ...ports, ...hasty }, { repair: true }));
  const dids = (items: Seen[]) => items.filter(({ did }) => did !== 'bad' && did !== 'checked');
  expect(dids(await repair({ sleep: async () => undefined }))).toMatchObject([
    { ref: 'fnal', text: expect.stringContaining('buffer9') },
  ]);
  await ports.store.update<LanesDoc>('lanes:storage:fnal', (doc) => ({ write: { ...doc!, held: [] } }));
  expect(dids(await repair())).toMatchObject([{ did: 'repaired' }]);
});

test('a cap on bytes per second holds over all copies', async () => {
  const pace = new Pace(2_000_000);
  const began = performance.now();
  await Promise.all([pace.take(300_000), pace.take(300_000), pace.take(400_000)]);
  // 1 MB at 2 MB/s, a tenth of a second ahead: no sooner than that, however busy the machine is.
  expect(performance.now() - began).toBeGreaterThan(350);
  const stop = new AbortController();
  const waiting = pace.take(20_000_000, stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(rate.parse('200 MB/s')).toBe(200 * 2 ** 20);
  expect(rate.parse('2 GiB/s')).toBe(2 ** 31);
  expect(rate.safeParse('200 MB').success).toBe(false);
});

test('transfer keeps to the cap', async () => {
  const config = { transfer: { parallel: 4, bandwidth: '4 MB/s' } };
  const ports = await world({ storages: ['sfu'], config });
  await addRun(
    ports,
    1,
    Array.from({ length: 4 }, (_, i) => ({ name: `f${i}`, bytes: bytesOf(`f${i}`, 500_000) })),
  );
  const began = performance.now();
  expect(await collect(transfer(ports))).toHaveLength(4);
  expect(performance.now() - began).toBeGreaterThan(350);
});
