// Junk: what goes to the trash, and everything that looks like junk and is not. Each file is real, and so is its proof.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { link, mkdir, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { DataDoc } from '../../../../src/lib/domain/data/data.ts';
import { dataId } from '../../../../src/lib/domain/ids.ts';
import type { QuarantineDoc } from '../../../../src/lib/domain/runs/run.ts';
import { inTrash, restore } from '../../../../src/lib/flow/copies/removal/trash.ts';
import { DAY, MINUTE, ms } from '../../../../src/lib/util/time.ts';
import { closeWorlds, collect, T0, type TestPorts, world } from '../../../support/ports.ts';
import { receipts, run } from '../../../support/purge.ts';
import { bufferPath, changeDoc, completeRun, copyPath, rawName, storedRuns } from '../../../support/stored.ts';

afterEach(closeWorlds);

const raw = (ports: TestPorts, path: string, level = 'L1'): string => join(ports.folder, 'buffer', level, path);

async function put(ports: TestPorts, path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(raw(ports, path)), { recursive: true });
  await writeFile(raw(ports, path), content);
  await utimes(raw(ports, path), new Date(T0), new Date(T0));
}

/** Quarantines a file as register does; the file is made unless it is there. */
async function quarantined(
  ports: TestPorts,
  name: string,
  reason: QuarantineDoc['reason'],
  content?: string | Buffer,
  number?: number,
): Promise<void> {
  if (content !== undefined) await put(ports, name, content);
  const found = (await (await ports.buffer('L1')).stat([name])).get(name)!;
  const run = number === undefined ? {} : { run: number };
  const base = { kind: 'quarantine' as const, v: 1, level: 'L1', name, reason, detail: 'a test', at: T0, ...run };
  const doc: QuarantineDoc = { ...base, _id: `quarantine:L1:${name}`, ...found };
  await ports.store.update<QuarantineDoc>(doc._id, () => ({ write: doc }));
}

const junk = (ports: TestPorts, options = {}) => run(ports, { junk: true, ...options });
const told = async (ports: TestPorts, options = {}) =>
  (await junk(ports, options)).map(({ name, ref, did }) => `${name ?? ref} ${did}`).sort();
const original = (ports: TestPorts, number: number): Buffer => readFileSync(bufferPath(ports, number));

test('by itself only what is empty or proven double goes; the rest is counted and must be named', async () => {
  const ports = await world();
  await completeRun(ports, 1, 1);
  await quarantined(ports, 'empty.zdab', 'empty', '');
  await quarantined(ports, `later/${rawName(1)}`, 'duplicate', original(ports, 1), 1);
  const may = ['unparsable-name', 'out-of-range', 'beyond-max-jump', 'damaged', 'other-content', 'operator'] as const;
  for (const reason of may) await quarantined(ports, `${reason}.gz`, reason, 'may be data');
  const dry = await told(ports, { dryRun: true });
  expect(existsSync(raw(ports, 'empty.zdab'))).toBe(true);
  expect(await told(ports)).toEqual(dry);
  expect(dry).toEqual(
    [...may.map((reason) => `${reason} skipped`), 'empty.zdab trashed', `later/${rawName(1)} trashed`].sort(),
  );
  expect((await readdir(raw(ports, ''))).filter((name) => name.endsWith('.gz'))).toHaveLength(may.length);
  expect((await inTrash(ports)).map(({ name }) => name).sort()).toEqual(['empty.zdab', `later/${rawName(1)}`]);
  expect((await ports.store.get(['quarantine:L1:empty.zdab'])).size).toBe(0);
  expect(receipts(ports).filter((name) => name.startsWith('trash-'))).toHaveLength(1);
});

test('what may be data goes when it is named with a reason why, and comes back', async () => {
  const ports = await world();
  for (const name of ['a.gz', 'b.gz', 'c.gz']) await quarantined(ports, name, 'unparsable-name', name);
  await quarantined(ports, 'far.zdab', 'beyond-max-jump', 'far');
  await expect(junk(ports, { words: ['a.gz'] })).rejects.toThrow('only with a reason');
  await expect(junk(ports, { reasons: ['unparsable'], why: 'x' })).rejects.toThrow("no quarantine reason 'unparsable'");
  expect(await told(ports, { words: ['a.gz', 'nobody'], why: 'packed by hand' })).toEqual([
    'a.gz trashed',
    'nobody unknown',
  ]);
  expect(await told(ports, { reasons: ['unparsable-name'], why: 'packed' })).toEqual(['b.gz trashed', 'c.gz trashed']);
  expect(existsSync(raw(ports, 'far.zdab'))).toBe(true);
  expect((await inTrash(ports)).map(({ why }) => why)).toContain('packed by hand');
  await collect(restore(ports, ['a.gz']));
  expect(readFileSync(raw(ports, 'a.gz'), 'utf8')).toBe('a.gz');
});

