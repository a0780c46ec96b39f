// What every step and report says of a run whose documents are in a file: no pass of it is made, no file of it is taken
// for a new run, its files are known, and each answer names the file and the way back.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Doc } from '../../../../src/lib/domain/doc.ts';
import { type ArchivedDoc, archivedDoc, archivedId } from '../../../../src/lib/domain/runs/archived.ts';
import type { RunDoc } from '../../../../src/lib/domain/runs/run.ts';
import { runFacts } from '../../../../src/lib/flow/jobs/facts.ts';
import { makePasses } from '../../../../src/lib/flow/jobs/passes.ts';
import { selectJobs } from '../../../../src/lib/flow/jobs/select.ts';
import { jobRows } from '../../../../src/lib/flow/reports/look/jobrows.ts';
import { runRows } from '../../../../src/lib/flow/reports/look/runrows.ts';
import { documentsOf } from '../../../../src/lib/flow/reports/records.ts';
import { why } from '../../../../src/lib/flow/reports/why/why.ts';
import { enqueue } from '../../../../src/lib/flow/steps/enqueue/enqueue.ts';
import { declareComplete } from '../../../../src/lib/flow/steps/register/register.ts';
import { reprocess } from '../../../../src/lib/flow/steps/reprocess/reprocess.ts';
import { verify } from '../../../../src/lib/flow/steps/verify/verify.ts';
import { idsWith } from '../../../../src/lib/store.ts';
import { runDoc as benchRun, closeBenches, deeds, quarantined, start } from '../../../support/buffer.ts';
import { module, moduleFile, rawFile, T0 } from '../../../support/docs.ts';
import { endedRun, outputPath, runDoc } from '../../../support/ended.ts';
import { closeWorlds, collect, type TestPorts, world } from '../../../support/ports.ts';

const RUN = 12;
const BACK = 'dflow store unarchive 12';
const SAYS = { text: expect.stringContaining('archived in /a.jsonl'), next: BACK };
const modules = {
  '1.0': moduleFile([module('Count'), module('Sum', { needs: ['Count'] })], { any: ['Count', 'Sum'] }),
};

let ports: TestPorts;

