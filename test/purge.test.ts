// Purge over a real store and real folders: what may go, what never goes, killed and disturbed at every step.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { link, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { HoldDoc } from '../src/lib/domain/hold.ts';
import { runId } from '../src/lib/domain/ids.ts';
import type { QuarantineDoc, RunDoc } from '../src/lib/domain/run.ts';
import type { Item } from '../src/lib/flow/ports.ts';
import { type PurgeOptions, purge } from '../src/lib/flow/purge.ts';
import { transfer } from '../src/lib/flow/transfer.ts';
import type { Storage } from '../src/lib/storage.ts';
import { BusyError, UnreachableError } from '../src/lib/util/errors.ts';
import { tryLock } from '../src/lib/util/lock.ts';
import { readReceipt } from '../src/lib/util/receipt.ts';
import { DAY, ms } from '../src/lib/util/time.ts';
import { closeWorlds, collect, readRun, replacing, T0, type TestPorts, world } from './support/ports.ts';
import {
  bufferPath,
  changeDoc,
  completeRun,
  copyPath,
  DAMAGES,
  type Damage,
  onBuffer,
  originalsOf,
  rawName,
  storedRuns,
} from './support/stored.ts';

afterEach(closeWorlds);

const run = (ports: TestPorts, options: PurgeOptions = {}) => collect(purge(ports, options));
const dids = (items: readonly Item[]) => items.map(({ file, did, ref }) => `${file ?? ref} ${did}`);
const receipts = (ports: TestPorts): string[] => {
  try {
    return readdirSync(join(ports.folder, '.dflow', 'receipts')).sort();
  } catch {
    return [];
  }
};

