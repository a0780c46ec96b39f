// A registered file whose content changes: taken while nothing rests on the old, else accepted or rejected by a person.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { DataDoc, RawFile } from '../../../../src/lib/domain/data/data.ts';
import { dataId, jobId } from '../../../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import { noticeGates } from '../../../../src/lib/flow/jobs/notices.ts';
import type { Ports } from '../../../../src/lib/flow/ports.ts';
import { whyBuffer } from '../../../../src/lib/flow/reports/buffer/buffer.ts';
import { versionAttention } from '../../../../src/lib/flow/reports/status/versionstatus.ts';
import { settleVersions } from '../../../../src/lib/flow/steps/register/register.ts';
import { open as openPosix } from '../../../../src/lib/protocols/posix/posix.ts';
import { MINUTE } from '../../../../src/lib/util/time.ts';
import {
  type Bench,
  closeBenches,
  collect,
  copied,
  dataDoc,
  deeds,
  quarantined,
  start,
} from '../../../support/buffer.ts';
import type { Seen } from '../../../support/items.ts';

afterEach(closeBenches);

const FILE = 'run1_0.dat';
const ID = `quarantine:L1:${FILE}`;

const settle = (ports: Ports, which: { accept?: string[]; reject?: string[]; dryRun?: boolean }): Promise<Seen[]> =>
  collect(settleVersions(ports, { accept: [], reject: [], why: 'the DAQ had paused', ...which }));

/** A pass of run 1 as far as anybody here looks at it, made at `at`. */
async function pass(ports: Ports, at: string, number = 1): Promise<void> {
  const id = jobId(1, 'Count', number);
  const history = [{ at, to: 'made', by: 'test' }];
  const doc = {
    _id: id,
    kind: 'job',
    v: 1,
    run: 1,
    module: 'Count',
    pass: number,
    state: 'completed',
    history,
    subjobs: [],
  };
  await ports.store.update<JobDoc>(id, () => ({ write: doc as unknown as JobDoc }));
}

async function change(ports: Ports, next: (file: RawFile) => RawFile): Promise<void> {
  await ports.store.update<DataDoc>(dataId('L1', 1), (doc) =>
    doc ? { write: { ...doc, files: doc.files.map(next) } } : { skip: 'none' },
  );
}

/** Run 1 with a verified copy, whose file has grown since. */
async function grown(): Promise<{ bench: Bench; ports: Ports }> {
  const { bench, ports } = await start();
  bench.put(FILE, 'half');
  await bench.register(ports);
  await copied(ports, 1);
  bench.put(FILE, 'half and half', 2 * MINUTE);
  return { bench, ports };
}

