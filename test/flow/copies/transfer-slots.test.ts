// A transfer's slots while its copies run: taken over by another attempt, or kept by renewing them.
import { afterEach, describe, expect, test } from 'vitest';
import type { DataDoc } from '../../../src/lib/domain/data/data.ts';
import { dataId } from '../../../src/lib/domain/ids.ts';
import type { Item } from '../../../src/lib/flow/ports.ts';
import { transfer } from '../../../src/lib/flow/steps/transfer/transfer.ts';
import { HOUR, ms } from '../../../src/lib/util/time.ts';
import { dids, file } from '../../support/copies.ts';
import { addRun, closeWorlds, collect, readRun, replacing, T0, world } from '../../support/ports.ts';
import { onDisk } from '../../support/stored.ts';

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
