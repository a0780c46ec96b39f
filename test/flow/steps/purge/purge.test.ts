import { link, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { HoldDoc } from '../../../../src/lib/domain/hold.ts';
import { runId } from '../../../../src/lib/domain/ids.ts';
import type { RunDoc } from '../../../../src/lib/domain/runs/run.ts';
import { transfer } from '../../../../src/lib/flow/steps/transfer/transfer.ts';
import { readReceipt } from '../../../../src/lib/util/files/receipt.ts';
import { DAY, ms } from '../../../../src/lib/util/time.ts';
import { closeWorlds, collect, readRun, replacing, T0, type TestPorts, world } from '../../../support/ports.ts';
import { dids, receipts, run } from '../../../support/purge.ts';
import {
  bufferPath,
  changeDoc,
  completeRun,
  copyPath,
  onBuffer,
  rawName,
  storedRuns,
} from '../../../support/stored.ts';

afterEach(closeWorlds);

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

  test('costs what may go: files without enough copies that can be asked are not even read', async () => {
    const ports = await world();
    await storedRuns(ports, [3, 7, 12]);
    await changeDoc(ports, 7, (doc) => ({
      ...doc,
      files: doc.files.map(({ replicas: { ral: _, ...replicas }, ...file }) => ({ ...file, replicas })),
    }));
    const read = new Set<string>();
    const get: typeof ports.store.get = async (ids) => {
      for (const id of ids) read.add(id);
      return ports.store.get(ids);
    };
    const counting = { ...ports, store: replacing(ports.store, { get }) };
    expect(dids(await run(counting, { dryRun: true }))).toHaveLength(4);
    const data = () => [...read].filter((id) => id.startsWith('data:')).map((id) => Number(id.split(':')[2]));
    expect(data()).toEqual([3, 12]);

    read.clear();
    const scope = { storages: ['fnal'] };
    const hold: HoldDoc = {
      _id: 'hold:s',
      kind: 'hold',
      v: 1,
      what: 'storage',
      scope,
      why: 'down',
      by: 'x@y',
      since: T0,
    };
    await ports.store.update<HoldDoc>(hold._id, () => ({ write: hold }));
    expect(await run(counting, { dryRun: true })).toEqual([]);
    expect(data()).toEqual([]);
  });

  test('each gate keeps its file', async () => {
    const ports = await world();
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
    const careful = await world({ storages: ['disk'] });
    const ports = { ...careful, settings: { ...careful.settings, copies: { raw: 1, purgeAfter: 0 } } };
    await completeRun(ports, 1);
    expect(await run(ports)).toEqual([]);
    expect(onBuffer(ports)).toHaveLength(2);
    await collect(transfer(ports));
    await rm(copyPath(ports, 'disk', 1));
    expect(dids(await run(ports))).toEqual([`${rawName(1)} kept`, `${rawName(1, 1)} purged`]);
    expect(onBuffer(ports)).toEqual([rawName(1)]);
  });

  /** The elements `names` as servers would be: their folders are not on this machine. */
  function served(ports: TestPorts, names: Readonly<Record<string, string>>): TestPorts {
    const storage = async (name: string) => {
      const real = await ports.storage(names[name] ?? name);
      return name in names ? replacing(real, { localPath: () => undefined }) : real;
    };
    return { ...ports, storage };
  }

  test('two addresses of one element are one copy; two elements of the same paths are two', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'] });
    await storedRuns(ports, [1], 1);
    const [item] = await run(served(ports, { sfu: 'sfu', fnal: 'sfu' }));
    expect(item).toMatchObject({ did: 'kept', text: expect.stringContaining('fnal and sfu are one place') });
    expect(onBuffer(ports)).toHaveLength(1);
    expect(await readdir(join(copyPath(ports, 'sfu', 1), '..'))).toEqual([rawName(1)]);
    expect(dids(await run(served(ports, { sfu: 'sfu', fnal: 'fnal' })))).toEqual([`${rawName(1)} purged`]);
    expect(await readdir(join(copyPath(ports, 'sfu', 1), '..'))).toEqual([rawName(1)]);
  });

  test('a buffer that is served is no copy of itself', async () => {
    const ports = await world({ storages: ['sfu'], config: { copies: { raw: 1 } } });
    await storedRuns(ports, [1], 1);
    const folder = join(copyPath(ports, 'sfu', 1), '..');
    await rm(folder, { recursive: true });
    await symlink(join(bufferPath(ports, 1), '..'), folder);
    const [item] = await run(served(ports, { sfu: 'sfu' }));
    expect(item).toMatchObject({
      did: 'kept',
      text: expect.stringMatching(/the original itself: sfu and .*are one place/),
    });
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
    expect(items.map(({ text }) => text).join('\n')).toMatch(
      /the original itself: .* one file\n.*[^:] .* are one file/,
    );
    expect(onBuffer(ports)).toHaveLength(2);
  });

  test('sampled-out data go some time after the run was complete, without copies', async () => {
    let now = ms(T0) + DAY / 2;
    const ports = await world({ now: () => now, config: { purge: { sampledAfter: '1 d' } } });
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
});
