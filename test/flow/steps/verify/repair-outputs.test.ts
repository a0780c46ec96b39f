// Repair of a job's outputs: bad copies are made anew from good ones; without any, what to reprocess is said.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import { status } from '../../../../src/lib/flow/reports/status/status.ts';
import { whyStorage } from '../../../../src/lib/flow/reports/why/whystorage.ts';
import { deleteOutputs } from '../../../../src/lib/flow/steps/delete/delete.ts';
import { transfer } from '../../../../src/lib/flow/steps/transfer/transfer.ts';
import { verify } from '../../../../src/lib/flow/steps/verify/verify.ts';
import { UnreachableError } from '../../../../src/lib/util/errors.ts';
import { HOUR, ms } from '../../../../src/lib/util/time.ts';
import type { Seen } from '../../../support/items.ts';
import { closeWorlds, collect, makePorts, type PortsOptions, replacing, T0, world } from '../../../support/ports.ts';
import {
  copyPath,
  DAMAGES,
  type Damage,
  outputPath,
  outputsOf,
  readJob,
  runVerify as run,
  storedPass,
  storedRuns,
} from '../../../support/stored.ts';

afterEach(closeWorlds);

describe('of an output', () => {
  const outputs = [{ type: 'root', to: ['fnal', 'ral'], keep: true }];

  /** A pass whose root files are at three elements; `at` names the copy of the first at one of them. */
  async function copied(options: PortsOptions = {}) {
    const ports = await world({ ...options, config: { outputs, ...options.config } });
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
  const said = (items: readonly Seen[]) =>
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
    expect(needYou).toContainEqual(
      expect.objectContaining({ text: 'bad copies of outputs: 3', next: 'dflow verify --repair' }),
    );
    const { gates } = await whyStorage(ports, 'ral');
    expect(gates).toContainEqual(expect.objectContaining({ gate: 'bad', text: '1 copies are bad' }));
    await collect(deleteOutputs(ports, [await readJob(ports, pass)]));
    expect((await status(ports)).needYou.map(({ text }) => text)).not.toContain('bad copies of outputs: 3');
  });

  test('a good copy at an element that is away is a hope: nothing is said to be lost', async () => {
    let down = false;
    const { ports, pass, at, bad } = await copied({
      config: { outputs: [{ type: 'root', to: ['fnal'], keep: true }] },
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
    const { ports, pass, at } = await copied({ config: { outputs: [{ to: ['fnal'], keep: true }] } });
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
      ['a', 'b'].map((host) => makePorts({ folder: ports.folder, host, config: { outputs } })),
    );
    const items: Seen[] = [];
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
            const once = mended;
            mended = undefined;
            await once?.();
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
