// Purge over a real store and real folders, with faults: copies tampered with, killed and disturbed at every step.
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { gonePath } from '../../src/lib/domain/data/gone.ts';
import { transfer } from '../../src/lib/flow/steps/transfer/transfer.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { BusyError, UnreachableError } from '../../src/lib/util/errors.ts';
import { newReceipt, readReceipt } from '../../src/lib/util/files/receipt.ts';
import { tryLock } from '../../src/lib/util/processes/lock.ts';
import { DAY, ms } from '../../src/lib/util/time.ts';
import { closeWorlds, collect, readRun, replacing, T0, type TestPorts, world } from '../support/ports.ts';
import { dids, receipts, run } from '../support/purge.ts';
import {
  bufferPath,
  changeDoc,
  copyPath,
  DAMAGES,
  type Damage,
  onBuffer,
  originalsOf,
  rawName,
  storedRuns,
} from '../support/stored.ts';

afterEach(closeWorlds);

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

  test('an original with other bytes in its middle stays, whatever its size, time and checksum', async () => {
    const ports = await world();
    await storedRuns(ports, [1, 2], 1, 400_000);
    for (const [at, change] of [[1, [1, -2, 1]] as const, [2, [1, 0, 0]] as const]) {
      const path = bufferPath(ports, at);
      const { atime, mtime } = await stat(path);
      const bytes = await readFile(path);
      const where = middle(bytes);
      for (const [index, by] of change.entries()) bytes[where + index]! += by;
      await writeFile(path, bytes);
      await utimes(path, atime, mtime);
    }
    expect(dids(await run(ports))).toEqual([`${rawName(1)} kept`, `${rawName(2)} kept`]);
    expect(onBuffer(ports)).toEqual([rawName(1), rawName(2)]);
    expect(await originalsOf(ports, 1)).toEqual(['changed']);
  });
  /** Three bytes that bear a change with the same adler32. */
  const middle = (bytes: Buffer) =>
    bytes.findIndex((byte, at) => at > 200_000 && byte < 255 && bytes[at + 1]! > 1 && bytes[at + 2]! < 255);

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

  test('a purge of another configuration on the same buffer waits, and settles no claim of a living one', async () => {
    const ports = await disturbed(async (other) => {
      const folder = join(other.folder, 'second');
      await mkdir(folder);
      await expect(run({ ...other, settings: { ...other.settings, folder } })).rejects.toThrow(/working on the buffer/);
      expect(await originalsOf(other, 1)).toEqual(['purging']);
    });
    expect(dids(await run(ports))).toEqual([`${rawName(1)} purged`]);
    expect(await readdir(join(ports.folder, 'buffer', 'L1'))).toEqual([]);
  });

  test('a claim of another configuration that died is settled, by the receipt that lies there', async () => {
    const ports = await world();
    await storedRuns(ports, [1], 2);
    const folder = join(ports.folder, 'second');
    const receipt = newReceipt(folder, 'purge', T0, 'theirs');
    await mkdir(folder);
    await receipt.write([{ kind: 'purge', id: 'data:L1:0000000001', name: rawName(1, 1) }]);
    await receipt.close();
    const original = { state: 'purging', nonce: 'theirs', host: ports.host, lock: folder, since: T0 } as const;
    await changeDoc(ports, 1, (doc) => ({
      ...doc,
      files: doc.files.map((file) => ({ ...file, original: { ...original, receipt: receipt.name } })),
    }));
    await rename(bufferPath(ports, 1), join(ports.folder, 'buffer', 'L1', gonePath(rawName(1), 'theirs')));
    await rm(bufferPath(ports, 1, 1));
    expect(dids(await run(ports, { limit: 0 }))).toEqual([`${rawName(1)} restored`, `${rawName(1, 1)} purged`]);
    expect(onBuffer(ports)).toEqual([rawName(1)]);
    expect(await originalsOf(ports, 1)).toEqual(['present', 'purged']);
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
    await expect(run(same)).rejects.toMatchObject({ exit: 5, cause: { code: 'EEXIST' } });
    expect(readFileSync(join(ports.folder, '.dflow', 'receipts', first!), 'utf8')).toBe(text);
    expect(onBuffer(ports)).toEqual([rawName(2)]);
    expect(dids(await run(ports))).toEqual(
      [`${rawName(2)} restored`, `${rawName(2)} purged`].filter((one) => one.endsWith('purged')),
    );
    expect((await readdir(join(ports.folder, '.dflow', 'receipts'))).length).toBe(2);
  });
});
