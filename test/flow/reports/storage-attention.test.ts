// What status and verify say of storage that needs a person: elements that were renamed, copies that fail.
import { afterEach, expect, test } from 'vitest';
import type { DataDoc, Replica } from '../../../src/lib/domain/data/data.ts';
import { cancelTransfers } from '../../../src/lib/flow/copies/claims/cancel.ts';
import { status } from '../../../src/lib/flow/reports/status/status.ts';
import { why } from '../../../src/lib/flow/reports/why/why.ts';
import { whyStorage } from '../../../src/lib/flow/reports/why/whystorage.ts';
import { closeWorlds, collect, T0, type TestPorts, world } from '../../support/ports.ts';
import { changeDoc, rawName, runVerify, storedRuns } from '../../support/stored.ts';

afterEach(closeWorlds);

const said = async (ports: TestPorts) =>
  (await status(ports)).needYou
    .filter(({ next }) => next !== 'dflow why 1')
    .map(({ text, next }) => `${text} -> ${next}`);

/** The same element under another name. */
function renamed(ports: TestPorts, from: string, to: string): TestPorts {
  const storages = ports.settings.storages.map((one) => (one.name === from ? { ...one, name: to } : one));
  return {
    ...ports,
    settings: { ...ports.settings, storages },
    storage: (name) => ports.storage(name === to ? from : name),
  };
}

test('an element that was renamed: its copies are counted, and not called dark', async () => {
  const ports = await world({ storages: ['sfu', 'fnal'] });
  await storedRuns(ports, [1], 2);
  expect(await said(ports)).toEqual([]);
  const now = renamed(ports, 'sfu', 'sfu-new');
  expect(await said(now)).toEqual([
    '2 copies are missing; transfer has never run -> dflow transfer',
    '2 copies are catalogued at sfu, which the configuration does not have -> dflow list replicas --storage sfu',
  ]);
  const found = (await runVerify(now)).filter(({ kind }) => kind === 'file');
  expect(found).toHaveLength(2);
  for (const item of found) {
    expect(item).toMatchObject({
      did: 'former',
      failed: true,
      text: expect.stringContaining(
        'catalogued at sfu, which the configuration does not have; is sfu-new its new name?',
      ),
      next: expect.stringContaining('sfu'),
    });
  }
});

test('copies that failed are said by status and by why of their element', async () => {
  const ports = await world({ storages: ['sfu', 'fnal'] });
  await storedRuns(ports, [1], 2);
  const failed: Replica = { state: 'failed', attempt: 1, since: T0, why: '501', retryAt: T0 };
  await changeDoc(ports, 1, (doc: DataDoc) => ({
    ...doc,
    files: doc.files.map((file) => ({ ...file, replicas: { ...file.replicas, fnal: failed } })),
  }));
  expect(await said(ports)).toContain('failed copies to fnal: 2 -> dflow why fnal');
  const [about] = await why(ports, { text: '1', run: 1 });
  const copies = about?.gates.find(({ gate }) => gate === 'copies');
  expect(copies).toMatchObject({ ok: false, next: 'dflow transfer --run 1' });
  expect(copies?.text).toBe(`${rawName(1)} to fnal: 501; ${rawName(1, 1)} to fnal: 501`);
  const report = await whyStorage(ports, 'fnal');
  expect(report.gates.find(({ gate }) => gate === 'failed')).toMatchObject({
    ok: false,
    text: '2 copies to it failed',
  });
  expect(report.next).toEqual(['dflow transfer --to fnal']);
});

test('why of a run: an original that has changed, a file without a good copy, a transfer that was cancelled', async () => {
  const ports = await world({ storages: ['sfu', 'fnal'] });
  await storedRuns(ports, [1], 2);
  const bad: Replica = { state: 'bad', path: 'x', attempt: 1, since: T0, why: 'two bytes differ' };
  await changeDoc(ports, 1, (doc: DataDoc) => ({
    ...doc,
    files: doc.files.map((file, index) =>
      index === 0 ? { ...file, original: { state: 'changed', since: T0, why: 'grew' }, replicas: { fnal: bad } } : file,
    ),
  }));
  await collect(cancelTransfers(ports, { runs: [[1, 1]], storages: ['fnal'] }, { why: 'not that one' }));
  const [about] = await why(ports, { text: '1', run: 1 });
  const texts = about!.gates.flatMap(({ gate, ok, text }) => (ok ? [] : [`${gate}: ${text}`]));
  expect(texts).toEqual(
    expect.arrayContaining([
      `lost: ${rawName(1)} has no known good copy`,
      `original: ${rawName(1)}: grew`,
      `copies: ${rawName(1)} at fnal: two bytes differ`,
      expect.stringMatching(/^transfer: its transfers are canceled: .*not that one/),
    ]),
  );
});
