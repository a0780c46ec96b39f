// The one way in which files go, over real folders: what is refused, what comes back, what is told.
import { linkSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { gonePath } from '../../../../src/lib/domain/data/gone.ts';
import { type Going, putBack, Removal } from '../../../../src/lib/flow/copies/removal/removal.ts';
import { Sites } from '../../../../src/lib/flow/copies/sites.ts';
import type { Storage } from '../../../../src/lib/storage.ts';
import { ItemError, UnreachableError } from '../../../../src/lib/util/errors.ts';
import { newReceipt, type Receipt, readReceipt } from '../../../../src/lib/util/files/receipt.ts';
import { closeWorlds, replacing, T0, type TestPorts, world } from '../../../support/ports.ts';

afterEach(async () => {
  for (const receipt of receipts.splice(0)) await receipt.close();
  await closeWorlds();
});

const receipts: Receipt[] = [];

const PATH = 'L1/0/run1.dat';
const TEXT = 'some bytes';

/** sfu and fnal have the file; what is at sfu is to go, what is at fnal is to stay. */
async function begin(wrap?: (storage: Storage) => Storage) {
  const ports = await world({ storages: ['sfu', 'fnal'], ...(wrap ? { wrap } : {}) });
  for (const site of ['sfu', 'fnal']) {
    await mkdir(join(folderOf(ports, site)), { recursive: true });
    writeFileSync(join(folderOf(ports, site), 'run1.dat'), TEXT);
  }
  const receipt = newReceipt(ports.folder, 'test', T0, 'n1');
  receipts.push(receipt);
  const sites = new Sites(ports);
  const removal = new Removal(sites, receipt, 'n1');
  const going: Going = {
    site: 'sfu',
    path: PATH,
    size: TEXT.length,
    stay: [{ site: 'fnal', path: PATH, size: TEXT.length, same: true }],
    line: { kind: 'test' },
  };
  const run = async (file = going) => {
    await removal.announce([file]);
    const [fate] = await removal.remove([file]);
    return fate!;
  };
  return { ports, going, removal, receipt, run, sites };
}

const folderOf = (ports: TestPorts, site: string): string => join(ports.folder, 'se', site, 'L1/0');
const at = (ports: TestPorts, site: string): string[] => readdirSync(folderOf(ports, site));

test('what may go goes, its line on disk before', async () => {
  const lines: unknown[] = [];
  const { ports, run, receipt } = await begin((storage) =>
    replacing(storage, {
      rename: async (from, to) => {
        lines.push(...(await readReceipt(ports.folder, receipt.name)));
        return storage.rename(from, to);
      },
    }),
  );
  expect(await run()).toEqual({ gone: true });
  expect(lines).toEqual([{ kind: 'test', site: 'sfu', path: PATH, aside: gonePath(PATH, 'n1') }]);
  expect([at(ports, 'sfu'), at(ports, 'fnal')]).toEqual([[], ['run1.dat']]);
});

test('nothing goes without a line in a receipt', async () => {
  const { ports, going, removal } = await begin();
  await expect(removal.remove([going])).rejects.toThrow(/no line in a receipt/);
  expect(at(ports, 'sfu')).toEqual(['run1.dat']);
});

describe('comes back, under its own name', () => {
  const back = async ({ ports, run }: Awaited<ReturnType<typeof begin>>, why: RegExp) => {
    expect(await run()).toMatchObject({ gone: false, why: expect.stringMatching(why) });
    expect(await readFile(join(folderOf(ports, 'sfu'), 'run1.dat'), 'utf8')).toBe(TEXT);
    expect(at(ports, 'sfu')).toEqual(['run1.dat']);
  };

  test('where the folder of the other element is a link to it', async () => {
    const it = await begin();
    rmSync(folderOf(it.ports, 'fnal'), { recursive: true });
    symlinkSync(folderOf(it.ports, 'sfu'), folderOf(it.ports, 'fnal'));
    await back(it, /fnal and sfu are one place: what is renamed at one/);
  });

  test('where the other copy is a link to it', async () => {
    const it = await begin();
    const copy = join(folderOf(it.ports, 'fnal'), 'run1.dat');
    rmSync(copy);
    symlinkSync(join(folderOf(it.ports, 'sfu'), 'run1.dat'), copy);
    await back(it, /the copy at fnal went with it/);
  });

  test('where the other element calls it otherwise: a door that knows no case', async () => {
    const it = await begin((storage) => {
      const lower = (path: string) => path.replace('RUN', 'run');
      return storage.name === 'sfu'
        ? storage
        : replacing(storage, {
            stat: async (paths) => {
              const real = await it.ports.storage('sfu');
              const found = await real.stat(paths.map(lower));
              return new Map(
                paths.flatMap((path) => (found.has(lower(path)) ? [[path, found.get(lower(path))!]] : [])),
              );
            },
          });
    });
    const stay = [{ site: 'fnal', path: 'L1/0/RUN1.dat', size: TEXT.length }];
    expect(await it.run({ ...it.going, stay })).toMatchObject({
      gone: false,
      why: expect.stringContaining('one place'),
    });
    expect(at(it.ports, 'sfu')).toEqual(['run1.dat']);
  });

  test('where a mount remembers the old name: a name that is new tells', async () => {
    const it = await begin((storage) =>
      storage.name === 'sfu'
        ? storage
        : replacing(storage, {
            stat: async (paths) => {
              const found = await (await it.ports.storage('sfu')).stat(paths);
              return new Map([...found, [PATH, { size: TEXT.length, modified: T0 }]]);
            },
          }),
    );
    await back(it, /what is renamed at one is renamed at the other/);
  });

  test('where the other copy has other bytes by now', async () => {
    const it = await begin();
    writeFileSync(join(folderOf(it.ports, 'fnal'), 'run1.dat'), 'Some bytes');
    await back(it, /the copy at fnal has other bytes/);
  });

  test('where the other element cannot be asked', async () => {
    const it = await begin((storage) =>
      storage.name === 'sfu'
        ? storage
        : replacing(storage, { stat: () => Promise.reject(new UnreachableError('down')) }),
    );
    await back(it, /unknown whether its copy stays/);
  });

  test('where it cannot be deleted', async () => {
    const it = await begin((storage) =>
      replacing(storage, { remove: () => Promise.reject(new ItemError('sfu: EIO')) }),
    );
    await back(it, /EIO/);
  });

  test('where the renaming was done and its answer lost', async () => {
    let lost = false;
    const it = await begin((storage) =>
      replacing(storage, {
        rename: async (from, to) => {
          await storage.rename(from, to);
          if (!lost && storage.name === 'sfu') {
            lost = true;
            throw new ItemError('no answer');
          }
        },
      }),
    );
    await back(it, /no answer/);
  });
});

test('a hard link is a copy that stays', async () => {
  const { ports, run } = await begin();
  const copy = join(folderOf(ports, 'fnal'), 'run1.dat');
  rmSync(copy);
  linkSync(join(folderOf(ports, 'sfu'), 'run1.dat'), copy);
  expect(await run()).toEqual({ gone: true });
  expect(await readFile(copy, 'utf8')).toBe(TEXT);
});

test('what was put there meanwhile stays, and what waits is not lost', async () => {
  const { ports, going, run } = await begin((storage) =>
    replacing(storage, {
      rename: async (from, to) => {
        await storage.rename(from, to);
        if (storage.name === 'sfu' && from === PATH) writeFileSync(join(folderOf(ports, 'sfu'), 'run1.dat'), 'new');
      },
    }),
  );
  rmSync(join(folderOf(ports, 'fnal'), 'run1.dat'));
  const aside = gonePath(PATH, 'n1');
  expect(await run(going)).toMatchObject({
    gone: false,
    aside,
    why: expect.stringContaining('another file has its name'),
  });
  expect(at(ports, 'sfu').sort()).toEqual(['.run1.dat.dflow-gone-n1', 'run1.dat']);
  expect(await putBack(ports.files, await ports.storage('sfu'), PATH, 'n1')).toBe('taken');
  await rm(join(folderOf(ports, 'sfu'), 'run1.dat'));
  expect(await putBack(ports.files, await ports.storage('sfu'), PATH, 'n1')).toBe('back');
  expect(await putBack(ports.files, await ports.storage('sfu'), PATH, 'n1')).toBe('there');
  await rename(join(folderOf(ports, 'sfu'), 'run1.dat'), join(folderOf(ports, 'sfu'), 'elsewhere'));
  expect(await putBack(ports.files, await ports.storage('sfu'), PATH, 'n1')).toBe('absent');
});

test('anything but what was looked at stays', async () => {
  const { ports, going, run } = await begin();
  expect(await run({ ...going, size: 3 })).toMatchObject({ gone: false, why: expect.stringContaining('10 bytes') });
  expect(await run({ ...going, path: 'L1/0/other' })).toMatchObject({ gone: false, missing: true });
  expect(at(ports, 'sfu')).toEqual(['run1.dat']);
});
