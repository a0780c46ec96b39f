// Repair over a real store and real folders: bad copies of raw files are made anew from good ones, and never from bad
// ones.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { purge } from '../../../../src/lib/flow/steps/purge/purge.ts';
import { transfer } from '../../../../src/lib/flow/steps/transfer/transfer.ts';
import { verify } from '../../../../src/lib/flow/steps/verify/verify.ts';
import { resume } from '../../../../src/lib/flow/switches/holds.ts';
import { disable } from '../../../../src/lib/flow/switches/storageswitch.ts';
import { HOUR, ms } from '../../../../src/lib/util/time.ts';
import { closeWorlds, collect, makePorts, readRun, T0, world } from '../../../support/ports.ts';
import {
  bufferPath,
  changeDoc,
  copyPath,
  DAMAGES,
  onBuffer,
  originalsOf,
  rawName,
  runVerify as run,
  storedRuns,
} from '../../../support/stored.ts';

afterEach(closeWorlds);

test('removes the probes of killed calls, and a larger file of such a name is nobody’s probe', async () => {
  const ports = await world();
  await storedRuns(ports, [1], 1);
  const folder = dirname(copyPath(ports, 'sfu', 1));
  writeFileSync(join(folder, '.probe.dflow-1-left'), '');
  writeFileSync(join(folder, '.probe.dflow-2-large'), 'x'.repeat(500));
  const probes = (): string[] => readdirSync(folder).filter((name) => name.startsWith('.probe'));
  const said = async (options: object): Promise<unknown[]> =>
    (await run(ports, options)).filter(({ did }) => did === 'probe').map(({ text, next }) => next ?? text);
  expect(await said({})).toEqual(['dflow verify --repair --storage sfu']);
  expect(await said({ repair: true, dryRun: true })).toEqual(['probe file of a killed command, would be removed']);
  expect(probes()).toHaveLength(2);
  expect(await said({ repair: true })).toEqual(['probe file of a killed command, removed']);
  expect(probes()).toEqual(['.probe.dflow-2-large']);
});

