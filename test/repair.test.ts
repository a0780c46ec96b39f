// Repair over a real store and real folders: bad copies of raw files and of outputs are made anew from good ones, and
// never from bad ones.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { JobDoc } from '../src/lib/domain/job.ts';
import { deleteOutputs } from '../src/lib/flow/delete.ts';
import { resume } from '../src/lib/flow/holds.ts';
import type { Item } from '../src/lib/flow/ports.ts';
import { purge } from '../src/lib/flow/purge.ts';
import { status } from '../src/lib/flow/status.ts';
import { disable } from '../src/lib/flow/storage.ts';
import { transfer } from '../src/lib/flow/transfer.ts';
import { type VerifyOptions, verify } from '../src/lib/flow/verify.ts';
import { whyStorage } from '../src/lib/flow/why/storage.ts';
import { UnreachableError } from '../src/lib/util/errors.ts';
import { HOUR, ms } from '../src/lib/util/time.ts';
import {
  closeWorlds,
  collect,
  makePorts,
  type PortsOptions,
  readRun,
  replacing,
  T0,
  type TestPorts,
  world,
} from './support/ports.ts';
import {
  bufferPath,
  changeDoc,
  copyPath,
  DAMAGES,
  type Damage,
  onBuffer,
  originalsOf,
  outputPath,
  outputsOf,
  rawName,
  readJob,
  storedPass,
  storedRuns,
} from './support/stored.ts';

afterEach(closeWorlds);

const run = (ports: TestPorts, options: VerifyOptions = {}) => collect(verify(ports, options));

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

