// Verify over a real store and real folders: what it finds, what it must not mark, what it mends.

import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { isSiteFault } from '../../../../src/lib/domain/data/verifyrules.ts';
import { classifier } from '../../../../src/lib/domain/storage/dark.ts';
import type { Storage } from '../../../../src/lib/storage.ts';
import { ItemError, UnreachableError, UsageError } from '../../../../src/lib/util/errors.ts';
import { HOUR, ms } from '../../../../src/lib/util/time.ts';
import type { Seen } from '../../../support/items.ts';
import { closeWorlds, readRun, replacing, T0, type TestPorts, world } from '../../../support/ports.ts';
import {
  bufferPath,
  changeDoc,
  copyPath,
  DAMAGES,
  type Damage,
  outputPath,
  outputsOf,
  rawName,
  readJob,
  runVerify as run,
  storedPass,
  storedRuns,
} from '../../../support/stored.ts';

afterEach(closeWorlds);

const short = (items: readonly Seen[]) =>
  items
    .filter(({ kind }) => kind !== 'storage')
    .map(({ file, ref, storage, did }) => `${storage} ${file ?? ref} ${did}`);
const sums = (items: readonly Seen[]) =>
  Object.fromEntries(
    items.filter(({ kind }) => kind === 'storage').map((item) => [item.ref, `${item.did} ${item.bad}/${item.checked}`]),
  );

/** States of one storage element's copies of a run. */
async function states(ports: TestPorts, number: number, storage: string): Promise<(string | undefined)[]> {
  return (await readRun(ports, number)).files.map((file) => file.replicas[storage]?.state);
}

const damages = Object.keys(DAMAGES) as Damage[];

describe('1,000 copies', () => {
  test('25 damaged in five ways are found and mended; with 60 % damaged it is a site fault', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'] });
    const runs = Array.from({ length: 25 }, (_, index) => index + 1);
    await storedRuns(ports, runs, 20, 300);
    for (const [index, number] of runs.entries()) {
      const storage = index % 2 === 0 ? 'sfu' : 'fnal';
      await DAMAGES[damages[index % 5]!](copyPath(ports, storage, number, index % 20));
    }
    const items = await run(ports);
    expect(items.filter(({ did }) => did === 'bad')).toHaveLength(25);
    expect(sums(items)).toEqual({ sfu: 'checked 13/500', fnal: 'checked 12/500' });
    expect(items.every(({ failed, did }) => failed === (did === 'bad' ? true : undefined))).toBe(true);
    expect(await states(ports, 1, 'sfu')).toEqual(['bad', ...Array(19).fill('verified')]);
    // The bad ones are known now; what is left is good.
    expect(sums(await run(ports))).toEqual({ sfu: 'checked 0/487', fnal: 'checked 0/488' });
    const mended = await run(ports, { repair: true });
    expect(mended.filter(({ did }) => did === 'repaired')).toHaveLength(25);
    for (const storage of ['sfu', 'fnal']) {
      for (const number of runs) {
        for (let subrun = 0; subrun < 20; subrun++) {
          expect(readFileSync(copyPath(ports, storage, number, subrun))).toEqual(
            readFileSync(bufferPath(ports, number, subrun)),
          );
        }
      }
    }
    const after = await run(ports, { read: true });
    expect(sums(after)).toEqual({ sfu: 'checked 0/500', fnal: 'checked 0/500' });
    expect(short(after)).toEqual([]);

    for (const number of runs) {
      for (let subrun = 0; subrun < 12; subrun++) await DAMAGES.missing(copyPath(ports, 'fnal', number, subrun));
    }
    const fault = await run(ports, { repair: true });
    expect(sums(fault)).toEqual({ sfu: 'checked 0/500', fnal: 'site-fault 300/500' });
    expect(short(fault)).toEqual([]);
    for (const number of runs) expect(await states(ports, number, 'fnal')).toEqual(Array(20).fill('verified'));
  });
});

