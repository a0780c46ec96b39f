// A transfer's slots while its copies run: taken over by another attempt, or kept by renewing them.

import { afterEach, describe, expect, test, vi } from 'vitest';
import type { DataDoc, Replica } from '../../../../src/lib/domain/data/data.ts';
import { dataId } from '../../../../src/lib/domain/ids.ts';
import type { LanesDoc } from '../../../../src/lib/domain/storage/lanes.ts';
import type { Claimed } from '../../../../src/lib/flow/ports.ts';
import { transfer } from '../../../../src/lib/flow/steps/transfer/transfer.ts';
import { idsWith } from '../../../../src/lib/store.ts';
import { StoppedError } from '../../../../src/lib/util/processes/stopping.ts';
import { HOUR, ms, plus } from '../../../../src/lib/util/time.ts';
import { dids, file } from '../../../support/copies.ts';
import type { Seen } from '../../../support/items.ts';
import { addRun, closeWorlds, collect, readRun, replacing, T0, world } from '../../../support/ports.ts';
import { changeDoc, onDisk } from '../../../support/stored.ts';

afterEach(closeWorlds);

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
    const lease = 3000;
    const other: Seen[] = [];
    const ports = await world({
      storages: ['sfu'],
      config: { transfer: { parallel: 4, lease: `${lease} ms`, retry: '1 ms' } },
      wrap: (storage) =>
        replacing(storage, {
          copyIn: async (local, path, options) => {
            const begun = Date.now();
            while (Date.now() < begun + 1.5 * lease) {
              await ports.sleep(lease / 8);
              other.push(...(await collect(transfer(second))));
            }
            return storage.copyIn(local, path, options);
          },
        }),
    });
    const second = await world({ folder: ports.folder, host: 'buffer2', storages: ['sfu'] });
    await addRun(ports, 1, [file('a')]);
    expect(dids(await collect(transfer(ports)))).toEqual(['sfu a verified']);
    expect(new Set(other.map(({ text }) => text?.replace(/ends .*/, '')))).toEqual(
      new Set(['1 file is being copied by buffer1 now; without a heartbeat their claim ']),
    );
    expect((await readRun(ports, 1)).files[0]!.replicas.sfu).toMatchObject({ attempt: 1 });
  });

  test('of a process that was killed are taken over at once, of a living one not; a dry run says the same', async () => {
    const ports = await world({ storages: ['sfu'] });
    await addRun(ports, 1, [file('a'), file('b')]);
    const now = await ports.store.now();
    const slot = (nonce: string): Replica => {
      return { state: 'copying', attempt: 1, host: 'h', nonce, holder: 'p', since: now, expires: plus(now, 600_000) };
    };
    await changeDoc(ports, 1, (doc) => ({
      ...doc,
      files: doc.files.map((one, index) => ({ ...one, replicas: { sfu: slot(['dead', 'alive'][index]!) } })),
    }));
    const presence = {
      enter: async () => async () => undefined,
      ended: async ({ nonce, holder }: Claimed) => holder === 'p' && nonce === 'dead',
    };
    const lines = ['sfu - skipped', 'sfu a verified'];
    expect(dids(await collect(transfer({ ...ports, presence }, { dryRun: true }))).sort()).toEqual(lines);
    expect(dids(await collect(transfer({ ...ports, presence }))).sort()).toEqual(lines);
    expect((await readRun(ports, 1)).files.map(({ replicas }) => replicas.sfu?.state)).toEqual(['verified', 'copying']);
  });

  test('a call that is told to end gives its slots and lanes back and leaves nothing half', async () => {
    const stop = new AbortController();
    const ports = await world({
      storages: ['sfu'],
      wrap: (storage) =>
        replacing(storage, {
          copyIn: async (local, path, options) => {
            if (local.endsWith('b') && !stop.signal.aborted)
              await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
            return storage.copyIn(local, path, options);
          },
        }),
    });
    await addRun(ports, 1, [file('a'), file('b')]);
    const call = collect(transfer({ ...ports, stopping: stop.signal }));
    const places = async () => [...(await onDisk(ports, 'sfu')).keys()].filter((name) => !name.includes('.dflow-'));
    await vi.waitFor(async () => expect(await places()).toHaveLength(1), { timeout: 300_000 });
    stop.abort(new StoppedError('stopped by a signal'));
    await expect(call).rejects.toThrow(StoppedError);
    expect((await readRun(ports, 1)).files.map(({ replicas }) => replicas.sfu?.state)).toEqual(['verified', 'failed']);
    expect([...(await onDisk(ports, 'sfu')).keys()].filter((name) => name.includes('.dflow-'))).toEqual([]);
    expect((await ports.store.range<LanesDoc>(idsWith('lanes:'))).flatMap(({ held }) => held)).toEqual([]);
    expect(dids(await collect(transfer(ports)))).toEqual(['sfu b verified']);
  });
});

function takenOver(doc: DataDoc): DataDoc {
  const expires = '2099-01-01T00:00:00.000Z';
  const sfu = { state: 'copying' as const, attempt: 9, host: 'other', nonce: 'n', since: T0, expires };
  return { ...doc, files: doc.files.map((one) => ({ ...one, replicas: { ...one.replicas, sfu } })) };
}