describe('of an output', () => {
  const outputs = [{ type: 'root', to: ['fnal', 'ral'], keep: true }];

  /** A pass whose root files are at three elements; `at` names the copy of the first at one of them. */
  async function copied(options: PortsOptions = {}) {
    const ports = await world({ ...options, settings: { outputs, ...options.settings } });
    const pass = await storedPass(ports);
    await collect(transfer(ports));
    const { path } = outputsOf(pass)[0]!;
    const at = (storage: string): string => outputPath(ports, { storage, path });
    const bad = async (): Promise<string[]> =>
      outputsOf(await readJob(ports, pass)).flatMap((one) =>
        one.bad === undefined ? [] : `${one.storage} ${one.name}`,
      );
    return { ports, pass, at, bad, bytes: await readFile(at('sfu')) };
  }
  const said = (items: readonly Item[]) =>
    items.filter(({ kind }) => kind === 'output').map(({ storage, file, did }) => `${storage} ${file} ${did}`);

  test.each(Object.keys(DAMAGES) as Damage[])('%s: copied again from a good one, as a dry run says', async (damage) => {
    const { ports, pass, at, bad, bytes } = await copied();
    await DAMAGES[damage](at('fnal'));
    const read = damage === 'silent';
    expect(await run(ports, { read })).toContainEqual(
      expect.objectContaining({
        kind: 'output',
        did: 'bad',
        next: `dflow verify --repair --storage fnal --run ${pass.run}`,
      }),
    );
    expect(await bad()).toEqual(['fnal Count_s0.root']);
    const later = { repair: true, sinceVerified: HOUR };
    const dry = (await run(ports, { ...later, dryRun: true })).filter(({ did }) => did === 'repaired');
    expect(dry).toMatchObject([{ kind: 'output', storage: 'fnal', bytes: 5000, dryRun: true }]);
    expect(await bad()).toEqual(['fnal Count_s0.root']);
    const [done] = (await run(ports, later)).filter(({ did }) => did === 'repaired');
    expect({ ...done, dryRun: true }).toEqual(dry[0]);
    expect(await readFile(at('fnal'))).toEqual(bytes);
    expect(await bad()).toEqual([]);
    expect((await readJob(ports, pass)).copies).toEqual({});
    expect(said(await run(ports, { repair: true, read: true }))).toEqual([]);
    expect(await collect(transfer(ports))).toEqual([]);
  });

  test('a source that is bad itself is marked, and another taken; without any good one it says what to type', async () => {
    const { ports, pass, at, bad } = await copied();
    await DAMAGES.missing(at('ral'));
    await run(ports, { storages: ['ral'] });
    await DAMAGES.silent(at('sfu'));
    const items = await run(ports, { storages: ['ral'], repair: true, sinceVerified: HOUR });
    expect(said(items)).toEqual(['ral Count_s0.root failed', 'ral Count_s0.root repaired']);
    expect(await bad()).toEqual(['sfu Count_s0.root']);
    for (const storage of ['sfu', 'fnal', 'ral']) await DAMAGES.truncated(at(storage));
    for (let call = 0; call < 2; call++) {
      const left = (await run(ports, { read: true, repair: true })).filter(({ did }) => did === 'failed');
      const next = `dflow reprocess --request again-Count-${pass.run} --version ${pass.version} --module Count --run ${pass.run}`;
      expect(left).toHaveLength(3);
      for (const item of left) {
        expect(item).toMatchObject({
          kind: 'output',
          failed: true,
          next,
          text: expect.stringContaining('no good copy'),
        });
      }
    }
    expect(await bad()).toHaveLength(3);
    const { needYou } = await status(ports);
    expect(needYou).toContainEqual({ text: 'bad copies of outputs: 3', next: 'dflow verify --repair' });
    const { gates } = await whyStorage(ports, 'ral');
    expect(gates).toContainEqual(expect.objectContaining({ gate: 'bad', text: '1 copies are bad' }));
    await collect(deleteOutputs(ports, [await readJob(ports, pass)]));
    expect((await status(ports)).needYou.map(({ text }) => text)).not.toContain('bad copies of outputs: 3');
  });

  test('a good copy at an element that is away is a hope: nothing is said to be lost', async () => {
    let down = false;
    const { ports, pass, at, bad } = await copied({
      settings: { outputs: [{ type: 'root', to: ['fnal'], keep: true }] },
      storages: ['sfu', 'fnal'],
      wrap: (storage) =>
        replacing(storage, {
          stat: (paths) => {
            if (down && storage.name === 'sfu') throw new UnreachableError('storage sfu: connection refused');
            return storage.stat(paths);
          },
        }),
    });
    await DAMAGES.missing(at('fnal'));
    await run(ports);
    down = true;
    const items = await run(ports, { repair: true, storages: ['fnal'] });
    expect(items.filter(({ did }) => did === 'failed')).toMatchObject([
      { kind: 'output', text: expect.stringContaining('a good copy at sfu cannot be read now'), next: 'dflow why sfu' },
    ]);
    expect(await bad()).toEqual(['fnal Count_s0.root']);
    expect(outputsOf(await readJob(ports, pass)).filter(({ storage }) => storage === 'sfu')).toHaveLength(4);
  });

  test('nothing is mended at an element that is at fault', async () => {
    const { ports, pass, at } = await copied({ settings: { outputs: [{ to: ['fnal'], keep: true }] } });
    await DAMAGES.missing(at('fnal'));
    await run(ports);
    await storedRuns(ports, [1], 10);
    for (let subrun = 0; subrun < 6; subrun++) await DAMAGES.missing(copyPath(ports, 'fnal', 1, subrun));
    const items = await run(ports, { repair: true });
    expect(items).toContainEqual(expect.objectContaining({ ref: 'fnal', did: 'site-fault' }));
    expect(items.filter(({ did }) => did === 'repaired')).toEqual([]);
    expect((await readJob(ports, pass)).copies).toEqual({});
  });

  test("another host's repair is left alone until its claim is over; then its rest is removed", async () => {
    let now = ms(T0);
    const { ports, pass, at, bad, bytes } = await copied({ now: () => now });
    await DAMAGES.flipped(at('fnal'));
    await run(ports);
    const theirs = { attempt: 1, nonce: 'dead', host: 'x', expires: new Date(now + HOUR).toISOString() };
    await ports.store.update<JobDoc>(pass._id, (doc) => ({ write: { ...doc!, copies: { fnal: theirs } } }));
    const rest = join(dirname(at('fnal')), '.Count_s0.root.dflow-1-dead');
    await writeFile(rest, 'half');
    expect((await run(ports, { repair: true })).filter(({ did }) => did === 'repaired')).toEqual([]);
    now += 2 * HOUR;
    expect(await collect(transfer(ports))).toEqual([]);
    expect((await run(ports, { repair: true })).filter(({ did }) => did === 'repaired')).toHaveLength(1);
    expect(readdirSync(dirname(rest))).toEqual(['Count_s0.root']);
    expect(await readFile(at('fnal'))).toEqual(bytes);
    expect(await bad()).toEqual([]);
  });

  test('three hosts that verify, mend and copy at once: each bad copy is mended once, and all are good', async () => {
    const { ports, pass, bad } = await copied();
    const copies = outputsOf(await readJob(ports, pass)).filter(({ type }) => type === 'root');
    const whole = new Map(copies.map((copy) => [outputPath(ports, copy), readFileSync(outputPath(ports, copy))]));
    for (const [index, copy] of copies.entries()) {
      if (index % 3 !== 1) await DAMAGES[index % 2 ? 'missing' : 'silent'](outputPath(ports, copy));
    }
    const hosts = await Promise.all(
      ['a', 'b'].map((host) => makePorts({ folder: ports.folder, host, settings: { outputs } })),
    );
    const items: Item[] = [];
    for (let round = 0; round < 3; round++) {
      const steps = [
        verify(ports, { read: true, repair: true }),
        verify(hosts[0]!, { repair: true }),
        transfer(hosts[1]!),
      ];
      items.push(...(await Promise.all(steps.map(collect))).flat());
    }
    expect(await bad()).toEqual([]);
    for (const [path, bytes] of whole) expect(readFileSync(path)).toEqual(bytes);
    const mended = items
      .filter(({ did }) => did === 'repaired' || did === 'restored')
      .map((one) => `${one.storage} ${one.file}`);
    expect(mended.length).toBe(new Set(mended).size);
    for (const host of hosts) await host.close();
  });

  test('what is deleted while it is mended comes back nowhere', async () => {
    let mended: (() => Promise<unknown>) | undefined;
    const { ports, pass, at } = await copied({
      wrap: (storage) =>
        replacing(storage, {
          rename: async (from, to) => {
            await storage.rename(from, to);
            await mended?.();
          },
        }),
    });
    await DAMAGES.missing(at('fnal'));
    await run(ports);
    mended = async () => {
      for await (const _ of deleteOutputs(ports, [await readJob(ports, pass)], { why: 'wrong optics' }));
    };
    expect((await run(ports, { repair: true })).filter(({ did }) => did === 'repaired')).toEqual([]);
    expect(outputsOf(await readJob(ports, pass))).toEqual([]);
    expect(existsSync(at('fnal'))).toBe(false);
  });
});
