// Turns of exclusive loops: one holder, hosts one after another, and a fence for who was stopped.
import { afterEach, expect, test } from 'vitest';
import type { LeaseDoc } from '../../../src/lib/domain/farms/farm.ts';
import { before } from '../../../src/lib/domain/farms/turns.ts';
import { takeTurn } from '../../../src/lib/flow/farms/turn.ts';
import { BusyError } from '../../../src/lib/util/errors.ts';
import { MINUTE, ms, SECOND } from '../../../src/lib/util/time.ts';
import { closeWorlds, makePorts, T0, type TestPorts, world } from '../../support/ports.ts';

afterEach(closeWorlds);

const start = ms(T0);

/** Hosts of one store, with one clock. */
async function hosts(...names: string[]) {
  let now = start;
  const clock = (): number => now;
  const first = await world({ now: clock, host: names[0]! });
  const others: TestPorts[] = [];
  for (const host of names.slice(1)) others.push(await makePorts({ folder: first.folder, now: clock, host }));
  return {
    all: [first, ...others] as const,
    clock,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    close: () => Promise.all(others.map((one) => one.close())),
  };
}

const leaseOf = async (ports: TestPorts): Promise<LeaseDoc> =>
  (await ports.store.get<LeaseDoc>(['lease:loop:x'])).get('lease:loop:x')!;

test('one round at a time, and who held the turn lets those who wait go first', async () => {
  const { all, clock, pass, close } = await hosts('a', 'b', 'c');
  const took: string[] = [];
  // While one holds the turn the next host asks in vain.
  const ask = async (ports: TestPorts): Promise<boolean> => {
    try {
      const turn = await takeTurn(ports, 'x', clock);
      took.push(ports.host);
      await expect(takeTurn(all[(all.indexOf(ports) + 1) % 3]!, 'x', clock)).rejects.toThrow(
        `${ports.by} has the turn`,
      );
      await turn.release();
      return true;
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      return false;
    }
  };
  for (let round = 0; round < 12; round++) {
    for (const ports of all) await ask(ports);
    pass(20 * SECOND);
  }
  expect(took.length).toBeGreaterThanOrEqual(12);
  for (const host of ['a', 'b', 'c']) {
    const own = took.filter((name) => name === host).length;
    expect(own, took.join('')).toBeGreaterThanOrEqual(Math.floor(took.length / 3) - 1);
  }
  expect((await leaseOf(all[0])).number).toBe(took.length);
  await close();
});

test('whoever stops asking is not waited for', async () => {
  const { all, clock, pass, close } = await hosts('a', 'b');
  const [a, b] = all;
  const turn = await takeTurn(a, 'x', clock);
  await expect(takeTurn(b!, 'x', clock)).rejects.toThrow(BusyError);
  await turn.release();
  await expect(takeTurn(a, 'x', clock)).rejects.toThrow('the next turn is that of b');
  pass(3 * MINUTE);
  await (await takeTurn(a, 'x', clock)).release();
  await close();
});

test('a holder that was stopped for longer than its lease writes nothing when it wakes', async () => {
  const { all, clock, pass, close } = await hosts('a', 'b');
  const [a, b] = all;
  const turn = await takeTurn(a, 'x', clock);
  const write = (id: string) => turn.store.update(id, () => ({ write: { _id: id, kind: 'notice', v: 1 } }));
  pass(25 * MINUTE);
  // Nobody else has it: it is renewed before the write.
  expect((await write('notice:one')).result).toBe('written');
  expect((await leaseOf(a)).renewed).toBe(await a.store.now());
  pass(31 * MINUTE);
  const other = await takeTurn(b!, 'x', clock);
  expect(other.number).toBe(turn.number + 1);
  await expect(write('notice:two')).rejects.toThrow('has lost its turn (lease:loop:x, number 1)');
  await expect(turn.store.bulk([])).rejects.toThrow(BusyError);
  await expect(turn.renew()).rejects.toThrow(BusyError);
  await turn.release();
  expect((await leaseOf(a)).released).toBeUndefined();
  expect([...(await a.store.get(['notice:one', 'notice:two'])).keys()]).toEqual(['notice:one']);
  // Reading stays allowed.
  expect((await turn.store.get(['notice:one'])).size).toBe(1);
  await close();
});

test('stopped between the look at the lease and the decision', async () => {
  const { all, clock, pass, close } = await hosts('a', 'b');
  const [a, b] = all;
  const slow = {
    ...a,
    store: new Proxy(a.store, {
      get(target, name) {
        const found: unknown = Reflect.get(target, name);
        if (name !== 'bulk' || typeof found !== 'function')
          return typeof found === 'function' ? found.bind(target) : found;
        return async (changes: unknown) => {
          pass(31 * MINUTE);
          await takeTurn(b!, 'x', clock);
          return found.call(target, changes) as unknown;
        };
      },
    }),
  };
  const turn = await takeTurn(slow, 'x', clock);
  const change = () => ({ write: { _id: 'notice:x', kind: 'notice', v: 1 } });
  await expect(turn.store.bulk([{ id: 'notice:x', change }])).rejects.toThrow('has lost its turn');
  expect((await a.store.get(['notice:x'])).size).toBe(0);
  await close();
});

test('the order of those who wait', () => {
  const seen = T0;
  const lease = { host: 'a', waiting: { b: { since: T0, seen }, c: { since: T0, seen } } } as unknown as LeaseDoc;
  expect(before(lease, { host: 'a', now: T0 })).toBe('b');
  expect(before(lease, { host: 'b', now: T0 })).toBeUndefined();
  expect(before(lease, { host: 'c', now: T0 })).toBe('b');
  expect(before(lease, { host: 'd', now: T0 })).toBe('b');
  expect(before(undefined, { host: 'd', now: T0 })).toBeUndefined();
});