test('a duplicate stays when the registered file is damaged, gone, changed, itself, or only alike in its checksum', async () => {
  const ports = await world();
  const cases: Record<string, (number: number) => Promise<unknown>> = {
    damaged: async (number) => put(ports, rawName(number), Buffer.alloc(2000)),
    gone: async (number) => rm(bufferPath(ports, number)),
    linked: async (number) => {
      await rename(raw(ports, `later/${rawName(number)}`), bufferPath(ports, number));
      await link(bufferPath(ports, number), raw(ports, `later/${rawName(number)}`));
    },
    changed: async (number) =>
      changeDoc(ports, number, (doc) => ({
        ...doc,
        files: doc.files.map((file) => ({ ...file, original: { state: 'changed', since: T0, why: 'other bytes' } })),
      })),
    alike: async (number) => {
      const bytes = original(ports, number);
      for (const [at, value] of [11, 28, 11].entries()) bytes[100 + at] = value;
      const other = Buffer.from(bytes);
      for (const [at, value] of [10, 30, 10].entries()) other[100 + at] = value;
      await put(ports, rawName(number), bytes);
      await quarantined(ports, `later/${rawName(number)}`, 'duplicate', other, number);
    },
  };
  for (const [index, damage] of Object.values(cases).entries()) {
    const number = index + 1;
    await completeRun(ports, number, 1);
    await quarantined(ports, `later/${rawName(number)}`, 'duplicate', original(ports, number), number);
    await damage(number);
  }
  const items = await junk(ports);
  expect(items.map(({ did, failed }) => `${did} ${failed}`)).toEqual(Object.keys(cases).map(() => 'kept true'));
  for (const index of Object.keys(cases).keys())
    expect(existsSync(raw(ports, `later/${rawName(index + 1)}`))).toBe(true);
});

test('where the original is gone, enough copies with the same bytes prove a duplicate; a damaged or linked one does not count', async () => {
  const ports = await world();
  await storedRuns(ports, [1, 2, 3], 1);
  for (const number of [1, 2, 3]) {
    await quarantined(ports, `later/${rawName(number)}`, 'duplicate', original(ports, number), number);
    await rm(bufferPath(ports, number));
  }
  await writeFile(copyPath(ports, 'fnal', 2), Buffer.alloc(2000));
  await rm(copyPath(ports, 'ral', 3));
  await symlink(raw(ports, `later/${rawName(3)}`), copyPath(ports, 'ral', 3));
  expect(await told(ports)).toEqual([
    `later/${rawName(1)} trashed`,
    `later/${rawName(2)} kept`,
    `later/${rawName(3)} kept`,
  ]);
});

test('what any document names is no junk: another pattern, a level that is gone, a link, a copy that is a link', async () => {
  const ports = await world({ levels: ['L1', 'L2'] });
  await completeRun(ports, 1, 1);
  await quarantined(ports, rawName(1), 'unparsable-name');
  // L2 lies in another folder, and a file of it shows up in the folder of L1.
  await completeRun(ports, 2, 1, 2000, 'L2');
  await link(bufferPath(ports, 2, 0, 'L2'), raw(ports, 'odd.zdab'));
  await quarantined(ports, 'odd.zdab', 'unparsable-name');
  // A level that is no longer configured: where its folder was is not known.
  await put(ports, `old/${rawName(3)}`, 'level L3');
  await completeRun(ports, 3, 1);
  await rm(bufferPath(ports, 3));
  const l3 = (await ports.store.get<DataDoc>([dataId('L1', 3)])).get(dataId('L1', 3))!;
  await ports.store.update<DataDoc>(dataId('L3', 3), () => ({ write: { ...l3, _id: dataId('L3', 3), level: 'L3' } }));
  await quarantined(ports, `old/${rawName(3)}`, 'out-of-range');
  // The registered file is a link to the real one.
  await completeRun(ports, 4, 1);
  await put(ports, 'night/4.zdab', original(ports, 4));
  await rm(bufferPath(ports, 4));
  await symlink('night/4.zdab', bufferPath(ports, 4));
  await quarantined(ports, 'night/4.zdab', 'unparsable-name');
  // A copy at an element is a link to it.
  await storedRuns(ports, [5], 1);
  await put(ports, 'five.gz', original(ports, 5));
  await rm(copyPath(ports, 'ral', 5));
  await symlink(raw(ports, 'five.gz'), copyPath(ports, 'ral', 5));
  await quarantined(ports, 'five.gz', 'unparsable-name');
  const items = await junk(ports, { reasons: ['unparsable-name', 'out-of-range'], why: 'all of it' });
  expect(items.map(({ name, did }) => `${name} ${did}`)).toEqual([
    `${rawName(1)} kept`,
    'five.gz kept',
    'night/4.zdab kept',
    'odd.zdab kept',
    `old/${rawName(3)} kept`,
  ]);
  expect(items.every(({ text }) => /names|same file/.test(String(text)))).toBe(true);
  expect(await inTrash(ports)).toEqual([]);
});

