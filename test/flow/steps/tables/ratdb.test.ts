// Run tables in a database of the experiment: what waits while it is away, what is written back, what is corrected later,
// and passes whose tables were superseded.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runId } from '../../../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import type { RunDoc } from '../../../../src/lib/domain/runs/run.ts';
import { originals } from '../../../../src/lib/flow/copies/buffer/originals.ts';
import type { Ports } from '../../../../src/lib/flow/ports.ts';
import { jobRows, staleRows } from '../../../../src/lib/flow/reports/look/jobrows.ts';
import { status } from '../../../../src/lib/flow/reports/status/status.ts';
import { why } from '../../../../src/lib/flow/reports/why/why.ts';
import { enqueue } from '../../../../src/lib/flow/steps/enqueue/enqueue.ts';
import { loadTables } from '../../../../src/lib/flow/steps/load/load.ts';
import { reprocess } from '../../../../src/lib/flow/steps/reprocess/reprocess.ts';
import { tables } from '../../../../src/lib/flow/steps/tables/tables.ts';
import { idsWith } from '../../../../src/lib/store.ts';
import { MemoryRatdb } from '../../../fakes/ratdb.ts';
import { module, moduleFile } from '../../../support/docs.ts';
import { found } from '../../../support/items.ts';
import { closeWorlds, collect, type TestPorts, world } from '../../../support/ports.ts';
import type { Config } from '../../../support/settings.ts';
import { completeRun } from '../../../support/stored.ts';

const PHYSICS = 0b100;
const ONLY = { run: '{name: "RUN", run_range: [7, 7], runtype: 4}', dq: '{name: "DQ", run_range: [7, 7], ok: true}' };

let ports: TestPorts & Ports & { readonly ratdb: MemoryRatdb };

async function open(more: Partial<NonNullable<Config['tables']>> = {}) {
  const file = { ...moduleFile([module('Count')], { Physics: ['Count'] }), version: '1.0' };
  const source = 'postgres://db.example.org/ratdb';
  const made = await world({
    config: {
      tables: { required: ['RUN', 'DQ'], source, ...more },
      automatic: { version: '1.0' },
      farms: { buffer1: {} },
    },
    around: { modules: { '1.0': file } },
  });
  ports = { ...made, ratdb: new MemoryRatdb() };
}

beforeEach(async () => {
  await open();
  await completeRun(ports, 7);
});
afterEach(closeWorlds);

const load = (text: string, options = {}) => collect(loadTables(ports, [{ name: 'x.ratdb', text }], options));
const jobs = () => ports.store.range<JobDoc>(idsWith('job:'));
const run = async (): Promise<RunDoc> => (await ports.store.get<RunDoc>([runId(7)])).get(runId(7))!;
const gateOf = async (name: string) =>
  (await why(ports, { text: '7', run: 7 }))[0]?.gates.find(({ gate }) => gate === name);
const attention = async () => (await status(ports)).needYou.map(({ text, next }) => `${text} -> ${next}`).join('\n');

async function completeAll(): Promise<void> {
  for (const doc of await jobs())
    await ports.store.update<JobDoc>(doc._id, (old) => ({ write: { ...old!, state: 'completed' } }));
}

describe('while the database is away', () => {
  test('a run waits, why and status say so, and nothing is taken for missing', async () => {
    await load(`${ONLY.run} ${ONLY.dq}`);
    ports.ratdb.away = true;
    expect(await collect(enqueue(ports))).toMatchObject([
      {
        kind: 'source',
        did: 'unreachable',
        failed: true,
        text: expect.stringMatching(/RATDB cannot be reached.*1 run waits/),
      },
    ]);
    expect(await jobs()).toEqual([]);
    const gate = await gateOf('tables');
    expect(gate).toMatchObject({ ok: false, next: 'pg_isready -d ratdb' });
    expect(gate?.text).toBe('RATDB cannot be reached: connection refused (postgres://db.example.org/ratdb)');
    expect(await attention()).toMatch(/tables: RATDB cannot be reached/);
    expect(await collect(tables(ports))).toMatchObject([{ did: 'unreachable', ref: ports.ratdb.where }]);
    ports.ratdb.away = false;
    expect(await collect(enqueue(ports))).toMatchObject([{ did: 'made', ref: '7/Count/1' }]);
    expect(Object.keys((await jobs())[0]!.tables)).toEqual(['RUN', 'DQ']);
  });

  test('nothing is made by the first pass, and purge keeps the files', async () => {
    await open({ command: 'echo made >> made' });
    await completeRun(ports, 7);
    ports.ratdb.away = true;
    expect((await collect(tables(ports))).map(({ did }) => did)).toEqual(['unreachable']);
    const rules = { now: '2027-01-01T00:00:00.000Z', purgeAfter: 1, storages: ['sfu'], sampledAfter: 0, holds: [] };
    const kept = [];
    for await (const { verdict } of originals(ports, { ...rules, aside: new Set(), late: false }, ['L1']))
      kept.push(verdict);
    expect(kept).toHaveLength(2);
    expect(kept.every((verdict) => 'keep' in verdict && verdict.keep === 'tables')).toBe(true);
  });

  test('loading stops with the error, and the same call later writes all', async () => {
    ports.ratdb.away = true;
    await expect(load(ONLY.run)).rejects.toThrow(/cannot be reached/);
    ports.ratdb.away = false;
    expect((await load(ONLY.run)).map(({ did }) => did)).toEqual(['loaded', 'typed']);
  });
});