describe('a check', () => {
  test('a remembered checksum hides a silent flip; --read finds it', async () => {
    const ports = await world({
      storages: ['sfu', 'fnal'],
      wrap: (storage) => {
        const remembered = new Map<string, ReturnType<Storage['checksum']>>();
        return replacing(storage, {
          checksum: (path) => {
            remembered.set(path, remembered.get(path) ?? storage.checksum(path));
            return remembered.get(path)!;
          },
        });
      },
    });
    await storedRuns(ports, [1], 2);
    await run(ports);
    await DAMAGES.silent(copyPath(ports, 'fnal', 1));
    expect(short(await run(ports))).toEqual([]);
    expect(short(await run(ports, { read: true }))).toEqual([`fnal ${rawName(1)} bad`]);
  });

  test('what was checked lately is left out; a limited call is continued by the next', async () => {
    let now = ms(T0);
    const ports = await world({ storages: ['sfu'], now: () => now });
    await storedRuns(ports, [1, 2, 3], 2);
    now += HOUR;
    expect(sums(await run(ports, { limit: 2 }))).toEqual({ sfu: 'checked 0/2' });
    now += HOUR;
    expect(sums(await run(ports, { sinceVerified: 90 * 60_000 }))).toEqual({ sfu: 'checked 0/4' });
    now += 1000;
    expect(await run(ports, { sinceVerified: 90 * 60_000 })).toEqual([]);
    expect(sums(await run(ports))).toEqual({ sfu: 'checked 0/6' });
  });

  test('a check that a clock a day ahead has dated is no check: the copy is looked at, and then once', async () => {
    const ahead = await world({ storages: ['sfu'], now: () => ms(T0) + 24 * HOUR });
    await storedRuns(ahead, [1], 2);
    await run(ahead);
    const ports = await world({ folder: ahead.folder, storages: ['sfu'], now: () => ms(T0) });
    await DAMAGES.missing(copyPath(ports, 'sfu', 1, 1));
    expect(sums(await run(ports, { sinceVerified: HOUR }))).toEqual({ sfu: 'checked 1/2' });
    expect(sums(await run(ports, { sinceVerified: HOUR }))).toEqual({});
    expect(sums(await run(ports))).toEqual({ sfu: 'checked 0/1' });
  });

  test('storage, run and level narrow it; a dry run marks nothing', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'] });
    await storedRuns(ports, [1, 2], 2);
    await DAMAGES.missing(copyPath(ports, 'fnal', 2));
    expect(sums(await run(ports, { storages: ['sfu'] }))).toEqual({ sfu: 'checked 0/4' });
    expect(sums(await run(ports, { runs: (number) => number === 1 }))).toEqual({
      sfu: 'checked 0/2',
      fnal: 'checked 0/2',
    });
    const dry = await run(ports, { dryRun: true });
    expect(short(dry)).toEqual([`fnal ${rawName(2)} bad`]);
    expect(dry.every(({ dryRun }) => dryRun === true)).toBe(true);
    expect(await states(ports, 2, 'fnal')).toEqual(['verified', 'verified']);
    await expect(run(ports, { storages: ['snf'] })).rejects.toThrow(UsageError);
    await expect(run(ports, { levels: ['L7'] })).rejects.toThrow(UsageError);
  });

  test('a storage element that does not answer is set aside; nothing of it is marked, the others go on', async () => {
    let down = false;
    const ports = await world({
      storages: ['sfu', 'fnal'],
      wrap: (storage) =>
        replacing(storage, {
          checksum: (path) =>
            down && storage.name === 'fnal'
              ? Promise.reject(new UnreachableError('fnal is down'))
              : storage.checksum(path),
        }),
    });
    await storedRuns(ports, [1], 3);
    down = true;
    const items = await run(ports, { repair: true });
    expect(sums(items)).toEqual({ sfu: 'checked 0/3', fnal: 'skipped undefined/undefined' });
    expect(await states(ports, 1, 'fnal')).toEqual(Array(3).fill('verified'));
  });

  test('a file that cannot be read is reported, not marked', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'] });
    await storedRuns(ports, [1], 2);
    const path = copyPath(ports, 'fnal', 1);
    await rm(path);
    await mkdir(path);
    expect(short(await run(ports))).toEqual([`fnal ${rawName(1)} unreadable`]);
    expect(await states(ports, 1, 'fnal')).toEqual(['verified', 'verified']);
  });

  test('a wrong checksum in the catalogue is said to be that, and nothing is marked or mended', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'] });
    await storedRuns(ports, [1], 2);
    await changeDoc(ports, 1, (doc) => ({
      ...doc,
      files: doc.files.map((file, index) => (index === 0 ? { ...file, adler32: '0badcafe' } : file)),
    }));
    const items = await run(ports, { repair: true });
    expect(short(items).sort()).toEqual([`fnal ${rawName(1)} catalogue`, `sfu ${rawName(1)} catalogue`]);
    expect(await states(ports, 1, 'fnal')).toEqual(['verified', 'verified']);
  });

  test('copies that were damaged alike are bad, the catalogue is not: the original is gone, or a copy cannot be asked', async () => {
    const ports = await world({ storages: ['sfu', 'fnal', 'ral'] });
    await storedRuns(ports, [1, 2], 1);
    for (const number of [1, 2]) {
      for (const name of ['sfu', 'fnal']) await writeFile(copyPath(ports, name, number), 'the same wrong bytes');
    }
    // Of run 2 the third copy is as it was.
    await writeFile(copyPath(ports, 'ral', 1), 'the same wrong bytes');
    await changeDoc(ports, 1, (doc) => ({
      ...doc,
      files: doc.files.map((file) => ({ ...file, original: { state: 'purged', since: T0, receipt: 'r' } as const })),
    }));
    await rm(bufferPath(ports, 2));
    const storage = async (name: string) => {
      if (name === 'ral') throw new UnreachableError('ral is down');
      return ports.storage(name);
    };
    const items = await run({ ...ports, storage });
    expect(short(items).sort()).toEqual(
      ['fnal', 'sfu'].flatMap((name) => [`${name} ${rawName(1)} bad`, `${name} ${rawName(2)} bad`]),
    );
    expect((await run(ports, { repair: true })).filter(({ did }) => did === 'repaired')).toHaveLength(2);
    expect(await states(ports, 2, 'sfu')).toEqual(['verified']);
  });

  test('an element that cannot be listed is said to be that; its copies and the other elements are looked at', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'] });
    await storedRuns(ports, [1], 1);
    await writeFile(copyPath(ports, 'sfu', 1), 'other');
    const storage = async (name: string) => {
      const real = await ports.storage(name);
      if (name !== 'fnal') return real;
      const list = (): never => {
        throw new ItemError('lost+found: permission denied');
      };
      return replacing(real, { list });
    };
    const items = await run({ ...ports, storage }, { repair: true });
    expect(items.map(({ ref, did }) => `${ref} ${did}`)).toEqual(
      expect.arrayContaining(['fnal unlisted', 'fnal checked', 'sfu checked', '1 repaired']),
    );
  });

  test('an output that is gone or wrong is marked in its job, said once as new, and unmarked when it is back', async () => {
    const ports = await world({ storages: ['sfu'] });
    const made = await storedPass(ports);
    const file = outputPath(ports, outputsOf(made)[0]!);
    expect(short(await run(ports))).toEqual([]);
    await rename(file, `${file}.away`);
    const [bad] = await run(ports);
    expect(bad).toMatchObject({ kind: 'output', did: 'bad', failed: true });
    const again = (await run(ports)).filter(({ kind }) => kind === 'output');
    expect(again).toMatchObject([{ did: 'bad' }]);
    expect(again[0]?.failed).toBeUndefined();
    await rename(`${file}.away`, file);
    expect(short(await run(ports))).toEqual([]);
    const doc = await readJob(ports, made);
    expect(outputsOf(doc)).toMatchObject(outputsOf(made).map(() => ({ checkedAt: expect.any(String) })));
    expect(JSON.stringify(doc)).not.toContain('"bad"');
  });
});

