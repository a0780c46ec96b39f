// Transfer over a real store and real folders: what is copied where, and what lies there already.
import { link, mkdir, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { transfer } from '../../../../src/lib/flow/steps/transfer/transfer.ts';
import { ConfigError, UsageError } from '../../../../src/lib/util/errors.ts';
import { adler32, bytesOf, NASTY_NAMES } from '../../../contracts/storage.ts';
import { alike } from '../../../support/alike.ts';
import { dids, file } from '../../../support/copies.ts';
import { addRun, closeWorlds, collect, readRun, world } from '../../../support/ports.ts';
import { digest, onDisk } from '../../../support/stored.ts';

afterEach(closeWorlds);

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
    const ports = await world({ levels: ['L1', 'L2'], config: { copies: { raw: 1 } } });
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
    await expect(collect(transfer(ports, { to: ['fnal1'] }))).rejects.toMatchObject({
      message: expect.stringContaining('did you mean fnal?'),
    });
    await expect(collect(transfer(ports, { from: 'bufer' }))).rejects.toMatchObject({
      message: expect.stringContaining('did you mean buffer?'),
    });
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

  test('other bytes with the same size and adler32 are not adopted', async () => {
    const [bytes, others] = alike(5000);
    expect(adler32(bytes)).toBe(adler32(others));
    const ports = await world({ storages: ['sfu'] });
    await addRun(ports, 1, [{ name: 'a', bytes }]);
    await mkdir(join(ports.folder, 'se/sfu/L1/0'), { recursive: true });
    await writeFile(join(ports.folder, 'se/sfu/L1/0/a'), others);
    const [item] = await collect(transfer(ports));
    expect(item).toMatchObject({ did: 'failed', failed: true });
    expect(item?.text).toMatch(/other bytes/);
    expect((await readFile(join(ports.folder, 'se/sfu/L1/0/a'))).equals(others)).toBe(true);
  });

  test('a hard link to the original is no copy', async () => {
    const ports = await world({ storages: ['sfu'] });
    await addRun(ports, 1, [file('a')]);
    await mkdir(join(ports.folder, 'se/sfu/L1/0'), { recursive: true });
    await link(join(ports.folder, 'buffer/L1/a'), join(ports.folder, 'se/sfu/L1/0/a'));
    const [item] = await collect(transfer(ports));
    expect(item).toMatchObject({ did: 'failed', failed: true });
    expect(item?.text).toMatch(/itself, not a copy/);
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
