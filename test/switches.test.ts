// Switches of storage elements and transfers: primary, disabled, cancelled, set aside by the circuit breaker.
import { afterEach, expect, test } from 'vitest';
import { afterFailure, afterSuccess, asideNow } from '../src/lib/domain/breaker.ts';
import { activeHolds, resume } from '../src/lib/flow/holds.ts';
import type { Item } from '../src/lib/flow/ports.ts';
import { purge } from '../src/lib/flow/purge.ts';
import { disable, primaryOf, setPrimary } from '../src/lib/flow/storage.ts';
import { cancelTransfers } from '../src/lib/flow/transfer/cancel.ts';
import { transfer } from '../src/lib/flow/transfer.ts';
import { verify } from '../src/lib/flow/verify.ts';
import type { Storage } from '../src/lib/storage.ts';
import { UnreachableError, UsageError } from '../src/lib/util/errors.ts';
import { DAY, HOUR, iso, MINUTE, ms } from '../src/lib/util/time.ts';
import { collect, makePorts, type PortsOptions, readRun, T0, type TestPorts } from './support/ports.ts';
import { completeRun, onBuffer, storedRuns } from './support/stored.ts';

const open: TestPorts[] = [];
async function world(options: PortsOptions = {}): Promise<TestPorts> {
  const ports = await makePorts(options);
  open.push(ports);
  return ports;
}
afterEach(async () => {
  for (const ports of open.splice(0)) await ports.remove();
});

const to = (items: readonly Item[]) => items.filter(({ did }) => did === 'verified').map(({ storage }) => storage);

test('another primary for a while: files go there first, also beyond copies.raw; then everything is as before', async () => {
  let now = ms(T0);
  const ports = await world({ now: () => now, settings: { copies: { raw: 2, purgeAfter: 2 } } });
  await completeRun(ports, 1, 1);
  const options = { why: 'network', until: iso(now + DAY) };
  await expect(collect(setPrimary(ports, 'rall', options))).rejects.toThrow(UsageError);
  await collect(setPrimary(ports, 'fnal', options));
  await collect(setPrimary(ports, 'ral', options));
  expect(primaryOf(ports.settings, await activeHolds(ports.store, iso(now)))).toBe('ral');
  expect(to(await collect(transfer(ports)))).toEqual(['ral', 'sfu', 'fnal']);
  now += 2 * DAY;
  await completeRun(ports, 2, 1);
  expect(primaryOf(ports.settings, await activeHolds(ports.store, iso(now)))).toBe('sfu');
  expect(to(await collect(transfer(ports)))).toEqual(['sfu', 'fnal']);
});

test('a disabled element is left alone by transfer, verify and purge until its time is over', async () => {
  let now = ms(T0);
  const ports = await world({ now: () => now });
  await storedRuns(ports, [1], 1);
  await collect(disable(ports, 'fnal', { why: 'tape moves', until: iso(now + DAY) }));
  await completeRun(ports, 2, 1);
  expect(to(await collect(transfer(ports)))).toEqual(['sfu', 'ral']);
  expect((await collect(verify(ports))).map(({ ref, did }) => `${ref} ${did}`).sort()).toEqual([
    'fnal skipped',
    'ral checked',
    'sfu checked',
  ]);
  expect(await collect(purge(ports))).toEqual([]);
  now += 2 * DAY;
  expect(to(await collect(transfer(ports)))).toEqual(['fnal']);
  expect((await collect(purge(ports))).map(({ did }) => did)).toEqual(['purged', 'purged']);
});