describe('new content', () => {
  test('counts by itself where there is no copy and no pass', async () => {
    const { bench, ports } = await start();
    bench.put(FILE, 'half');
    await bench.register(ports);
    bench.put(FILE, 'half and half', 2 * MINUTE);
    expect(deeds(await bench.register(ports))).toEqual({ renewed: 1 });
    expect((await dataDoc(ports, 1))?.files[0]).toMatchObject({ size: 13, original: { state: 'present' } });
    expect(await bench.register(ports)).toEqual([]);
  });

  test.each([
    ['a verified copy', (ports: Ports) => copied(ports, 1)],
    ['a pass', (ports: Ports) => pass(ports, '2026-07-14T12:00:00.000Z')],
  ])('is a new version where there is %s: named by status and list, with what settles it', async (_, prepare) => {
    const { bench, ports } = await start();
    bench.put(FILE, 'half');
    await bench.register(ports);
    await prepare(ports);
    bench.put(FILE, 'half and half', 2 * MINUTE);
    const next = `dflow register --accept '${ID}' --why TEXT, or: dflow register --reject '${ID}' --why TEXT`;
    expect(await bench.register(ports)).toMatchObject([{ did: 'changed', failed: true, next }]);
    expect(await quarantined(ports)).toEqual({ [FILE]: 'new-version' });
    expect((await dataDoc(ports, 1))?.files[0]).toMatchObject({ size: 4, original: { state: 'changed' } });
    expect(await versionAttention(ports, Promise.resolve({ quarantined: { 'new-version': 1 } }))).toMatchObject([
      { way: 'new-version', text: `1 file has other content than was registered: ${FILE}`, next },
    ]);
  });

  test('is copied at once, where a copy of the old had failed', async () => {
    const { bench, ports } = await start();
    bench.put(FILE, 'half');
    await bench.register(ports);
    const since = await ports.store.now();
    const failed = { state: 'failed', attempt: 1, since, why: 'x', retryAt: '2026-08-01T00:00:00.000Z' } as const;
    await change(ports, (file) => ({ ...file, replicas: { sfu: failed } }));
    bench.put(FILE, 'half and half', 2 * MINUTE);
    expect(deeds(await bench.register(ports))).toEqual({ renewed: 1 });
    expect((await dataDoc(ports, 1))?.files[0]?.replicas).toEqual({ sfu: { ...failed, retryAt: since } });
  });

  test('of the same size and checksum as the copy is not taken for the old', async () => {
    const { bench, ports } = await start();
    const [was, collides] = [Buffer.alloc(9000, 50), Buffer.alloc(9000, 50)];
    collides.set([51, 48, 51], 4500);
    bench.put(FILE, was);
    await bench.register(ports);
    await copied(ports, 1);
    const url = join(bench.folder, 'sfu');
    mkdirSync(url);
    writeFileSync(join(url, 'x'), was);
    const sfu = {
      name: 'sfu',
      protocol: 'posix',
      mounted: true,
      url,
      tape: false,
      template: '{name}',
      options: {},
    } as const;
    const storages = [sfu];
    const more: Ports = { ...ports, settings: { ...ports.settings, storages }, storage: () => openPosix(sfu) };
    bench.put(FILE, collides, 2 * MINUTE);
    expect((await (await ports.buffer('L1')).checksum(FILE)).adler32).toBe(
      (await dataDoc(ports, 1))!.files[0]!.adler32,
    );
    expect(deeds(await bench.register(more))).toEqual({ changed: 1 });
    expect(await quarantined(ports)).toEqual({ [FILE]: 'new-version' });
    bench.put(FILE, was, 2 * MINUTE);
    expect(deeds(await bench.register(more))).toEqual({ restored: 1, released: 1 });
  });

  test('with the time of the old: its ctime tells', async () => {
    const { bench, ports } = await start();
    bench.put(FILE, 'one', 5 * MINUTE);
    await bench.register(ports);
    await copied(ports, 1);
    await setTimeout(30);
    bench.put(FILE, 'two', 5 * MINUTE);
    expect(deeds(await bench.register(ports))).toEqual({ changed: 1 });
  });

  test('under an old name after a purge: seen, and its bytes are counted', async () => {
    const { bench, ports } = await grown();
    await change(ports, (file) => ({ ...file, original: { state: 'purged', since: file.registered, receipt: 'r' } }));
    await bench.register(ports);
    expect(await quarantined(ports)).toEqual({ [FILE]: 'new-version' });
    expect((await dataDoc(ports, 1))?.files[0]?.original.state).toBe('purged');
    expect((await whyBuffer(ports)).about).toBe('13 B of raw files, 0 B may go now');
  });

  test('the same in another folder', async () => {
    const { bench, ports } = await grown();
    await change(ports, (file) => ({ ...file, original: { state: 'purged', since: file.registered, receipt: 'r' } }));
    bench.remove(FILE);
    bench.put(`july/${FILE}`, 'quite other data', 2 * MINUTE);
    await bench.register(ports);
    expect(await quarantined(ports)).toEqual({ [`july/${FILE}`]: 'new-version' });
  });
});

describe('an original that is gone', () => {
  const gone: RawFile['original'] = { state: 'changed', since: '2026-07-14T12:00:00.000Z', why: 'is no longer there' };

  test.each([FILE, '1'])('is accepted as gone by %s where it has a copy, with a receipt', async (word) => {
    const { bench, ports } = await start();
    bench.put(FILE, 'data');
    await bench.register(ports);
    await copied(ports, 1);
    await change(ports, (file) => ({ ...file, original: gone }));
    expect(await settle(ports, { accept: [word] })).toMatchObject([{ did: 'kept', next: 'dflow register' }]);
    bench.remove(FILE);
    const [item] = await settle(ports, { accept: [word] });
    expect(item).toMatchObject({
      did: 'accepted',
      text: `${FILE}: gone from the buffer, its copies count: the DAQ had paused`,
    });
    expect(existsSync(join(bench.folder, '.dflow/receipts', String(item?.receipt)))).toBe(true);
    expect((await dataDoc(ports, 1))?.files[0]?.original.state).toBe('purged');
  });

  test('stays where no copy is good', async () => {
    const { bench, ports } = await start();
    bench.put(FILE, 'data');
    await bench.register(ports);
    await change(ports, (file) => ({ ...file, original: gone }));
    bench.remove(FILE);
    expect(await settle(ports, { accept: [FILE] })).toMatchObject([{ did: 'kept', failed: true }]);
  });
});