describe('what may go', () => {
  test('goes, oldest run first, with a receipt that says what was checked; a second call does nothing', async () => {
    const ports = await world();
    await storedRuns(ports, [12, 3]);
    const dry = await run(ports, { dryRun: true });
    expect(dids(dry)).toEqual([
      `${rawName(3)} purged`,
      `${rawName(3, 1)} purged`,
      `${rawName(12)} purged`,
      `${rawName(12, 1)} purged`,
    ]);
    expect(onBuffer(ports)).toHaveLength(4);
    expect(receipts(ports)).toEqual([]);
    const items = await run(ports);
    expect(dids(items)).toEqual(dids(dry));
    expect(onBuffer(ports)).toEqual([]);
    expect(receipts(ports)).toHaveLength(1);
    const lines = await readReceipt(ports.folder, receipts(ports)[0]!);
    expect(lines.map((line) => line.name)).toEqual([rawName(3), rawName(3, 1), rawName(12), rawName(12, 1)]);
    const checks = lines[0]!.checks as { storage: string; how: string; adler32: string }[];
    expect(checks.map(({ storage, how }) => `${storage} ${how}`)).toEqual(['sfu read', 'fnal read', 'ral read']);
    expect(checks.every(({ adler32 }) => adler32 === lines[0]!.adler32)).toBe(true);
    const doc = await readRun(ports, 3);
    expect(doc.files.map(({ original }) => original)).toMatchObject([
      { state: 'purged', receipt: receipts(ports)[0] },
      { state: 'purged', receipt: receipts(ports)[0] },
    ]);
    expect(doc.done).toEqual(['fnal', 'ral', 'sfu']);
    expect(await run(ports)).toEqual([]);
    expect(receipts(ports)).toHaveLength(1);
    expect(await collect(transfer(ports))).toEqual([]);
  });

  test('each gate keeps its file', async () => {
    const ports = await world({ settings: { copies: { raw: 3, purgeAfter: 3 } } });
    const gates: Record<string, (ports: TestPorts, number: number) => Promise<void>> = {
      open: async (_, number) => {
        await ports.store.update<RunDoc>(runId(number), (doc) => {
          const { complete: _complete, ...level } = doc!.levels.L1!;
          return { write: { ...doc!, levels: { L1: level } } };
        });
      },
      late: async (_, number) => {
        await ports.store.update<RunDoc>(runId(number), (doc) => ({
          write: { ...doc!, levels: { L1: { ...doc!.levels.L1!, late: [rawName(number, 1)] } } },
        }));
      },
      changed: async (_, number) =>
        changeDoc(ports, number, (doc) => ({
          ...doc,
          files: doc.files.map((file) => ({ ...file, original: { state: 'changed', since: T0, why: 'other size' } })),
        })),
      elsewhere: async (_, number) => changeDoc(ports, number, (doc) => ({ ...doc, host: 'buffer2' })),
      held: async (_, number) => {
        const hold: HoldDoc = {
          _id: 'hold:q',
          kind: 'hold',
          v: 1,
          what: 'quarantine',
          scope: { runs: [[number, number]] },
          why: 'wrong crate',
          by: 'x@y',
          since: T0,
        };
        await ports.store.update<HoldDoc>(hold._id, () => ({ write: hold }));
      },
      busy: async (_, number) => copyState(number, { state: 'copying', expires: '2999-01-01T00:00:00.000Z' }),
      repaired: async (_, number) =>
        copyState(number, {
          state: 'copying',
          expires: '2999-01-01T00:00:00.000Z',
          repair: { path: 'x', why: 'flipped' },
        }),
      bad: async (_, number) => copyState(number, { state: 'bad', path: 'x', why: 'flipped' }),
      copies: async (_, number) => copyState(number, undefined),
    };
    const copyState = (number: number, more: object | undefined) =>
      changeDoc(ports, number, (doc) => ({
        ...doc,
        files: doc.files.map((file) => {
          const { ral: _ral, ...rest } = file.replicas;
          const replica = more && { attempt: 2, host: 'h', nonce: 'n', since: T0, ...more };
          return { ...file, replicas: (replica ? { ...rest, ral: replica } : rest) as typeof file.replicas };
        }),
      }));
    const numbers = Object.keys(gates).map((_, index) => index + 1);
    await storedRuns(ports, [...numbers, 99]);
    for (const [index, gate] of Object.values(gates).entries()) await gate(ports, index + 1);
    expect(dids(await run(ports))).toEqual([`${rawName(99)} purged`, `${rawName(99, 1)} purged`]);
    expect(onBuffer(ports)).toHaveLength(2 * numbers.length);
    expect(dids(await run(ports, { late: true }))).toEqual([`${rawName(2)} purged`, `${rawName(2, 1)} purged`]);
  });

  test('never the last copy, whatever is configured', async () => {
    const ports = await world({ storages: ['disk'], settings: { copies: { raw: 1, purgeAfter: 0 } } });
    await completeRun(ports, 1);
    expect(await run(ports)).toEqual([]);
    expect(onBuffer(ports)).toHaveLength(2);
    await collect(transfer(ports));
    await rm(copyPath(ports, 'disk', 1));
    expect(dids(await run(ports))).toEqual([`${rawName(1)} kept`, `${rawName(1, 1)} purged`]);
    expect(onBuffer(ports)).toEqual([rawName(1)]);
  });

  test('a copy that is the original, or another copy, by another name does not count', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'] });
    await storedRuns(ports, [1, 2], 1);
    await rm(copyPath(ports, 'fnal', 1));
    await link(bufferPath(ports, 1), copyPath(ports, 'fnal', 1));
    await rm(copyPath(ports, 'fnal', 2));
    await link(copyPath(ports, 'sfu', 2), copyPath(ports, 'fnal', 2));
    const items = await run(ports);
    expect(dids(items)).toEqual([`${rawName(1)} kept`, `${rawName(2)} kept`]);
    expect(items.map(({ text }) => text).join('\n')).toMatch(/is the original itself[\s\S]*are one file/);
    expect(onBuffer(ports)).toHaveLength(2);
  });

  test('sampled-out data go some time after the run was complete, without copies', async () => {
    let now = ms(T0) + DAY / 2;
    const ports = await world({ now: () => now, settings: { purge: { reads: 3, sampledAfter: DAY } } });
    await completeRun(ports, 1);
    await changeDoc(ports, 1, (doc) => ({ ...doc, keep: { kept: false, rule: '10 % by run number' } }));
    expect(await run(ports)).toEqual([]);
    now += DAY;
    const items = await run(ports);
    expect(items.map(({ did, rule }) => `${did} ${rule}`)).toEqual(['purged sampled-out', 'purged sampled-out']);
    const [line] = await readReceipt(ports.folder, receipts(ports)[0]!);
    expect(line).toMatchObject({ rule: 'sampled-out', checks: [] });
  });

  test('--until-free: no more than is needed; says so when it cannot', async () => {
    const ports = await world();
    await storedRuns(ports, [1, 2, 3], 1, 1000);
    const total = 10_000;
    const space = async () => ({ total, free: total - 7000 - 1000 * onBuffer(ports).length });
    expect(dids(await run(ports, { untilFree: 0.2, space, dryRun: true }))).toEqual([
      `${rawName(1)} purged`,
      `${rawName(2)} purged`,
    ]);
    expect(dids(await run(ports, { untilFree: 0.2, space }))).toEqual([`${rawName(1)} purged`, `${rawName(2)} purged`]);
    expect(onBuffer(ports)).toEqual([rawName(3)]);
    expect(await run(ports, { untilFree: 0.2, space })).toEqual([]);
    const short = await run(ports, { untilFree: 0.9, space });
    expect(dids(short)).toEqual([`${rawName(3)} purged`, 'L1 short']);
    expect(short.at(-1)).toMatchObject({ failed: true, next: 'dflow why buffer' });
  });

  test('limit, runs and levels narrow it', async () => {
    const ports = await world({ levels: ['L1', 'L2'] });
    await completeRun(ports, 1, 1);
    await completeRun(ports, 1, 1, 500, 'L2');
    await storedRuns(ports, [2, 3], 2);
    expect(dids(await run(ports, { levels: ['L2'] }))).toEqual([`${rawName(1)} purged`]);
    expect(onBuffer(ports, 'L2')).toEqual([]);
    expect(dids(await run(ports, { limit: 2 }))).toEqual([`${rawName(1)} purged`, `${rawName(2)} purged`]);
    expect(dids(await run(ports, { runs: (number) => number === 3 }))).toEqual([
      `${rawName(3)} purged`,
      `${rawName(3, 1)} purged`,
    ]);
    expect(onBuffer(ports)).toEqual([rawName(2, 1)]);
  });

  test('quarantined junk only with --junk, and never what may be data', async () => {
    const ports = await world();
    await storedRuns(ports, [1], 1);
    const put = async (file: string, reason: QuarantineDoc['reason']) => {
      const path = join(ports.folder, 'buffer', 'L1', file);
      await writeFile(path, file === 'empty.zdab' ? '' : 'junk');
      await utimes(path, new Date(T0), new Date(T0));
      const { size } = statSync(path);
      const doc: QuarantineDoc = {
        _id: `quarantine:L1:${file}`,
        kind: 'quarantine',
        v: 1,
        level: 'L1',
        name: file,
        reason,
        detail: reason,
        size,
        modified: T0,
        at: T0,
      };
      await ports.store.update<QuarantineDoc>(doc._id, () => ({ write: doc }));
    };
    await put('empty.zdab', 'empty');
    await put('odd.name', 'unparsable-name');
    await put('grew.zdab', 'damaged');
    await writeFile(join(ports.folder, 'buffer', 'L1', 'grew.zdab'), 'it grew');
    await put('far.zdab', 'beyond-max-jump');
    await put('op.zdab', 'operator');
    expect(dids(await run(ports))).toEqual([`${rawName(1)} purged`]);
    expect(onBuffer(ports)).toHaveLength(5);
    const items = await run(ports, { junk: true });
    expect(items.map((item) => `${item.name} ${item.did}`).sort()).toEqual([
      'empty.zdab purged',
      'grew.zdab kept',
      'odd.name purged',
    ]);
    expect(onBuffer(ports)).toEqual(['far.zdab', 'grew.zdab', 'op.zdab']);
    expect((await ports.store.get(['quarantine:L1:empty.zdab', 'quarantine:L1:grew.zdab'])).size).toBe(1);
    expect(receipts(ports)).toHaveLength(2);
  });
});