describe('of a raw file', () => {
  test('never from a copy that is bad itself: that one is marked, another is taken, the original last', async () => {
    const ports = await world();
    await storedRuns(ports, [1], 1);
    await DAMAGES.missing(copyPath(ports, 'ral', 1));
    await run(ports, { storages: ['ral'] });
    await DAMAGES.silent(copyPath(ports, 'sfu', 1));
    await DAMAGES.silent(copyPath(ports, 'fnal', 1));
    const items = await run(ports, { storages: ['ral'], repair: true });
    expect(items.map(({ did, text }) => `${did} ${/from (.*)/.exec(text ?? '')?.[1] ?? ''}`.trim())).toEqual([
      'failed',
      'failed',
      'repaired buffer L1',
    ]);
    expect((await readRun(ports, 1)).files[0]?.replicas).toMatchObject({
      sfu: { state: 'bad' },
      fnal: { state: 'bad' },
      ral: { state: 'verified' },
    });
    expect((await run(ports, { repair: true })).filter(({ did }) => did === 'repaired')).toHaveLength(2);
    for (const storage of ['sfu', 'fnal', 'ral']) {
      expect(await readFile(copyPath(ports, storage, 1))).toEqual(await readFile(bufferPath(ports, 1)));
    }
  });

  test('nothing is read from a storage element that is disabled', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'] });
    await storedRuns(ports, [1], 1);
    await DAMAGES.missing(copyPath(ports, 'fnal', 1));
    await run(ports);
    const held = await collect(disable(ports, 'sfu', { why: 'moved', until: '2099-01-01T00:00:00.000Z' }));
    await changeDoc(ports, 1, (doc) => ({ ...doc, host: 'another' }));
    const items = await run(ports, { repair: true });
    expect(items.filter(({ did }) => did === 'failed')).toMatchObject([{ next: 'dflow why sfu' }]);
    await collect(resume(ports, [String(held[0]!.ref)], 'done'));
    expect((await run(ports, { repair: true })).map(({ did }) => did)).toContain('repaired');
  });

  test('without any good copy it says so, and the bad one stays what it is', async () => {
    const ports = await world({ storages: ['sfu'] });
    await storedRuns(ports, [1], 1);
    await collect(purge({ ...ports, settings: { ...ports.settings, copies: { raw: 1, purgeAfter: 1 } } }));
    await DAMAGES.flipped(copyPath(ports, 'sfu', 1));
    const items = await run(ports, { repair: true });
    expect(items.filter(({ did }) => did === 'failed')).toMatchObject([
      { text: expect.stringContaining('no good copy') },
    ]);
    expect((await readRun(ports, 1)).files[0]?.replicas.sfu).toMatchObject({ state: 'bad', attempt: 1 });
    expect(readdirSync(dirname(copyPath(ports, 'sfu', 1)))).toEqual([rawName(1)]);
  });

  test('a copy that came back is taken as it is', async () => {
    const ports = await world({ storages: ['sfu', 'fnal'] });
    await storedRuns(ports, [1], 1);
    const path = copyPath(ports, 'fnal', 1);
    await rename(path, `${path}.away`);
    await run(ports);
    await rename(`${path}.away`, path);
    expect((await run(ports, { repair: true })).filter(({ kind }) => kind === 'replica').map(({ did }) => did)).toEqual(
      ['restored'],
    );
    expect((await readRun(ports, 1)).files[0]?.replicas.fnal?.state).toBe('verified');
  });

  test('a repair that died is taken over by the next, and by no transfer', async () => {
    let now = ms(T0);
    const ports = await world({ storages: ['sfu', 'fnal'], now: () => now });
    await storedRuns(ports, [1], 1);
    await DAMAGES.flipped(copyPath(ports, 'fnal', 1));
    await run(ports);
    await changeDoc(ports, 1, (doc) => ({
      ...doc,
      files: doc.files.map((file) => {
        const bad = file.replicas.fnal as { path: string; why: string; attempt: number };
        const repair = { path: bad.path, why: bad.why };
        const expires = new Date(now + HOUR).toISOString();
        const fnal = {
          state: 'copying',
          attempt: 2,
          host: 'x',
          nonce: 'dead',
          since: T0,
          expires,
          source: 'sfu',
          repair,
        } as const;
        return { ...file, replicas: { ...file.replicas, fnal } };
      }),
    }));
    expect((await run(ports, { repair: true })).filter(({ kind }) => kind === 'replica')).toEqual([]);
    now += 2 * HOUR;
    expect(await collect(transfer(ports))).toEqual([]);
    expect((await run(ports, { repair: true })).filter(({ did }) => did === 'repaired')).toHaveLength(1);
    expect(await readFile(copyPath(ports, 'fnal', 1))).toEqual(await readFile(bufferPath(ports, 1)));
  });
});

test('verify, repair, purge and transfer at once on the same files lose nothing', async () => {
  const ports = await world();
  await storedRuns(ports, [1, 2, 3, 4], 5, 500);
  const originals = new Map<string, Buffer>();
  for (const file of onBuffer(ports)) originals.set(file, readFileSync(join(ports.folder, 'buffer', 'L1', file)));
  for (const number of [1, 2, 3, 4]) {
    await DAMAGES.flipped(copyPath(ports, 'sfu', number, 0));
    await DAMAGES.missing(copyPath(ports, 'fnal', number, 1));
    await DAMAGES.silent(copyPath(ports, 'ral', number, 2));
  }
  const hosts = await Promise.all(['a', 'b', 'c'].map(() => makePorts({ folder: ports.folder })));
  for (let round = 0; round < 3; round++) {
    await Promise.all([
      collect(verify(hosts[0]!, { repair: true })),
      collect(purge(hosts[1]!)),
      collect(transfer(hosts[2]!)),
      collect(verify(ports, { read: true })),
    ]);
    const there = new Set(onBuffer(ports));
    for (const [file, bytes] of originals) {
      const [, number = '', subrun = ''] = /_(\d+)_(\d+)/.exec(file) ?? [];
      const copies = ['sfu', 'fnal', 'ral'].filter((storage) => {
        try {
          return readFileSync(copyPath(ports, storage, Number(number), Number(subrun))).equals(bytes);
        } catch {
          return false;
        }
      });
      expect(there.has(file) || copies.length === 3, `${file}: ${copies.join(' ')}`).toBe(true);
    }
  }
  await collect(verify(ports, { repair: true }));
  await collect(purge(ports));
  expect(onBuffer(ports)).toEqual([]);
  for (const number of [1, 2, 3, 4]) expect(await originalsOf(ports, number)).toEqual(Array(5).fill('purged'));
  for (const host of hosts) await host.close();
});