describe('files outside the catalogue', () => {
  test('are named, if they are ours by their path; partial ones and unpublished outputs are told apart', async () => {
    const ports = await world({ storages: ['sfu'] });
    await storedRuns(ports, [1], 1);
    const put = async (path: string) => {
      await mkdir(dirname(join(ports.folder, 'se', 'sfu', path)), { recursive: true });
      await writeFile(join(ports.folder, 'se', 'sfu', path), 'x');
    };
    await put('L1/0/SNOP_0000000777_000.dat');
    await put('L1/0/new\nline %41#?.dat');
    await put('L1/0/.SNOP_0000000001_000.dat.dflow-3-abc');
    await put('outputs/Count/0000000012/p001/e7/Count_r0000000012_s000_p001.txt');
    await put('somebody/else.dat');
    const items = (await run(ports)).filter(({ kind }) => kind === 'file');
    expect(items.map(({ ref, did }) => `${did} ${ref}`).sort()).toEqual([
      'dark sfu:L1/0/SNOP_0000000777_000.dat',
      'dark sfu:L1/0/new\\x0aline %41#?.dat',
      'partial sfu:L1/0/.SNOP_0000000001_000.dat.dflow-3-abc',
      'unpublished sfu:outputs/Count/0000000012/p001/e7/Count_r0000000012_s000_p001.txt',
    ]);
    expect((await run(ports, { runs: () => true })).filter(({ kind }) => kind === 'file')).toEqual([]);
  });

  test.each([
    ['{level}/{run/1000}/{name}', 'L1/109/a.zdab', 'dark'],
    ['{level}/{run/1000}/{name}', 'L9/109/a.zdab', undefined],
    ['data.x/{level}/r{run/1000:7}/{name}', 'data.x/L2/r0000109/a', 'dark'],
    ['data.x/{level}/r{run/1000:7}/{name}', 'dataxx/L2/r0000109/a', undefined],
    ['{level}/{name}', 'L1/sub/a', undefined],
    ['{level}/{name}', 'L1/.a.dflow-12-abc7', 'partial'],
    ['{level}/{name}', 'outputs/Count/0000000012/p001/e7/f', 'unpublished'],
  ])('%s: %s is %s', (template, path, is) => {
    expect(classifier(template, ['L1', 'L2'])(path)?.is).toBe(is);
  });
});

test.each([
  [{ checked: 10, bad: 4 }, { checked: 0, bad: 0 }, false],
  [{ checked: 10, bad: 5 }, { checked: 0, bad: 0 }, true],
  [{ checked: 1000, bad: 300 }, { checked: 0, bad: 0 }, false],
  [{ checked: 1000, bad: 301 }, { checked: 0, bad: 0 }, true],
  [{ checked: 10, bad: 8 }, { checked: 990, bad: 0 }, false],
  [{ checked: 200, bad: 80 }, { checked: 9000, bad: 0 }, true],
])('site fault: %o after %o: %s', (batch, before, fault) => {
  expect(isSiteFault(batch, before, 0.3)).toBe(fault);
});