test("dflow's own files are no junk, though they were once quarantined", async () => {
  const ports = await world();
  await quarantined(ports, 'modules/1.0.yaml', 'unparsable-name', 'modules: {}');
  await quarantined(ports, 'mine.yaml', 'unparsable-name', 'buffer: {}');
  const folder = realpathSync(raw(ports, ''));
  const settings = { ...ports.settings, folder, file: join(folder, 'mine.yaml') };
  const items = await junk({ ...ports, settings }, { reasons: ['unparsable-name'], why: 'x' });
  expect(items.map(({ did }) => did)).toEqual(['kept', 'kept']);
});

test('a file that changed since it was quarantined stays', async () => {
  const ports = await world();
  await quarantined(ports, 'empty.zdab', 'empty', '');
  await put(ports, 'empty.zdab', 'now it has data');
  expect(await told(ports)).toEqual(['empty.zdab kept']);
});

test('the trash is emptied after its time, or when it is asked for; what is named or changed by then stays', async () => {
  let now = ms(T0) + DAY;
  const ports = await world({ now: () => now });
  for (const name of ['a', 'b', 'c']) await quarantined(ports, `${name}.gz`, 'unparsable-name', name);
  await junk(ports, { reasons: ['unparsable-name'], why: 'x' });
  const [a, b] = await inTrash(ports);
  expect(await run(ports)).toEqual([]);
  expect((await run(ports, { emptyTrash: true, dryRun: true })).map(({ did }) => did)).toEqual([
    'purged',
    'purged',
    'purged',
  ]);
  await writeFile(raw(ports, b!.places[0]!), 'somebody wrote');
  now += 30 * DAY + MINUTE;
  expect((await run(ports)).map(({ name, did }) => `${name} ${did}`)).toEqual([
    'a.gz purged',
    'b.gz kept',
    'c.gz purged',
  ]);
  expect(existsSync(raw(ports, a!.places[0]!))).toBe(false);
  expect((await inTrash(ports)).map(({ name }) => name)).toEqual(['b.gz']);
  await utimes(raw(ports, b!.places[0]!), new Date(T0), new Date(T0));
  await writeFile(raw(ports, b!.places[0]!), 'b');
  await utimes(raw(ports, b!.places[0]!), new Date(T0), new Date(T0));
  await completeRun(ports, 7, 1, 1);
  await rm(bufferPath(ports, 7));
  await symlink(raw(ports, b!.places[0]!), bufferPath(ports, 7));
  expect((await run(ports, { emptyTrash: true })).map(({ did }) => did)).toEqual(['kept']);
  await rm(bufferPath(ports, 7));
  expect((await run(ports, { emptyTrash: true })).map(({ did }) => did)).toEqual(['purged']);
  expect(await readdir(raw(ports, '.dflow-trash'))).toEqual([]);
});

test('a duplicate in the trash stays while it is the last with its bytes', async () => {
  const ports = await world();
  await completeRun(ports, 1, 1);
  await quarantined(ports, `later/${rawName(1)}`, 'duplicate', original(ports, 1), 1);
  await junk(ports);
  const bytes = original(ports, 1);
  const empty = async () => (await run(ports, { emptyTrash: true })).map(({ did, text }) => `${did} ${text}`);
  await rm(bufferPath(ports, 1));
  expect(await empty()).toEqual([expect.stringMatching(/^kept .*it may be the last with its bytes/)]);
  await writeFile(bufferPath(ports, 1), Buffer.alloc(bytes.length));
  expect(await empty()).toEqual([expect.stringMatching(/^kept .*has other bytes/)]);
  await writeFile(bufferPath(ports, 1), bytes);
  expect(await empty()).toEqual([expect.stringMatching(/^purged /)]);
});

test('a deletion from the trash that was killed is found again, and can be restored', async () => {
  const ports = await world();
  await quarantined(ports, 'a.gz', 'unparsable-name', 'a');
  await junk(ports, { words: ['a.gz'], why: 'x' });
  const [doc] = await inTrash(ports);
  const place = raw(ports, doc!.places[0]!);
  await rename(place, join(dirname(place), '.a.gz.dflow-gone-n1'));
  await collect(restore(ports, ['a.gz']));
  expect(readFileSync(raw(ports, 'a.gz'), 'utf8')).toBe('a');
});