test('cancelled transfers stop, leave nothing, and stay cancelled until resumed', async () => {
  let cancelled: Item[] = [];
  let armed = true;
  const ports: TestPorts = await world({
    storages: ['sfu', 'fnal'],
    settings: { transfer: { parallel: 1, lease: 60, retry: MINUTE } },
    wrap: (storage: Storage) =>
      new Proxy(storage, {
        get(target, key) {
          const value = Reflect.get(target, key) as unknown;
          if (key !== 'copyIn' || typeof value !== 'function')
            return typeof value === 'function' ? value.bind(target) : value;
          return async (...args: Parameters<Storage['copyIn']>) => {
            if (armed && storage.name === 'fnal') {
              armed = false;
              cancelled = await collect(
                cancelTransfers(ports, { storages: ['fnal'], runs: [[1, 1]] }, { why: 'stop' }),
              );
              // Longer than the renewal, which finds that the slot is gone.
              await new Promise((resolve) => setTimeout(resolve, 100));
            }
            return target.copyIn(...args);
          };
        },
      }),
  });
  await completeRun(ports, 1, 2);
  await completeRun(ports, 2, 1);
  const items = await collect(transfer(ports));
  expect(cancelled.map(({ did, file }) => `${did} ${file ?? ''}`.trim())).toEqual([
    'paused',
    'canceled SNOP_0000000001_000.zdab',
    'canceled SNOP_0000000001_001.zdab',
  ]);
  expect(
    items.filter(({ storage, did }) => storage === 'fnal' && did === 'verified').map(({ ref }) => ref),
  ).not.toContain('1');
  expect(to(await collect(transfer(ports))).filter((name) => name === 'fnal').length).toBeLessThanOrEqual(1);
  expect((await readRun(ports, 1)).done).toEqual(['sfu']);
  const [hold] = await activeHolds(ports.store, await ports.store.now());
  await collect(resume(ports, [hold!._id], 'go on'));
  await collect(transfer(ports));
  expect((await readRun(ports, 1)).done).toEqual(['fnal', 'sfu']);
});

test('an element that fails again and again is set aside, said once; tried again later, put back when it works', async () => {
  let now = ms(T0);
  let down = true;
  let calls = 0;
  const ports = await world({
    now: () => now,
    storages: ['sfu', 'fnal'],
    settings: { breaker: { failures: 3, aside: HOUR } },
    wrap: (storage) =>
      new Proxy(storage, {
        get(target, key) {
          const value = Reflect.get(target, key) as unknown;
          if (typeof value !== 'function') return value;
          if (storage.name !== 'fnal' || key !== 'stat') return value.bind(target);
          return (paths: string[]) => {
            calls++;
            return down ? Promise.reject(new UnreachableError('fnal is down')) : target.stat(paths);
          };
        },
      }),
  });
  await completeRun(ports, 1, 2);
  const said = async () =>
    (await collect(transfer(ports))).filter(({ kind }) => kind === 'storage').map(({ did }) => did);
  expect(await said()).toEqual(['skipped']);
  expect(await said()).toEqual(['skipped']);
  expect(await said()).toEqual(['skipped', 'aside']);
  const before = calls;
  const quiet = await collect(transfer(ports));
  expect(quiet).toMatchObject([{ did: 'skipped', ref: 'fnal' }]);
  expect(quiet[0]?.failed).toBeUndefined();
  expect(calls).toBe(before);
  // Asked for by name it is tried all the same.
  expect((await collect(transfer(ports, { to: ['fnal'] }))).some(({ failed }) => failed)).toBe(true);
  expect(calls).toBeGreaterThan(before);
  now += 7 * HOUR;
  down = false;
  expect(to(await collect(transfer(ports)))).toEqual(['fnal', 'fnal']);
  expect((await ports.store.get(['storage:fnal'])).get('storage:fnal')).toMatchObject({ causes: {} });
  expect(onBuffer(ports)).toHaveLength(2);
});

test('a breaker counts by cause, doubles its time, at most six hours', () => {
  const rules = { failures: 2, aside: HOUR };
  const fail = (doc: Parameters<typeof afterFailure>[0], cause: 'full' | 'unreachable', at: string) =>
    afterFailure(doc, 'ral', { cause, why: cause }, rules, at);
  const one = fail(fail(undefined, 'full', T0), 'unreachable', T0);
  expect(asideNow(one, T0)).toBeUndefined();
  let doc = fail(one, 'full', T0);
  expect(asideNow(doc, T0)).toMatchObject({ cause: 'full', until: iso(ms(T0) + HOUR), failures: 2 });
  expect(asideNow(doc, iso(ms(T0) + HOUR))).toBeUndefined();
  const times = [2, 4, 6, 6].map((hours) => {
    doc = fail(doc, 'full', T0);
    return asideNow(doc, T0)?.until === iso(ms(T0) + hours * HOUR);
  });
  expect(times).toEqual([true, true, true, true]);
  expect(afterSuccess(doc)?.causes).toEqual({});
  expect(afterSuccess(afterSuccess(doc))).toBeUndefined();
});
