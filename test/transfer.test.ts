// Transfer over a real store and real folders, with faults: killed, doubled, truncated, corrupted, full, forbidden.
import { execFileSync } from 'node:child_process';
import {
  chmod,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { DataDoc } from '../src/lib/domain/data.ts';
import { SCHEMA } from '../src/lib/domain/doc.ts';
import type { HoldDoc } from '../src/lib/domain/hold.ts';
import { dataId } from '../src/lib/domain/ids.ts';
import type { Item } from '../src/lib/flow/ports.ts';
import { transfer } from '../src/lib/flow/transfer.ts';
import { ConfigError, CredentialsError, UnreachableError, UsageError } from '../src/lib/util/errors.ts';
import { HOUR, MINUTE, ms } from '../src/lib/util/time.ts';
import { bytesOf, NASTY_NAMES } from './contracts/storage.ts';
import { addRun, closeWorlds, collect, readRun, replacing, T0, type TestPorts, world } from './support/ports.ts';
import { digest, onDisk } from './support/stored.ts';

afterEach(closeWorlds);

const file = (name: string, size = 2000) => ({ name, bytes: bytesOf(name, size) });
const dids = (items: readonly Item[]) =>
  items.map((item) => `${item.storage ?? item.ref} ${item.file ?? '-'} ${item.did}`);

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

describe('copies', () => {
  test('go to the primary, then everywhere; the document and the disks agree; a second call does nothing', async () => {
    const ports = await world();
    const files = [file('SNOP_0000109134_000.zdab'), file('SNOP_0000109134_001.zdab', 3_000_000)];
    await addRun(ports, 109134, files);
    const items = await collect(transfer(ports));
    expect(dids(items).sort()).toEqual(
      ['fnal', 'ral', 'sfu'].flatMap((name) => files.map((one) => `${name} ${one.name} verified`)),
    );
    expect(items.slice(0, 2).map((item) => item.storage)).toEqual(['sfu', 'sfu']);
    expect(items.every((item) => item.ref === '109134' && item.level === 'L1' && item.kind === 'replica')).toBe(true);
    for (const name of ['sfu', 'fnal', 'ral']) {
      expect(await onDisk(ports, name)).toEqual(new Map(files.map((one) => [`L1/109/${one.name}`, digest(one.bytes)])));
    }
    const doc = await readRun(ports, 109134);
    expect(doc.done).toEqual(['fnal', 'ral', 'sfu']);
    expect(doc.files.flatMap((one) => Object.values(one.replicas).map((replica) => replica.state))).toEqual(
      Array(6).fill('verified'),
    );
    expect(await collect(transfer(ports))).toEqual([]);
  });

  test('one write per document and batch, not per file', async () => {
    const ports = await world({ storages: ['sfu'] });
    await addRun(
      ports,
      1,
      Array.from({ length: 300 }, (_, i) => file(`f${i}`, 10)),
    );
    const before = await readRun(ports, 1);
    await collect(transfer(ports));
    const after = await readRun(ports, 1);
    expect(after.done).toEqual(['sfu']);
    // SQLite's revisions count the writes: the claim and the record.
    expect(Number.parseInt(after._rev ?? '', 10) - Number.parseInt(before._rev ?? '', 10)).toBe(2);
  });

  test('copies.raw, --to, --from, --level, runs and limit narrow it; oldest run first', async () => {
    const ports = await world({ levels: ['L1', 'L2'], settings: { copies: { raw: 1, purgeAfter: 1 } } });
    for (const run of [12, 3, 200]) await addRun(ports, run, [file(`a${run}`)]);
    await addRun(ports, 7, [file('b7')], 'L2');
    const none = await collect(transfer(ports, { to: ['ral'] }));
    expect(none).toEqual([]);
    expect(dids(await collect(transfer(ports, { levels: ['L1'], limit: 2 })))).toEqual([
      'sfu a3 verified',
      'sfu a12 verified',
    ]);
    expect(dids(await collect(transfer(ports, { runs: (run) => run === 200 })))).toEqual(['sfu a200 verified']);
    expect(dids(await collect(transfer(ports, { from: 'buffer', to: ['ral'], levels: ['L2'] })))).toEqual([
      'ral b7 verified',
    ]);
    expect(dids(await collect(transfer(ports)))).toEqual(['sfu b7 verified']);
    expect(dids(await collect(transfer(ports, { from: 'sfu', to: ['fnal'], levels: ['L1'] })))).toHaveLength(3);
    expect(await collect(transfer(ports))).toEqual([]);
  });

  test('names that do not exist are usage errors with the near miss', async () => {
    const ports = await world();
    await expect(collect(transfer(ports, { to: ['fnal1'] }))).rejects.toThrow(UsageError);
    await expect(collect(transfer(ports, { to: ['fnal1'] }))).rejects.toMatchObject({ hint: 'did you mean fnal?' });
    await expect(collect(transfer(ports, { from: 'bufer' }))).rejects.toMatchObject({ hint: 'did you mean buffer?' });
    await expect(collect(transfer(ports, { levels: ['L9'] }))).rejects.toThrow(UsageError);
  });

  test('a dry run says what then happens, and does nothing', async () => {
    const ports = await world();
    await addRun(ports, 1, [file('a'), file('b')]);
    await addRun(ports, 2, [file('there'), file('other'), file('gone')]);
    await mkdir(join(ports.folder, 'se/sfu/L1/0'), { recursive: true });
    await writeFile(join(ports.folder, 'se/sfu/L1/0/there'), file('there').bytes);
    await writeFile(join(ports.folder, 'se/sfu/L1/0/other'), bytesOf('something else', 2000));
    await unlink(join(ports.folder, 'buffer/L1/gone'));
    const before = await readRun(ports, 2);
    const predicted = await collect(transfer(ports, { dryRun: true }));
    expect(predicted.every((item) => item.dryRun)).toBe(true);
    expect(await readRun(ports, 2)).toEqual(before);
    expect((await onDisk(ports, 'fnal')).size).toBe(0);
    const real = await collect(transfer(ports));
    expect(predicted.map(({ dryRun, ...item }) => JSON.stringify(item)).sort()).toEqual(
      real.map((item) => JSON.stringify(item)).sort(),
    );
    expect(dids(real)).toContain('sfu there adopted');
    expect(dids(real)).toContain('sfu other failed');
    expect(dids(real)).toContain('sfu gone failed');
    expect(real.filter((item) => item.did === 'verified')).toHaveLength(2 * 3 + 2);
  });

  test('nasty names arrive whole', async () => {
    const ports = await world();
    await addRun(
      ports,
      5,
      [...NASTY_NAMES, 'é'.repeat(127)].map((name) => file(name, 100)),
    );
    const items = await collect(transfer(ports));
    expect(items.filter((item) => item.did !== 'verified')).toEqual([]);
    for (const name of ['sfu', 'fnal', 'ral']) {
      const paths = [...(await onDisk(ports, name)).keys()].sort();
      expect(paths).toEqual([...NASTY_NAMES, 'é'.repeat(127)].map((one) => `L1/0/${one}`).sort());
    }
  });
});

describe('what is there already', () => {
  test('the same content is adopted; other content is never overwritten', async () => {
    const ports = await world({ storages: ['sfu'] });
    await addRun(ports, 1, [file('same'), file('other')]);
    await mkdir(join(ports.folder, 'se/sfu/L1/0'), { recursive: true });
    await writeFile(join(ports.folder, 'se/sfu/L1/0/same'), file('same').bytes);
    await writeFile(join(ports.folder, 'se/sfu/L1/0/other'), 'precious');
    const items = await collect(transfer(ports));
    expect(dids(items).sort()).toEqual(['sfu other failed', 'sfu same adopted']);
    expect(items.find((item) => item.failed)?.text).toMatch(/other content: 8 bytes/);
    expect((await readFile(join(ports.folder, 'se/sfu/L1/0/other'))).toString()).toBe('precious');
    expect((await readRun(ports, 1)).files[1]!.replicas.sfu?.state).toBe('failed');
  });

  test('a hard link to the original is no copy', async () => {
    const ports = await world({ storages: ['sfu'] });
    await addRun(ports, 1, [file('a')]);
    await mkdir(join(ports.folder, 'se/sfu/L1/0'), { recursive: true });
    await link(join(ports.folder, 'buffer/L1/a'), join(ports.folder, 'se/sfu/L1/0/a'));
    const [item] = await collect(transfer(ports));
    expect(item).toMatchObject({ did: 'failed', failed: true });
    expect(item?.text).toMatch(/no copy of it/);
  });

  test('two elements with one folder, or the folder of the buffer, are refused before anything is copied', async () => {
    const ports = await world();
    await addRun(ports, 1, [file('a')]);
    await rm(join(ports.folder, 'se/ral'), { recursive: true });
    await symlink(join(ports.folder, 'se/fnal'), join(ports.folder, 'se/ral'));
    await expect(collect(transfer(ports))).rejects.toThrow(ConfigError);
    await expect(collect(transfer(ports))).rejects.toThrow(/storage fnal and storage ral are the same folder/);
    await unlink(join(ports.folder, 'se/ral'));
    await symlink(join(ports.folder, 'buffer/L1'), join(ports.folder, 'se/ral'));
    const again = await world({ folder: ports.folder });
    await expect(collect(transfer(again))).rejects.toThrow(/buffer L1 and storage ral are the same folder/);
    expect((await onDisk(ports, 'sfu')).size).toBe(0);
  });
});

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
    settings: { transfer: { parallel: 1, perStorage: 8, lease: HOUR, retry: HOUR } },
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

describe('slots', () => {
  test('one that another attempt took over meanwhile: our file is removed, nothing is recorded', async () => {
    let now = ms(T0);
    const id = dataId('L1', 1);
    const ports = await world({
      storages: ['sfu'],
      now: () => now,
      wrap: (storage) =>
        replacing(storage, {
          copyIn: async (local, path, options) => {
            const sum = await storage.copyIn(local, path, options);
            now += HOUR;
            await ports.store.update<DataDoc>(id, (doc) => ({ write: takenOver(doc!) }));
            return sum;
          },
        }),
    });
    await addRun(ports, 1, [file('a')]);
    const items = await collect(transfer(ports));
    expect(items).toMatchObject([{ did: 'skipped', text: 'a to sfu: the slot was taken by other' }]);
    expect((await onDisk(ports, 'sfu')).size).toBe(0);
    expect((await readRun(ports, 1)).files[0]!.replicas.sfu).toMatchObject({ state: 'copying', host: 'other' });
  });

  test('are renewed while a long copy runs, so that another host does not take them', async () => {
    const lease = 300;
    const other: Item[] = [];
    const ports = await world({
      storages: ['sfu'],
      settings: { transfer: { parallel: 4, perStorage: 8, lease, retry: 1 } },
      wrap: (storage) =>
        replacing(storage, {
          copyIn: async (local, path, options) => {
            const begun = Date.now();
            while (Date.now() < begun + 4 * lease) {
              await ports.sleep(lease / 2);
              other.push(...(await collect(transfer(second))));
            }
            return storage.copyIn(local, path, options);
          },
        }),
    });
    const second = await world({ folder: ports.folder, host: 'buffer2', storages: ['sfu'] });
    await addRun(ports, 1, [file('a')]);
    expect(dids(await collect(transfer(ports)))).toEqual(['sfu a verified']);
    expect(other).toEqual([]);
    expect((await readRun(ports, 1)).files[0]!.replicas.sfu).toMatchObject({ attempt: 1 });
  });
});

function takenOver(doc: DataDoc): DataDoc {
  const expires = '2099-01-01T00:00:00.000Z';
  const sfu = { state: 'copying' as const, attempt: 9, host: 'other', nonce: 'n', since: T0, expires };
  return { ...doc, files: doc.files.map((one) => ({ ...one, replicas: { ...one.replicas, sfu } })) };
}
