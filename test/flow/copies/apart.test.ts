// Two addresses are two places only where a probe put at one is missed at the other, and is still there afterwards.
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Apart } from '../../../src/lib/flow/copies/apart.ts';
import { Sites } from '../../../src/lib/flow/copies/sites.ts';
import type { Storage } from '../../../src/lib/storage.ts';
import { closeWorlds, replacing, type TestPorts, world } from '../../support/ports.ts';

afterEach(closeWorlds);

const PATH = 'L1/0/run1.dat';
const folderOf = (ports: TestPorts, site: string): string => join(ports.folder, 'se', site, 'L1/0');

async function begin(wrap?: (storage: Storage) => Storage) {
  const ports = await world({ storages: ['sfu', 'fnal'], ...(wrap ? { wrap } : {}) });
  for (const site of ['sfu', 'fnal']) {
    mkdirSync(folderOf(ports, site), { recursive: true });
    writeFileSync(join(folderOf(ports, site), 'run1.dat'), 'some bytes');
  }
  const apart = new Apart(new Sites(ports), { nonce: 'n0', probes: true });
  return { ports, why: () => apart.why({ site: 'sfu', path: PATH }, { site: 'fnal', path: PATH }) };
}

test('two folders are two places, and no probe is left', async () => {
  const { ports, why } = await begin();
  expect(await why()).toBeUndefined();
  for (const site of ['sfu', 'fnal']) expect(readdirSync(folderOf(ports, site))).toEqual(['run1.dat']);
});

test('a link to the other folder is one place', async () => {
  const { ports, why } = await begin();
  rmSync(folderOf(ports, 'fnal'), { recursive: true });
  symlinkSync(folderOf(ports, 'sfu'), folderOf(ports, 'fnal'));
  expect(await why()).toMatch(/are one file|are one place/);
});

test('a probe that somebody removed before the other place was asked tells nothing', async () => {
  const it = await begin((storage) =>
    storage.name === 'sfu'
      ? storage
      : replacing(storage, {
          stat: async (paths) => {
            for (const name of readdirSync(folderOf(it.ports, 'sfu')).filter((one) => one.startsWith('.probe')))
              rmSync(join(folderOf(it.ports, 'sfu'), name));
            return storage.stat(paths);
          },
        }),
  );
  expect(await it.why()).toMatch(/could not be found out: the probe file was removed/);
});