describe('what was tampered with after it was verified', () => {
  const damages = Object.keys(DAMAGES) as Damage[];

  test.each(damages)('a %s copy keeps the original', async (damage) => {
    const ports = await world();
    await storedRuns(ports, [1], 3);
    await DAMAGES[damage](copyPath(ports, 'fnal', 1, 1));
    expect(dids(await run(ports))).toEqual(
      [`${rawName(1)} purged`, `${rawName(1, 1)} kept`, `${rawName(1, 2)} purged`].sort(byKept),
    );
    expect(onBuffer(ports)).toEqual([rawName(1, 1)]);
    expect(await originalsOf(ports, 1)).toEqual(['purged', 'present', 'purged']);
  });
  const byKept = (a: string, b: string) => Number(b.endsWith('kept')) - Number(a.endsWith('kept'));

  test('a server that remembers checksums is not believed', async () => {
    const remembered = new Map<string, Awaited<ReturnType<Storage['checksum']>>>();
    const caching = (storage: Storage): Storage => {
      const checksum: Storage['checksum'] = async (path) => {
        const key = `${storage.name} ${path}`;
        const sum = remembered.get(key) ?? (await storage.checksum(path));
        remembered.set(key, sum);
        return sum;
      };
      const readChecksum = (path: string) => storage.checksum(path);
      return replacing(storage, { checksum, readChecksum });
    };
    const ports = await world({ wrap: caching });
    await storedRuns(ports, [1, 2, 3], 1);
    for (const [index, site] of ['sfu', 'fnal', 'ral'].entries()) {
      const copy = `L1/0/${rawName(index + 1)}`;
      await (await ports.storage(site)).checksum(copy);
      await DAMAGES.silent(copyPath(ports, site, index + 1));
    }
    const items = await run(ports);
    expect(items.map(({ did }) => did)).toEqual(['kept', 'kept', 'kept']);
    expect(onBuffer(ports)).toHaveLength(3);
  });

  test('a storage element that cannot be asked keeps everything; said once', async () => {
    let down = false;
    const ports = await world({
      wrap: (storage) =>
        replacing(storage, {
          readChecksum: (path) =>
            down && storage.name === 'ral'
              ? Promise.reject(new UnreachableError('ral does not answer'))
              : storage.readChecksum(path),
        }),
    });
    await storedRuns(ports, [1, 2], 2);
    down = true;
    const items = await run(ports);
    expect(items.filter(({ kind }) => kind === 'storage')).toHaveLength(1);
    expect(items.every(({ did }) => did !== 'purged')).toBe(true);
    expect(onBuffer(ports)).toHaveLength(4);
    expect(await originalsOf(ports, 1)).toEqual(['present', 'present']);
  });
});

