// Transfer over a real store and real folders, with faults: sources that change or rot, destinations that are down, full,
// forbidden or disabled.

import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { SCHEMA } from '../../../../src/lib/domain/doc.ts';
import type { HoldDoc } from '../../../../src/lib/domain/hold.ts';
import { transfer } from '../../../../src/lib/flow/steps/transfer/transfer.ts';
import { CredentialsError, UnreachableError } from '../../../../src/lib/util/errors.ts';
import { MINUTE, ms } from '../../../../src/lib/util/time.ts';
import { bytesOf } from '../../../contracts/storage.ts';
import { dids, file } from '../../../support/copies.ts';
import type { Seen } from '../../../support/items.ts';
import { addRun, closeWorlds, collect, readRun, replacing, T0, type TestPorts, world } from '../../../support/ports.ts';
import { onDisk } from '../../../support/stored.ts';

afterEach(closeWorlds);

async function putHold(ports: TestPorts, what: HoldDoc['what'], scope: HoldDoc['scope']): Promise<void> {
  const doc: HoldDoc = {
    _id: 'hold:test',
    kind: 'hold',
    v: SCHEMA,
    what,
    scope,
    why: 'network trouble',
    by: 'x@y',
    since: T0,
  };
  await ports.store.update<HoldDoc>(doc._id, () => ({ write: doc }));
}

describe('the source', () => {
  test('truncated on the buffer: the original is marked, nothing is published, and it is said once', async () => {
    const ports = await world();
    await addRun(ports, 1, [file('a', 5000), file('b', 5000)]);
    await truncate(join(ports.folder, 'buffer/L1/a'), 100);
    const items = await collect(transfer(ports));
    expect(items.filter((item) => item.failed).map((item) => item.text)).toEqual([
      'a to sfu: original changed: a at buffer L1 has 100 bytes, 5000 were registered',
    ]);
    const doc = await readRun(ports, 1);
    expect(doc.files[0]!.original.state).toBe('changed');
    expect(doc.files[1]!.replicas.ral?.state).toBe('verified');
    expect([...(await onDisk(ports, 'sfu')).keys()]).toEqual(['L1/0/b']);
    expect(await collect(transfer(ports))).toEqual([]);
  });

  test('other bytes of the same size are found while copying', async () => {
    const ports = await world({ storages: ['sfu'] });
    await addRun(ports, 1, [file('a', 5000)]);
    await writeFile(join(ports.folder, 'buffer/L1/a'), bytesOf('changed', 5000));
    const [item] = await collect(transfer(ports));
    expect(item).toMatchObject({ did: 'failed', storage: 'sfu' });
    expect((await readRun(ports, 1)).files[0]!.original).toMatchObject({ state: 'changed' });
    expect((await onDisk(ports, 'sfu')).size).toBe(0);
  });

  test('truncated while it is copied', async () => {
    const ports = await world({
      storages: ['sfu'],
      wrap: (storage) =>
        replacing(storage, {
          copyIn: async (local, path, options) => {
            const copy = storage.copyIn(local, path, {
              ...options,
              progress: () => execFileSync('truncate', ['-s', '10', local]),
            });
            return copy;
          },
        }),
    });
    await addRun(ports, 1, [file('a', 9_000_000)]);
    const [item] = await collect(transfer(ports));
    expect(item).toMatchObject({ did: 'failed' });
    expect((await readRun(ports, 1)).files[0]!.original.state).toBe('changed');
    expect((await onDisk(ports, 'sfu')).size).toBe(0);
  });

  test('a rotten replica is marked bad and another copy is the source in the same call', async () => {
    const ports = await world();
    await addRun(ports, 1, [file('a', 5000)]);
    await collect(transfer(ports, { to: ['sfu', 'fnal'] }));
    await writeFile(join(ports.folder, 'se/sfu/L1/0/a'), bytesOf('rot', 5000));
    expect(dids(await collect(transfer(ports)))).toEqual(['ral a failed']);
    const doc = await readRun(ports, 1);
    expect(doc.files[0]!.replicas.sfu?.state).toBe('bad');
    expect(doc.done).toEqual(['fnal']);
  });

  test("on another host, files of this host's buffer are left alone", async () => {
    const ports = await world();
    await addRun(ports, 1, [file('a')]);
    await unlink(join(ports.folder, 'buffer/L1/a'));
    const other = await world({ folder: ports.folder, host: 'cedar' });
    const items = await collect(transfer(other));
    expect(items).toMatchObject([{ did: 'skipped', text: 'files of buffer L1 are on buffer1, this is cedar' }]);
    expect((await readRun(ports, 1)).files[0]!.original.state).toBe('present');
  });
});