describe('writing', () => {
  test('a dry run writes nothing and says the same', async () => {
    expect(await load(ONLY.dq, { dryRun: true })).toMatchObject([{ did: 'loaded', dryRun: true }]);
    expect(ports.ratdb.rows).toEqual([]);
    expect((await load(ONLY.dq)).map(({ did }) => did)).toEqual(['loaded']);
    expect((await load(ONLY.dq)).map(({ did }) => did)).toEqual(['unchanged']);
  });

  test('a table without a run range is refused, and the others are written', async () => {
    const items = await load(`{name: "GEO", v: 1} ${ONLY.dq}`);
    expect(items).toMatchObject([
      { did: 'failed', failed: true, text: expect.stringContaining('no run range') },
      { did: 'loaded', name: 'DQ' },
    ]);
  });

  test('with writeBack: false nothing is written, and the message names the key', async () => {
    await open({ writeBack: false });
    expect(await load(ONLY.dq)).toMatchObject([
      { did: 'refused', failed: true, text: expect.stringContaining('tables.writeBack is false') },
    ]);
    expect(ports.ratdb.rows).toEqual([]);
  });
});

describe('corrections', () => {
  test('a run that asked for nothing becomes Physics, and is processed', async () => {
    await load(`{name: "RUN", run_range: [7, 7]} ${ONLY.dq}`);
    ports.ratdb.runs.set(7, { mask: 1, from: 'run_state' });
    await collect(tables(ports));
    expect((await collect(enqueue(ports))).map(({ did }) => did)).toEqual(['nothing-asked']);
    expect(await collect(enqueue(ports))).toEqual([]);
    ports.ratdb.runs.set(7, { mask: PHYSICS, from: 'run_state' });
    expect(await collect(tables(ports))).toMatchObject([{ did: 'typed', mask: PHYSICS }]);
    expect((await collect(enqueue(ports))).map(({ ref }) => ref)).toEqual(['7/Count/1']);
    expect((await run()).mask).toBe(PHYSICS);
  });

  test('a superseded table is said once, listed, and its passes are made again', async () => {
    await load(`${ONLY.run} ${ONLY.dq}`);
    await collect(enqueue(ports));
    await completeAll();
    const all = { pass: 'last' as const };
    expect(await found(staleRows(ports, all))).toEqual([]);
    const items = await load('{name: "DQ", run_range: [7, 7], ok: false}');
    expect(items.map(({ did, ref }) => `${did} ${ref}`)).toEqual([
      'replaced table:DQ::0000000007',
      'changed 7/Count/1',
    ]);
    expect(await collect(tables(ports))).toEqual([]);
    expect(await found(staleRows(ports, all))).toMatchObject([{ ref: '7/Count/1', stale: 'DQ' }]);
    expect(await attention()).toMatch(
      /7\/Count\/1 was made with run tables that have changed since: DQ .* -> dflow reprocess --stale-tables/,
    );
    expect(await gateOf('stale-tables')).toMatchObject({ ok: false });
    const again = { name: 'tables-7', version: '1.0', modules: ['Count'], runs: [7], stale: true };
    expect((await collect(reprocess(ports, again))).map(({ did }) => did)).toEqual([
      'planned',
      'made',
      'estimated',
      'estimated',
    ]);
    expect((await collect(reprocess(ports, again))).map(({ did }) => did)).not.toContain('made');
    expect(await attention()).not.toMatch(/changed since/);
    expect((await found(jobRows(ports, all))).map(({ ref }) => ref)).toEqual(['7/Count/2']);
  });

  test('what others change in the database is found by the sweep', async () => {
    await load(`${ONLY.run} ${ONLY.dq}`);
    await collect(enqueue(ports));
    await completeAll();
    const row = ports.ratdb.rows.find(({ name }) => name === 'DQ')!;
    ports.ratdb.rows.push({ ...row, version: 2, key: 'theirs' });
    expect(await collect(tables(ports))).toMatchObject([{ kind: 'notice', did: 'changed', ref: '7/Count/1' }]);
    expect(await collect(tables(ports))).toEqual([]);
  });
});

