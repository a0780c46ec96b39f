// How full the buffer is, how long it lasts, and what keeps each part of it: from real documents and folders.
import { afterEach, expect, test } from 'vitest';
import type { DataDoc } from '../../../src/lib/domain/data/data.ts';
import { dataId, runId } from '../../../src/lib/domain/ids.ts';
import type { RunDoc } from '../../../src/lib/domain/runs/run.ts';
import { daysLeft, daysText, inflow } from '../../../src/lib/domain/storage/inflow.ts';
import { fillOf } from '../../../src/lib/flow/copies/buffer/fill.ts';
import { bufferRows } from '../../../src/lib/flow/copies/buffer/levels.ts';
import { bufferParts, isShort, whyBuffer } from '../../../src/lib/flow/reports/buffer/buffer.ts';
import { status } from '../../../src/lib/flow/reports/status/status.ts';
import { whyStorage } from '../../../src/lib/flow/reports/why/whystorage.ts';
import { purge } from '../../../src/lib/flow/steps/purge/purge.ts';
import { verify } from '../../../src/lib/flow/steps/verify/verify.ts';
import { disable } from '../../../src/lib/flow/switches/storageswitch.ts';
import { whyText } from '../../../src/lib/render/why.ts';
import { DAY, HOUR, iso, ms } from '../../../src/lib/util/time.ts';
import { closeWorlds, collect, makePorts, T0, world } from '../../support/ports.ts';
import { completeRun, copyPath, DAMAGES, storedRuns } from '../../support/stored.ts';

afterEach(closeWorlds);

test('days in words: never none at all', () => {
  expect([0.01, 0.05, 0.3, 1, 40, 400].map(daysText)).toEqual([
    ...['less than an hour', '0.1 days', '0.3 days', '1.0 day', '40 days', 'more than a year'],
  ]);
});

test('inflow counts the last day; what is left lasts so many days', () => {
  const at = (hours: number) => iso(ms(T0) - hours * HOUR).slice(0, 13);
  const hours = new Map([
    [at(0), 5],
    [at(23), 10],
    [at(24), 1000],
  ]);
  expect(inflow(hours, T0)).toBe(15);
  expect(daysLeft(30, 15)).toBe(2);
  expect(daysLeft(30, 0)).toBeUndefined();
});

test.each([
  [{ total: 100, free: 9 }, undefined, true],
  [{ total: 100, free: 11 }, undefined, false],
  [{ total: 100, free: 50 }, 2.9, true],
  [{ total: 100, free: 50 }, 3.1, false],
])('a disk with %o and %s days left needs a person: %s', (space, days, short) => {
  const disk = { host: 'h', at: T0, ...space };
  expect(isShort(days === undefined ? { disk } : { disk, daysLeft: days })).toBe(short);
});

test('what keeps each part: open runs, missing and bad copies, late files; the rest may go', async () => {
  const ports = await world({ now: () => ms(T0) + HOUR });
  await storedRuns(ports, [1, 2, 3, 4], 2, 1000);
  await completeRun(ports, 5, 3, 1000);
  await DAMAGES.missing(copyPath(ports, 'ral', 2));
  await collect(verify(ports, { storages: ['ral'] }));
  const level = async (run: number, change: (level: RunDoc['levels'][string]) => RunDoc['levels'][string]) =>
    ports.store.update<RunDoc>(runId(run), (doc) => ({ write: { ...doc!, levels: { L1: change(doc!.levels.L1!) } } }));
  await level(3, ({ complete: _complete, ...rest }) => rest);
  await level(4, (one) => ({ ...one, late: ['x'] }));
  const parts = await bufferParts(ports);
  expect(parts.map(({ gate, files, bytes, run, why }) => `${gate} ${files} ${bytes} ${run} ${why}`)).toEqual([
    'free 3 3000 1 may go now',
    'copies 3 3000 5 no copy at sfu, fnal, ral',
    'open 2 2000 3 the run is not complete',
    'late 2 2000 4 files came after the run was complete',
    'copies 1 1000 2 bad at ral',
  ]);
  const [row] = await bufferRows(ports);
  expect(row).toMatchObject({ level: 'L1', bytes: 11_000, perDay: 11_000, disk: { host: 'buffer1' } });
  expect(row?.daysLeft).toBeGreaterThan(0);
  const report = await whyBuffer(ports);
  expect(report.next).toContain('dflow verify --repair --storage ral');
  expect(whyText(report)).toMatch(/11\.0 kB of raw files, 3\.0 kB may go now/);
  // The same rules: purge deletes just what is said to be free.
  expect((await collect(purge(ports))).filter(({ did }) => did === 'purged')).toHaveLength(3);
  expect((await bufferParts(ports)).some(({ gate }) => gate === 'free')).toBe(false);
});

test('another host reads what the host of the buffer has said', async () => {
  const ports = await world();
  await completeRun(ports, 1, 1);
  await fillOf(ports, 'L1');
  const other = await makePorts({ folder: ports.folder, host: 'laptop' });
  const [row] = await bufferRows(other);
  expect(row?.disk).toMatchObject({ host: 'buffer1' });
  const page = await status(other);
  expect(page.buffer).toEqual([row]);
  await other.close();
});

test('data whose host is another one are not purged here, but shown', async () => {
  const ports = await world();
  await storedRuns(ports, [1], 1);
  await ports.store.update<DataDoc>(dataId('L1', 1), (doc) => ({ write: { ...doc!, host: 'buffer2' } }));
  expect(await collect(purge(ports))).toEqual([]);
  expect(await bufferParts(ports)).toMatchObject([{ gate: 'free', files: 1 }]);
});

test('why STORAGE: disabled, unreachable, bad copies; the status page shows its state', async () => {
  const ports = await world();
  await storedRuns(ports, [1], 2);
  expect(await whyStorage(ports, 'sfu')).toMatchObject({ ref: 'sfu', state: 'ok', about: 'posix primary', next: [] });
  await DAMAGES.missing(copyPath(ports, 'sfu', 1));
  await collect(verify(ports));
  const until = iso(ms(await ports.store.now()) + DAY);
  await collect(disable(ports, 'sfu', { why: 'disk swap', until }));
  const report = await whyStorage(ports, 'sfu');
  expect(report.gates.filter(({ ok }) => !ok).map(({ gate }) => gate)).toEqual(['hold', 'bad']);
  const page = await status(ports);
  expect(page.storage.map(({ name, primary, state }) => `${name} ${primary} ${state}`)).toEqual([
    'sfu false disabled',
    'fnal true ok',
    'ral false ok',
  ]);
});