/** A world whose n-th copy to its only element fails; copies are made one at a time, and `copies` counts them. */
async function failingAt(n: number, error: Error): Promise<{ ports: TestPorts; copies: () => number }> {
  let copies = 0;
  const ports = await world({
    storages: ['sfu'],
    config: { transfer: { parallel: 1, lease: '1 h', retry: '1 h' } },
    wrap: (storage) =>
      replacing(storage, {
        copyIn: async (local, path, options) => {
          if (++copies === n) throw error;
          return storage.copyIn(local, path, options);
        },
      }),
  });
  return { ports, copies: () => copies };
}

describe('the destination', () => {
  test('a flipped byte is found by the checksum there; nothing is published; it cools off, then arrives', async () => {
    let now = ms(T0);
    let corrupt = true;
    const ports = await world({
      storages: ['sfu'],
      now: () => now,
      wrap: (storage) =>
        replacing(storage, {
          copyIn: async (local, path, options) => {
            const sum = await storage.copyIn(local, path, options);
            if (corrupt) await writeFile(storage.localPath(path)!, bytesOf('flipped', 2000));
            return sum;
          },
        }),
    });
    await addRun(ports, 1, [file('a')]);
    const [item] = await collect(transfer(ports));
    expect(item).toMatchObject({ did: 'failed', failed: true, storage: 'sfu' });
    expect(item?.text).toMatch(/what arrived at sfu has 2000 bytes/);
    expect((await onDisk(ports, 'sfu')).size).toBe(0);
    expect((await readRun(ports, 1)).files[0]!.replicas.sfu).toMatchObject({ state: 'failed', attempt: 1 });
    corrupt = false;
    expect(await collect(transfer(ports))).toEqual([]);
    now += 5 * MINUTE + 1;
    expect(dids(await collect(transfer(ports)))).toEqual(['sfu a verified']);
    expect((await readRun(ports, 1)).files[0]!.replicas.sfu).toMatchObject({ state: 'verified', attempt: 2 });
  });

  test('that is down is set aside, said once, and the rest goes on; nothing counts as failed', async () => {
    const ports = await world();
    for (const run of [1, 2, 3]) await addRun(ports, run, [file(`a${run}`)]);
    await rename(join(ports.folder, 'se/fnal'), join(ports.folder, 'se/fnal-unmounted'));
    const items = await collect(transfer(ports));
    const said = items.filter((item) => item.kind === 'storage');
    expect(said).toMatchObject([{ ref: 'fnal', did: 'skipped', failed: true }]);
    expect(said[0]?.text).toContain(`storage fnal: folder ${join(ports.folder, 'se/fnal')} does not exist`);
    expect(items.filter((item) => item.did === 'verified')).toHaveLength(6);
    expect((await readRun(ports, 1)).files[0]!.replicas.fnal).toBeUndefined();
    expect(await readdir(join(ports.folder, 'se'))).not.toContain('fnal');
    await rename(join(ports.folder, 'se/fnal-unmounted'), join(ports.folder, 'se/fnal'));
    const again = await world({ folder: ports.folder });
    expect((await collect(transfer(again))).filter((item) => item.did === 'verified')).toHaveLength(3);
  });

  test('that goes down halfway: its slots are free for the next call at once', async () => {
    const { ports, copies } = await failingAt(3, new UnreachableError('storage sfu: connection reset'));
    await addRun(
      ports,
      1,
      Array.from({ length: 6 }, (_, i) => file(`f${i}`)),
    );
    const first = await collect(transfer(ports));
    expect(first.filter((item) => item.did === 'verified')).toHaveLength(2);
    expect(first.filter((item) => item.failed)).toHaveLength(1);
    expect(copies()).toBe(3);
    expect((await collect(transfer(ports))).filter((item) => item.did === 'verified')).toHaveLength(4);
  });

  test('expired credentials stop the call, and nothing counts as failed', async () => {
    const { ports, copies } = await failingAt(2, new CredentialsError('proxy expired'));
    await addRun(ports, 1, [file('a'), file('b'), file('c')]);
    await expect(collect(transfer(ports))).rejects.toThrow(CredentialsError);
    expect(copies()).toBe(2);
    const states = (await readRun(ports, 1)).files.map((one) => one.replicas.sfu?.state);
    expect(states[0]).toBe('verified');
    expect((await collect(transfer(ports))).map((item) => item.did)).toEqual(['verified', 'verified']);
  });

  test('no permission fails the file, with the path, and the others arrive', async () => {
    const ports = await world({ storages: ['sfu'] });
    await addRun(ports, 1, [file('a')]);
    await addRun(ports, 2000, [file('b')]);
    await mkdir(join(ports.folder, 'se/sfu/L1/0'), { recursive: true });
    execFileSync('chmod', ['-R', 'a+rwX', ports.folder]);
    await chmod(join(ports.folder, 'se/sfu/L1/0'), 0o555);
    const root = process.getuid?.() === 0;
    if (root) process.seteuid?.(65534);
    try {
      const items = await collect(transfer(ports));
      expect(dids(items).sort()).toEqual(['sfu a failed', 'sfu b verified']);
      expect(items.find((item) => item.failed)?.text).toMatch(/storage sfu: L1\/0\/.*: no permission/);
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  test.skipIf(process.getuid?.() !== 0)(
    'a full disk fails the file and sets the element aside [needs root]',
    async () => {
      const ports = await world();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', join(ports.folder, 'se/fnal')]);
      try {
        for (const run of [1, 2, 3]) await addRun(ports, run, [file(`a${run}`, 3_000_000)]);
        const items = await collect(transfer(ports));
        expect(items.filter((item) => item.kind === 'storage')).toMatchObject([{ ref: 'fnal', did: 'skipped' }]);
        expect(items.filter((item) => item.did === 'verified')).toHaveLength(6);
        expect(items.find((item) => item.storage === 'fnal')?.text).toContain('no space left');
        expect((await onDisk(ports, 'fnal')).size).toBe(0);
      } finally {
        execFileSync('umount', [join(ports.folder, 'se/fnal')]);
      }
    },
  );

  test('that is disabled is skipped with one item, and the next one is the primary', async () => {
    const ports = await world();
    await addRun(ports, 1, [file('a')]);
    await addRun(ports, 2, [file('b')]);
    await putHold(ports, 'storage', { storages: ['sfu'] });
    const items = await collect(transfer(ports));
    expect(items.filter((item) => item.kind === 'storage')).toMatchObject([
      { ref: 'sfu', did: 'skipped', text: 'disabled: network trouble', next: 'dflow resume hold:test' },
    ]);
    expect(
      items
        .filter((item) => item.did === 'verified')
        .map((item) => item.storage)
        .sort(),
    ).toEqual(['fnal', 'fnal', 'ral', 'ral']);
  });
});

test('every element down: what is wrong is said for each, and the call ends with exit 5', async () => {
  const ports = await world({ storages: ['sfu', 'fnal'] });
  await addRun(ports, 1, [file('a')]);
  for (const name of ['sfu', 'fnal']) await rm(join(ports.folder, 'se', name), { recursive: true });
  for (let call = 1; call <= 4; call++) {
    const items: Seen[] = [];
    const all = (async () => {
      for await (const item of transfer(ports)) items.push(item);
    })();
    await expect(all).rejects.toMatchObject({ exit: 5, message: expect.stringContaining('(sfu, fnal)') });
    expect(new Set(items.map(({ ref }) => ref))).toEqual(new Set(['sfu', 'fnal']));
  }
});