test("a superseded table of dflow's own store is said too", async () => {
  const { ratdb: _, ...own } = ports;
  const loadOwn = (text: string) => collect(loadTables(own, [{ name: 'x.ratdb', text }]));
  await loadOwn(`${ONLY.run} ${ONLY.dq}`);
  await collect(enqueue(own));
  await completeAll();
  expect((await loadOwn('{name: "DQ", run_range: [7, 7], ok: false}')).map(({ did }) => did)).toEqual([
    'replaced',
    'changed',
  ]);
  expect(await found(staleRows(own, { pass: 'last' }))).toMatchObject([{ ref: '7/Count/1', stale: 'DQ' }]);
  await loadOwn(ONLY.dq);
  expect(await found(staleRows(own, { pass: 'last' }))).toEqual([]);
});

describe('which runs need what', () => {
  test('required tables by run type, and for every run', async () => {
    await open({ required: { any: 'RUN', Physics: ['DQ'], ECA: ['PEDESTALS', 'DQ'] } });
    await completeRun(ports, 7);
    await load('{name: "RUN", run_range: [7, 7], runtype: 32}');
    expect((await gateOf('tables'))?.text).toBe('no PEDESTALS, DQ table for run 7');
    await load('{name: "RUN", run_range: [7, 7], runtype: 4}');
    expect((await gateOf('tables'))?.text).toBe('no DQ table for run 7');
    await load(ONLY.dq);
    expect((await collect(enqueue(ports))).map(({ did }) => did)).toEqual(['made']);
    expect(Object.keys((await jobs())[0]!.tables)).toEqual(['RUN', 'DQ']);
  });

  test('a run that is too short is left out with the reason, and made when somebody asks', async () => {
    await open({ minimum: '10 min' });
    await completeRun(ports, 7);
    await load(`${ONLY.run} ${ONLY.dq}`);
    ports.ratdb.runs.set(7, { mask: PHYSICS, from: 'run_state', length: 480_000 });
    expect(await gateOf('short')).toMatchObject({
      ok: false,
      text: 'the run lasted 8m, less than tables.minimum (10m)',
      next: 'dflow reprocess --request run-7 --version 1.0 --module Count --run 7',
    });
    expect((await collect(enqueue(ports))).map(({ did }) => did)).toEqual(['left-out']);
    expect(await collect(enqueue(ports))).toEqual([]);
    const asked = { name: 'run-7', version: '1.0', modules: ['Count'], runs: [7] };
    expect((await collect(reprocess(ports, asked))).map(({ did }) => did)).toEqual([
      'planned',
      'made',
      'estimated',
      'estimated',
    ]);
  });

  test('a run whose length is corrected later is decided again', async () => {
    await open({ minimum: '10 min' });
    await completeRun(ports, 7);
    await load(`${ONLY.run} ${ONLY.dq}`);
    ports.ratdb.runs.set(7, { mask: PHYSICS, from: 'run_state', length: 480_000 });
    expect((await collect(enqueue(ports))).map(({ did }) => did)).toEqual(['left-out']);
    expect(await collect(tables(ports))).toEqual([]);
    ports.ratdb.runs.set(7, { mask: PHYSICS, from: 'run_state', length: 3_600_000 });
    expect(await collect(tables(ports))).toMatchObject([{ did: 'released', ref: '7', next: 'dflow enqueue' }]);
    expect(await collect(enqueue(ports))).toMatchObject([{ did: 'made', ref: '7/Count/1' }]);
  });

  test('purge keeps the files that a job of the first pass still reads', async () => {
    await open({ jobs: { dq: { run: 'echo dq >&2' }, plots: { run: 'exit 1', required: false, tries: 1 } } });
    await completeRun(ports, 7);
    const whys = async (): Promise<string[]> => {
      const rules = { now: '2027-01-01T00:00:00.000Z', purgeAfter: 1, storages: ['sfu'], sampledAfter: 0, holds: [] };
      const found = [];
      for await (const { verdict } of originals(ports, { ...rules, aside: new Set(), late: false }, ['L1']))
        found.push('keep' in verdict ? verdict.why : verdict.free);
      return [...new Set(found)];
    };
    expect(await whys()).toEqual(['dq of the first pass is not completed']);
    await load(`${ONLY.run} ${ONLY.dq}`);
    await collect(tables(ports));
    expect((await whys()).join()).not.toContain('first pass');
  });

  test('a run of the least length is processed', async () => {
    await open({ minimum: '10 min' });
    await completeRun(ports, 7);
    await load(`${ONLY.run} ${ONLY.dq}`);
    ports.ratdb.runs.set(7, { mask: PHYSICS, from: 'run_state', length: 600_000 });
    expect((await collect(enqueue(ports))).map(({ did }) => did)).toEqual(['made']);
  });
});