const put = (on: TestPorts, ...docs: readonly Doc[]) =>
  on.store.bulk(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
const markOf = (docs: readonly Doc[]): ArchivedDoc => {
  const archive = { file: '/a.jsonl', host: 'buffer1', sha256: 'd', at: T0, by: 'ann' };
  return { ...archivedDoc(RUN, docs, archive), state: 'archived' };
};

beforeEach(async () => {
  ports = await world({ storages: ['disk'], around: { modules }, config: { automatic: { version: '1.0' } } });
  await put(ports, markOf(endedRun(RUN)), runDoc(13, { automatic: {} }));
});
afterEach(closeWorlds);
afterEach(closeBenches);

const jobIds = async () => (await ports.store.range(idsWith('job:'))).map(({ _id }) => _id);

test('enqueue and reprocess make no pass, and name the file', async () => {
  expect(await collect(enqueue(ports, { runs: [RUN] }))).toMatchObject([{ did: 'not-ready', failed: true, ...SAYS }]);
  const asked = { name: 'r', version: '1.0', runs: [RUN], modules: ['Count'] };
  const items = await collect(reprocess(ports, asked));
  expect(items).toContainEqual(expect.objectContaining({ failed: true, ...SAYS }));
  expect(await jobIds()).toEqual([]);
});

test('a pass is not made either while the documents of the run are leaving', async () => {
  const docs = endedRun(RUN);
  await put(ports, ...docs.slice(0, 2), { ...markOf(docs), state: 'leaving' } as Doc);
  const facts = (await runFacts(ports, [RUN], 'L1', '1.0')).get(RUN)!;
  const file = modules['1.0']!;
  const wanted = { facts, file, module: file.modules.Count!, priority: 0, labels: [] };
  const made = await collect(makePasses(ports, [wanted], { why: 'automatic' }));
  expect(made).toMatchObject([{ did: 'not-made', failed: true, next: 'dflow store archive /a.jsonl' }]);
  const requested = await collect(makePasses(ports, [{ ...wanted, request: 'r', pass: 2 }], { why: 'r' }));
  expect(requested).toMatchObject([{ did: 'not-made', failed: true }]);
  expect(await jobIds()).toEqual([]);
});

test('why, show, list, selections and enqueue --complete name the file', async () => {
  const ref = { text: '12', run: RUN };
  const pass = { text: '12/Count/1', run: RUN, module: 'Count', pass: 1 };
  expect(await why(ports, ref)).toMatchObject([{ ref: '12', state: 'archived', next: [BACK] }]);
  expect(await why(ports, pass)).toMatchObject([{ ref: '12/Count/1', state: 'completed', next: [BACK] }]);
  expect(await why(ports, { text: '12/Sum', run: RUN, module: 'Sum' })).toMatchObject([
    { ref: '12/Sum/1', next: [BACK] },
  ]);
  for (const one of [ref, pass])
    await expect(documentsOf(ports, one)).rejects.toMatchObject({ message: SAYS.text, hint: BACK });
  expect(await documentsOf(ports, { text: archivedId(RUN), id: archivedId(RUN) })).toHaveLength(1);
  const runs = { ranges: [[RUN, RUN]] as const, listed: [RUN] };
  const rows = async (found: AsyncIterable<object>) => {
    const all: object[] = [];
    for await (const row of found) all.push(row);
    return all;
  };
  expect(await rows(runRows(ports, { pass: 'last', runs }))).toMatchObject([{ did: 'unknown', ...SAYS }]);
  expect(await rows(jobRows(ports, { pass: 'last', runs }))).toMatchObject([{ did: 'unknown', ...SAYS }]);
  const { problems } = await selectJobs(ports, { pass: 'last', refs: [ref, pass] });
  expect(problems).toMatchObject([SAYS, SAYS]);
  expect(await collect(declareComplete(ports, RUN))).toMatchObject([{ failed: true, ...SAYS }]);
});

test('a selection by request takes no mark for a job', async () => {
  await put(ports, markOf(endedRun(RUN, { request: 'spring' })));
  const found = await selectJobs(ports, { pass: 'all', requests: ['spring'] });
  expect(found.jobs).toEqual([]);
});

test('its files at a storage element are in the catalogue, and others are not', async () => {
  const { template } = ports.settings.storages[0]!;
  const raw = template
    .replace('{level}', 'L1')
    .replace(/\{run[^}]*\}/, '0')
    .replace('{name}', 'run12_0.dat');
  const file = { ...rawFile(RUN, 0, ['disk']) };
  const replica = { ...file.replicas.disk!, path: raw } as (typeof file.replicas)[string];
  const [run, data, ...jobs] = endedRun(RUN);
  await put(ports, markOf([run, { ...data, files: [{ ...file, replicas: { disk: replica } }] } as Doc, ...jobs]));
  const known = [raw, outputPath(RUN, 'Count', 0)];
  const strange = raw.replace('run12_0', 'run12_7');
  for (const path of [...known, strange]) {
    const full = join(ports.folder, 'se', 'disk', path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, 'x');
  }
  const items = (await collect(verify(ports, {}))).filter(({ kind }) => kind === 'file');
  expect(items.map(({ did, ref }) => `${did} ${ref}`)).toEqual([`dark disk:${strange}`]);
});

test('register puts a file of an archived run into quarantine, and takes it once the run is back', async () => {
  const { bench, ports: on } = await start();
  bench.put('run12_5.dat', 'late');
  const mark = markOf(endedRun(RUN));
  await put(on as TestPorts, mark);
  expect(deeds(await bench.register(on))).toEqual({ quarantined: 1 });
  expect(await quarantined(on)).toEqual({ 'run12_5.dat': 'archived' });
  expect(await benchRun(on, RUN)).toBeUndefined();
  expect(deeds(await bench.register(on))).toEqual({});
  const [run, data] = endedRun(RUN);
  await put(on as TestPorts, run as RunDoc, data);
  await on.store.update(mark._id, () => ({ remove: true }));
  expect(deeds(await bench.register(on))).toMatchObject({ registered: 1, released: 1 });
});