describe('accepted', () => {
  test.each([
    ID,
    FILE,
    '1',
  ])('by %s: registered anew, its copies bad, its passes stale until there are newer ones', async (ref) => {
    const { bench, ports } = await grown();
    await pass(ports, '2026-07-14T12:00:00.000Z');
    await bench.register(ports);
    const before = await dataDoc(ports, 1);
    expect(deeds(await settle(ports, { accept: [ref], dryRun: true }))).toEqual({ accepted: 1 });
    expect(await dataDoc(ports, 1)).toEqual(before);
    bench.clock += MINUTE;
    expect(await settle(ports, { accept: [ref] })).toMatchObject([
      { did: 'accepted', next: 'dflow verify --repair --run 1' },
    ]);
    expect((await dataDoc(ports, 1))?.files[0]).toMatchObject({
      size: 13,
      original: { state: 'present' },
      replicas: { sfu: { state: 'bad', path: 'x' } },
    });
    expect(await bench.register(ports)).toEqual([]);
    expect(await quarantined(ports)).toEqual({});
    expect(await noticeGates(ports, 1)).toMatchObject([
      { gate: 'stale', ok: false, next: expect.stringContaining('dflow reprocess --request accepted-1 ') },
    ]);
    bench.clock += MINUTE;
    await pass(ports, await ports.store.now(), 2);
    expect(await noticeGates(ports, 1)).toEqual([]);
  });

  test('not while a copy of it is under way, nor when it has changed again', async () => {
    const { bench, ports } = await grown();
    await bench.register(ports);
    const copying = { state: 'copying', attempt: 2, host: 'h', nonce: 'n', since: 'x', expires: 'y' } as const;
    await change(ports, (file) => ({ ...file, replicas: { ...file.replicas, ral: copying } }));
    expect(await settle(ports, { accept: [FILE] })).toMatchObject([
      { failed: true, text: 'the file is being copied or purged' },
    ]);
    bench.put(FILE, 'half and half and more', 2 * MINUTE);
    expect(await settle(ports, { accept: [FILE] })).toMatchObject([
      { failed: true, text: `${FILE} is no longer what was quarantined`, next: 'dflow register' },
    ]);
    expect(await settle(ports, { accept: ['nothing'] })).toMatchObject([{ did: 'unknown', failed: true }]);
  });
});

describe('rejected', () => {
  test('goes to the trash with a receipt; what was registered counts', async () => {
    const { bench, ports } = await grown();
    await bench.register(ports);
    const [item] = await settle(ports, { reject: [FILE] });
    expect(item).toMatchObject({ did: 'rejected', next: 'dflow list quarantine --trash' });
    expect(existsSync(join(bench.settings.buffers[0]!.path, FILE))).toBe(false);
    const [trashed] = await ports.store.range({ start: 'trash:', end: 'trash:~' });
    const place = (trashed as unknown as { places: string[] }).places[0]!;
    expect(readFileSync(join(bench.settings.buffers[0]!.path, place), 'utf8')).toBe('half and half');
    expect((await dataDoc(ports, 1))?.files[0]).toMatchObject({ size: 4, original: { state: 'purged' } });
    expect(await bench.register(ports)).toEqual([]);
  });

  test('never where nothing of the registered content is left', async () => {
    const { bench, ports } = await start();
    bench.put(FILE, 'half');
    await bench.register(ports);
    await pass(ports, '2026-07-14T12:00:00.000Z');
    bench.put(FILE, 'half and half', 2 * MINUTE);
    await bench.register(ports);
    expect(await settle(ports, { reject: [FILE] })).toMatchObject([{ failed: true, did: 'kept' }]);
    expect(existsSync(join(bench.settings.buffers[0]!.path, FILE))).toBe(true);
  });
});

test('a copy that was interrupted and finished later is to be compared with its source, until somebody has', async () => {
  const { bench, ports } = await start();
  bench.put(FILE, 'half', bench.clock);
  await bench.register(ports);
  bench.put(FILE, 'half and half', 2 * MINUTE);
  await bench.register(ports);
  expect(await versionAttention(ports, Promise.resolve({ quarantined: {} }))).toMatchObject([{ way: 'interrupted' }]);
  expect(deeds(await settle(ports, { accept: [FILE] }))).toEqual({ accepted: 1 });
  expect(await versionAttention(ports, Promise.resolve({ quarantined: {} }))).toEqual([]);
});