describe('disturbed while the copies are read', () => {
  /** Ports in which `disturb` runs once, while the first copy is checked. */
  const disturbed = async (disturb: (ports: TestPorts) => Promise<unknown>): Promise<TestPorts> => {
    let armed = false;
    const ports: TestPorts = await world({
      wrap: (storage) =>
        replacing(storage, {
          readChecksum: async (path) => {
            if (armed) {
              armed = false;
              await disturb(ports);
            }
            return storage.readChecksum(path);
          },
        }),
    });
    await storedRuns(ports, [1], 1);
    armed = true;
    return ports;
  };
  const replica = (ports: TestPorts, more: object) =>
    changeDoc(ports, 1, (doc) => ({
      ...doc,
      files: doc.files.map((file) => ({
        ...file,
        replicas: { ...file.replicas, sfu: { ...file.replicas.sfu, ...more } } as typeof file.replicas,
      })),
    }));

  test.each<[string, (ports: TestPorts) => Promise<unknown>]>([
    ['verify marks a copy bad', (ports) => replica(ports, { state: 'bad', why: 'flipped' })],
    ['a repair is registered', (ports) => replica(ports, { state: 'copying', expires: '2999-01-01T00:00:00.000Z' })],
    ['a copy was made anew', (ports) => replica(ports, { attempt: 7 })],
    ['the original is written to', (ports) => writeFile(bufferPath(ports, 1), 'something else')],
    ['the original is touched', (ports) => utimes(bufferPath(ports, 1), new Date(0), new Date(0))],
  ])('%s: the original stays and is present again', async (_, disturb) => {
    const ports = await disturbed(disturb);
    expect(dids(await run(ports))).toEqual([`${rawName(1)} kept`]);
    expect(onBuffer(ports)).toEqual([rawName(1)]);
    expect(await originalsOf(ports, 1)).toEqual(['present']);
  });

  test('what is being purged is no source of a copy, and no second purge runs', async () => {
    const seen: unknown[] = [];
    const ports = await disturbed(async (other) => {
      seen.push(await originalsOf(other, 1));
      await changeDoc(other, 1, (doc) => ({ ...doc, files: doc.files.map((file) => ({ ...file, replicas: {} })) }));
      seen.push(await collect(transfer(other)));
      await expect(run(other)).rejects.toThrow(BusyError);
    });
    expect(dids(await run(ports))).toEqual([`${rawName(1)} kept`]);
    expect(seen).toEqual([['purging'], []]);
    expect(onBuffer(ports)).toEqual([rawName(1)]);
  });

  test('the lock file alone keeps a second purge away', async () => {
    const ports = await world();
    await storedRuns(ports, [1], 1);
    await run(ports, { limit: 0 });
    const lock = tryLock(join(ports.folder, '.dflow', 'purge.lock'));
    await expect(run(ports)).rejects.toThrow(/another purge/);
    lock?.release();
    expect(dids(await run(ports))).toEqual([`${rawName(1)} purged`]);
  });
});

