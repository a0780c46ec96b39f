// Run tables on a real store, with the demo experiment as the world: loading, planes, passes, tags that stay frozen,
// masks, and the first pass with a configured command. Also all the real tables, loaded once and once more.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { load } from '../../../../src/lib/cli/config/load.ts';
import { makeExperiment } from '../../../../src/lib/cli/demo/experiment.ts';
import { machine } from '../../../../src/lib/cli/machine.ts';
import { type OpenPorts, openPorts } from '../../../../src/lib/cli/ports.ts';
import {
  COMMAND_JOB,
  type FirstPassDoc,
  firstPassFile,
  firstPassId,
} from '../../../../src/lib/domain/firstpass/firstpass.ts';
import { runId } from '../../../../src/lib/domain/ids.ts';
import type { RunDoc } from '../../../../src/lib/domain/runs/run.ts';
import type { Settings } from '../../../../src/lib/domain/settings.ts';
import type { TableBodyDoc } from '../../../../src/lib/flow/jobs/tables/documents.ts';
import { lookupTable, tableRevisions } from '../../../../src/lib/flow/jobs/tables/lookup.ts';
import { tagTables } from '../../../../src/lib/flow/jobs/tables/tags.ts';
import type { Step } from '../../../../src/lib/flow/ports.ts';
import { loadTables } from '../../../../src/lib/flow/steps/load/load.ts';
import { register } from '../../../../src/lib/flow/steps/register/register.ts';
import { tables } from '../../../../src/lib/flow/steps/tables/tables.ts';
import { idsWith } from '../../../../src/lib/store.ts';
import { views } from '../../../../src/lib/views/index.ts';
import type { Seen } from '../../../support/items.ts';

const RUNS = [
  { run: 100, types: ['Physics'], subruns: 2, table: 'there' },
  { run: 101, types: ['Physics'], subruns: 1, table: 'there' },
  { run: 102, types: ['ECA'], subruns: 1, table: 'there' },
] as const;

let folder: string;
let opened: OpenPorts[];
let ports: OpenPorts;