describe('killed', () => {
  class Killed extends Error {}

  /** The same ports in a process that dies at its `last`-th call, before or after that call took effect. */
  function dying(ports: TestPorts, last: number, after: boolean): { ports: TestPorts; calls: () => number } {
    let count = 0;
    const mortal = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(_, key) {
          const value = Reflect.get(target, key) as unknown;
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (key === 'localPath' || key === 'url') return Reflect.apply(value, target, args) as unknown;
            count++;
            if (count > last || (count === last && !after)) return Promise.reject(new Killed());
            const result = Reflect.apply(value, target, args) as unknown;
            return count === last ? Promise.resolve(result).then(() => Promise.reject(new Killed())) : result;
          };
        },
      });
    const storage = async (site: string) => mortal(await ports.storage(site));
    const buffer = async (level: string) => mortal(await ports.buffer(level));
    return { ports: { ...ports, store: mortal(ports.store), storage, buffer }, calls: () => count };
  }

  test.each([false, true])('at every call, its effect there or not (%s): the next one settles it', async (after) => {
    let kills = 0;
    for (let last = 1; ; last += 1) {
      const ports = await world({ storages: ['sfu'] });
      await storedRuns(ports, [1], 2, 100);
      const victim = dying(ports, last, after);
      const died = await run(victim.ports).then(
        () => false,
        (error: unknown) => {
          if (error instanceof Killed) return true;
          throw error;
        },
      );
      // What is gone is named by a receipt, whatever the documents say.
      const lines = (await Promise.all(receipts(ports).map((one) => readReceipt(ports.folder, one)))).flat();
      const there = onBuffer(ports);
      for (const one of [rawName(1), rawName(1, 1)]) {
        expect(there.includes(one) || lines.some((line) => line.name === one)).toBe(true);
      }
      await run(ports);
      expect(onBuffer(ports)).toEqual([]);
      expect(await originalsOf(ports, 1)).toEqual(['purged', 'purged']);
      for (const { original, name: file } of (await readRun(ports, 1)).files) {
        const path = join(ports.folder, '.dflow', 'receipts', (original as { receipt: string }).receipt);
        expect(readFileSync(path, 'utf8')).toContain(file);
      }
      await closeWorlds();
      if (!died) break;
      kills++;
    }
    expect(kills).toBeGreaterThan(10);
  });

  test('a receipt is never overwritten', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'], now: () => ms(T0) + DAY });
    await storedRuns(ports, [1, 2], 1, 100);
    const same = { ...ports, nonce: () => 'same' };
    await run(same, { limit: 1 });
    const [first] = receipts(ports);
    const text = readFileSync(join(ports.folder, '.dflow', 'receipts', first!), 'utf8');
    await expect(run(same)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(join(ports.folder, '.dflow', 'receipts', first!), 'utf8')).toBe(text);
    expect(onBuffer(ports)).toEqual([rawName(2)]);
    expect(dids(await run(ports))).toEqual(
      [`${rawName(2)} restored`, `${rawName(2)} purged`].filter((one) => one.endsWith('purged')),
    );
    expect((await readdir(join(ports.folder, '.dflow', 'receipts'))).length).toBe(2);
  });
});