async function open(settings: Partial<Settings> = {}): Promise<OpenPorts> {
  const loaded = await load({ cwd: folder, env: {}, host: 'here' });
  const all = { ...loaded.settings, ...settings };
  const made = await openPorts(all, { write: opened.length > 0 ? true : 'setup', command: 'test' });
  if (opened.length === 0) await made.store.setup(loaded.settings.experiment);
  opened.push(made);
  return made;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dflow tables '));
  opened = [];
  makeExperiment(folder, { seed: 1, runs: RUNS });
  ports = await open();
});
afterEach(async () => {
  for (const one of opened) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

async function all(step: Step): Promise<Seen[]> {
  const items: Seen[] = [];
  for await (const item of step) items.push(item);
  return items;
}
const did = (items: readonly Seen[]): string[] => items.map((item) => `${item.did} ${item.ref}`);
const source = (text: string, name = 'x.ratdb'): { name: string; text: string } => ({ name, text });
const loaded = (text: string, options = {}): Promise<Seen[]> => all(loadTables(ports, [source(text)], options));
const value = async (name: string, index: string, run: number, tag?: string): Promise<unknown> =>
  (await lookupTable(ports.store, name, index, run, tag))?.fields.v;

describe('loading and looking up', () => {
  test('64-bit numbers and bytes that are not UTF-8 come back from the store; others read them rounded', async () => {
    const bytes = Buffer.from(
      '{name: "G", run_range: [1, 2], v: [1234567890123456789, {t: -9007199254740993}], u: "\xb5"}',
      'latin1',
    );
    await all(loadTables(ports, [{ name: 'x', text: bytes }]));
    const found = await lookupTable(ports.store, 'G', '', 1);
    expect(found?.fields.v).toEqual([1234567890123456789n, { t: -9007199254740993n }]);
    expect([found?.fields.u, found?.encoding]).toEqual(['µ', 'latin1']);
    const [body] = await ports.store.range<TableBodyDoc>(idsWith('tablebody:'));
    expect(body?.fields.v).toEqual([Number(1234567890123456789n), { t: Number(-9007199254740993n) }]);
    expect(did(await all(loadTables(ports, [{ name: 'x', text: bytes }])))).toEqual([
      'unchanged table:G::r0000000001-0000000002',
    ]);
  });

  test('planes, ranges, passes and lists; the same again changes nothing', async () => {
    const text = `
      {name: "G", run_range: [0, 0], v: "default"}
      {name: "G", run_range: [10, 20], v: "range"}
      {name: "G", run_range: [15, 15], v: "one"}
      {name: "G", run_range: [15, 15], pass: 2, v: "two"}
      {name: "G", run_list: [31, 32, 40], v: "list"}
      {name: "G", index: "pmt:1", run_range: [1, 100], v: "indexed"}`;
    const items = await loaded(text);
    expect(did(items).sort()).toEqual([
      'loaded table:G::0000000015',
      'loaded table:G::0000000015:002',
      'loaded table:G::0000000040',
      'loaded table:G::default',
      'loaded table:G::r0000000010-0000000020',
      'loaded table:G::r0000000031-0000000032',
      'loaded table:G:pmt%3A1:r0000000001-0000000100',
    ]);
    expect(new Set((await loaded(text)).map((item) => item.did))).toEqual(new Set(['unchanged']));
    const looked = await Promise.all([5, 10, 15, 20, 21, 31, 40].map((run) => value('G', '', run)));
    expect(looked).toEqual(['default', 'range', 'two', 'range', 'default', 'list', 'list']);
    expect(await value('G', 'pmt:1', 50)).toBe('indexed');
    expect(await lookupTable(ports.store, 'G', 'pmt:1', 101)).toBeUndefined();
    await loaded('{name: "G", run_range: [-1, -1], v: "user"}');
    expect(await value('G', '', 15)).toBe('user');
  });

  test('contents stand once, whatever the number of ranges', async () => {
    const big = Array.from({ length: 5000 }, (_, index) => index).join(',');
    await loaded(`{name: "IBD", run_list: [1, 3, 5, 7, 9], spectrum: [${big}]}`);
    await loaded(
      `{name: "IBD", run_list: [1, 3, 5, 7, 9], spectrum: [${big}]} {name: "IBD", run_range: [11, 12], x: 1}`,
    );
    const bodies = await ports.store.range(idsWith('tablebody:'));
    expect(await ports.store.range(idsWith('table:IBD:'))).toHaveLength(6);
    expect(bodies).toHaveLength(2);
  });

  test('the default plane is no run table; revisions count what stood there', async () => {
    await loaded('{name: "RUN", run_range: [0, 0], runtype: 0} {name: "RUN", run_range: [7, 7], runtype: 4}');
    const first = await tableRevisions(ports.store, ['RUN', 'DQ'], [7, 8, 900_000]);
    expect(first.get(7)?.RUN).toMatch(/^1-[0-9a-f]{12}$/);
    expect(first.get(8)).toEqual({ RUN: undefined, DQ: undefined });
    expect((await loaded('{name: "RUN", run_range: [7, 7], runtype: 5}'))[0]?.did).toBe('replaced');
    const second = await tableRevisions(ports.store, ['RUN'], [7]);
    expect(second.get(7)?.RUN).toMatch(/^2-/);
    await loaded('{name: "RUN", run_range: [5, 9], pass: 3, runtype: 1}');
    const third = await tableRevisions(ports.store, ['RUN'], [5, 7, 10]);
    expect(third.get(7)).toEqual(third.get(5));
    expect(third.get(10)?.RUN).toBeUndefined();
  });

  test('a text that does not parse is refused whole, with its place; the others are loaded; nothing is tagged', async () => {
    const sources = [source('{name: "A"}\n{name: "B", x: }', 'bad.ratdb'), source('{name: "C"}', 'good.ratdb')];
    const items = await all(loadTables(ports, sources, { tag: 'never' }));
    expect(did(items)).toEqual(['refused bad.ratdb', 'loaded table:C::default']);
    expect(items[0]).toMatchObject({ failed: true, text: "bad.ratdb:2:16: 'x' has no value" });
    expect(await ports.store.range(idsWith('tag:'))).toEqual([]);
  });

  test('a dry run says what then happens, and writes nothing', async () => {
    await loaded('{name: "A", v: 1} {name: "B", v: 1}');
    const text = '{name: "A", v: 2} {name: "B", v: 1} {name: "C", v: 1}';
    const before = await ports.store.info();
    const said = await loaded(text, { dryRun: true, tag: 't1' });
    expect((await ports.store.info()).documents).toBe(before.documents);
    const done = await loaded(text, { tag: 't1' });
    const tablesOnly = (items: readonly Seen[]): string[] => did(items.filter((item) => item.kind === 'table'));
    expect(tablesOnly(said)).toEqual(tablesOnly(done));
    expect(did(done)).toEqual([
      'replaced table:A::default',
      'unchanged table:B::default',
      'loaded table:C::default',
      'tagged t1',
    ]);
    expect(said.filter((item) => item.did !== 'unchanged').every((item) => item.dryRun)).toBe(true);
  });

  test('several loaders at once: each table is written, none twice', async () => {
    const text = Array.from(
      { length: 300 },
      (_, run) => `{name: "RUN", run_range: [${run + 1}, ${run + 1}], runtype: 4}`,
    ).join('\n');
    const both = await Promise.all([ports, await open()].map((one) => all(loadTables(one, [source(text)]))));
    const docs = await ports.store.range<never>(idsWith('table:RUN:'));
    expect(docs).toHaveLength(300);
    expect(docs.every((doc: { revision: string }) => doc.revision.startsWith('1-'))).toBe(true);
    expect(both.flat().some((item) => item.failed)).toBe(false);
  });
});

describe('tags', () => {
  test('a tag gives the contents as they stood, also of planes and ranges that were replaced or added since', async () => {
    await loaded(
      '{name: "G", run_range: [5, 5], v: 1} {name: "G", run_range: [0, 0], v: 2} {name: "G", run_range: [10, 20], v: 3}',
    );
    expect(did(await all(tagTables(ports, 'summer')))).toEqual(['tagged summer']);
    await loaded(`{name: "G", run_range: [5, 5], v: 10} {name: "G", run_range: [0, 0], v: 20}
      {name: "G", run_range: [10, 20], v: 30} {name: "G", run_range: [-1, -1], v: 40} {name: "G", run_range: [6, 6], v: 50}`);
    expect(await Promise.all([5, 6, 15].map((run) => value('G', '', run, 'summer')))).toEqual([1, 2, 3]);
    expect(await Promise.all([5, 6, 15].map((run) => value('G', '', run)))).toEqual([40, 40, 40]);
    expect((await tableRevisions(ports.store, ['G'], [5, 6], 'summer')).get(6)?.G).toBeUndefined();
  });

  test('a tag of many tables is cut into parts, and each run is found', async () => {
    const runs = Array.from({ length: 4500 }, (_, index) => index + 1);
    await loaded(
      runs.map((run) => `{name: "RUN", run_range: [${run}, ${run}], v: ${run}}`).join('\n') +
        '{name: "RUN", run_range: [4000, 9000], pass: 1, v: "w"}',
    );
    const [item] = await all(tagTables(ports, 'many'));
    expect(item?.tables).toBe(4501);
    expect((await ports.store.range(idsWith('tagpart:'))).length).toBeGreaterThan(2);
    await loaded('{name: "RUN", run_range: [1, 9000], pass: 9, v: "later"}');
    const sample = [1, 1999, 2000, 2001, 3999, 4000, 4500, 9000];
    expect(await Promise.all(sample.map((run) => value('RUN', '', run, 'many')))).toEqual([
      1,
      1999,
      2000,
      2001,
      3999,
      'w',
      'w',
      'w',
    ]);
  });

  test('a tag never moves; the same state again is no error; a wrong name is answered with the near miss', async () => {
    await loaded('{name: "A", v: 1}');
    await all(tagTables(ports, 'summer'));
    expect(did(await all(tagTables(ports, 'summer')))).toEqual(['unchanged summer']);
    await loaded('{name: "A", v: 2}');
    await expect(all(tagTables(ports, 'summer'))).rejects.toThrow(/was made at .* from other tables/);
    await expect(value('A', '', 1, 'sumer')).rejects.toMatchObject({
      message: expect.stringContaining('did you mean summer?'),
    });
    await expect(all(tagTables(ports, 'a b'))).rejects.toThrow(/is not a tag name/);
  });
});

describe('runs', () => {
  const mask = async (run: number): Promise<number | undefined> =>
    (await ports.store.get<RunDoc>([runId(run)])).get(runId(run))?.mask;

  test('a RUN table tells its run the mask, whichever comes first', async () => {
    await loaded('{name: "RUN", run_range: [100, 100], runtype: 8}');
    await all(register(ports));
    await loaded('{name: "RUN", run_list: [101], runtype: 16} {name: "RUN", run_range: [999, 999], runtype: 1}');
    await all(tables(ports));
    expect(await mask(101)).toBe(16);
    expect(await mask(999)).toBeUndefined();
    expect([4, 8]).toContain(await mask(100));
  });

  const command = (text: string): Promise<OpenPorts> => open({ tables: { required: ['RUN'], command: text } });

  test('the first pass runs the command for each complete run without its table, with its files, once', async () => {
    await all(register(ports));
    await loaded('{name: "RUN", run_range: [101, 101], runtype: 4}');
    const here = await command(
      'echo "$DFLOW_RUN $# $(pwd)" >> calls; test -s "$1" && echo "{name: \\"RUN\\", run_range: [$DFLOW_RUN, $DFLOW_RUN], runtype: 4, files: $#}"',
    );
    expect(did(await all(tables(here, { dryRun: true })))).toEqual(['tabled 100']);
    expect(existsSync(join(folder, 'calls'))).toBe(false);
    expect(did(await all(tables(here)))).toEqual(['loaded table:RUN::0000000100', 'tabled 100']);
    expect(await all(tables(here))).toEqual([]);
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toBe(`100 2 ${folder}\n`);
    expect((await lookupTable(ports.store, 'RUN', '', 100))?.fields.files).toBe(2);
    const doc = (await ports.store.get<FirstPassDoc>([firstPassId(100)])).get(firstPassId(100));
    expect([doc?.state, doc?.tries]).toEqual(['completed', 1]);
  });

  test('a command that ended well before a kill does not run again: what it printed is loaded', async () => {
    await all(register(ports));
    const here = await command('echo again >> calls; exit 1');
    const until = await ports.store.now();
    const base = { kind: 'firstpass', v: 1, state: 'loading', nonce: 'n', tries: 1, until, host: here.host } as const;
    const docs = [100, 101].map((run): FirstPassDoc => ({ ...base, _id: firstPassId(run), run }));
    for (const doc of docs) await ports.store.update(doc._id, () => ({ write: doc }));
    const path = join(folder, firstPassFile(100, COMMAND_JOB, 1, 'tables'));
    await machine.files.replace(path, '{name: "RUN", run_range: [100, 100], runtype: 4}');
    // What the other one printed is gone: it waits again.
    expect(did(await all(tables(here)))).toEqual(['loaded table:RUN::0000000100', 'tabled 100']);
    expect(existsSync(join(folder, 'calls'))).toBe(false);
    expect((await ports.store.get<FirstPassDoc>([firstPassId(101)])).get(firstPassId(101))?.state).toBe('waiting');
  });

  test.each([
    ['fails', 'echo no luck >&2; exit 3', 'tables.command: exit 3: no luck'],
    ['does not exist', './not_there', /^tables\.command: exit 127/],
    ['prints no RATDB', 'echo hello', "tables.command for 100:1:1: a table begins with '{', not with 'hello'"],
    ['prints another table', 'echo "{name: \\"DQ\\"}"', 'it printed no RUN table for run 100'],
  ])('a command that %s is named with its cause, and not tried again at once', async (_what, text, expected) => {
    await all(register(ports));
    const here = await command(text);
    const items = (await all(tables(here, { limit: 1 }))).filter((item) => item.failed);
    expect(items).toHaveLength(1);
    expect(items[0]?.ref).toBe('100');
    expect(items[0]?.text?.split('; next try')[0]).toMatch(expected);
    expect((await all(tables(here))).filter((item) => item.ref === '100')).toEqual([]);
    await loaded('{name: "RUN", run_list: [100, 101, 102], runtype: 4}');
    expect(await all(tables(here))).toEqual([]);
  });
});

const real = resolve(import.meta.dirname, '../../../../../shared/data/ratdb');
describe.skipIf(!existsSync(real))(`the real tables of ${real}`, () => {
  test('all load, each once, and are found by name and index', async () => {
    const sources = readdirSync(real).map((name) => source(readFileSync(join(real, name), 'utf8'), name));
    const items = await all(loadTables(ports, sources, { tag: 'real' }));
    // 1 RUN, 2 DIGITIZER, 5 of CHANNEL_STATUS, 16 IBD, 8 SOLAR, counted with grep -c '"name"'.
    expect(items.filter((item) => item.did === 'loaded')).toHaveLength(32);
    expect(items.some((item) => item.failed)).toBe(false);
    const groups = await ports.store.count(views.kinds, 2, { prefix: ['table'] });
    expect(Object.fromEntries(groups.map((group) => [(group.key as string[])[1], group.value]))).toEqual({
      DIGITIZER: 2,
      IBD: 16,
      RUN: 1,
      SOLAR: 8,
      cable_offset: 1,
      channel_online: 1,
      channel_status_selection: 1,
      charge_scale: 1,
      pulse_width_scale: 1,
    });
    expect((await lookupTable(ports.store, 'DIGITIZER', 'V1742', 109134, 'real'))?.fields.nsamples).toBe(1024);
    expect((await all(loadTables(ports, sources))).every((item) => item.did === 'unchanged')).toBe(true);
  });
});
