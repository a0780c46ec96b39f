// A request before, during and after: the estimate from passes that were measured, progress and time left, and what it
// used. On SQLite and on CouchDB; the numbers are counts of the store, so no pass is read.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runId } from '../../../src/lib/domain/ids.ts';
import { type JobDoc, type Move, transition } from '../../../src/lib/domain/jobs/job.ts';
import type { RequestDoc } from '../../../src/lib/domain/jobs/request.ts';
import type { Usage } from '../../../src/lib/domain/jobs/states.ts';
import type { EstimateItem } from '../../../src/lib/domain/results/items.ts';
import { archivedDoc } from '../../../src/lib/domain/runs/archived.ts';
import type { RunDoc } from '../../../src/lib/domain/runs/run.ts';
import { useOf } from '../../../src/lib/flow/jobs/requests/requestuse.ts';
import type { Ports } from '../../../src/lib/flow/ports.ts';
import { requestRows } from '../../../src/lib/flow/reports/look/requestrows.ts';
import type { RequestPage } from '../../../src/lib/flow/reports/request/page.ts';
import { requestNamed, requestPage } from '../../../src/lib/flow/reports/request/request.ts';
import { status } from '../../../src/lib/flow/reports/status/status.ts';
import { type ReprocessOptions, reprocess } from '../../../src/lib/flow/steps/reprocess/reprocess.ts';
import { requestHtml, requestMarkdown } from '../../../src/lib/render/report/request.ts';
import { requestText } from '../../../src/lib/render/show/request.ts';
import { statusText } from '../../../src/lib/render/status.ts';
import { idsWith, type Store } from '../../../src/lib/store.ts';
import { farm, module, moduleFile } from '../../support/docs.ts';
import { eachStore } from '../../support/eachstore.ts';
import { found, type Seen } from '../../support/items.ts';
import { collect, dataDoc, makePorts, rawFile, T0, type TestPorts } from '../../support/ports.ts';

const stores = eachStore();
const RUNS = [11, 12, 13, 14];
const types = { any: ['Processing', 'Analysis40'] };
const modules = [
  module('Processing'),
  module('Analysis40', { needs: ['Processing'], level: 'run' }),
  module('DQ', { level: 'run' }),
];
const file = (version: string) => ({ ...moduleFile(modules, types), version });

let world: TestPorts;
beforeEach(async () => {
  const around = { modules: { '7.0.8': file('7.0.8'), '7.0.9': file('7.0.9') } };
  world = await makePorts({ storages: ['sfu'], around });
});
afterEach(() => world.remove());

/** Four runs of two files each, complete. */
async function opened(store: Store): Promise<Ports> {
  for (const run of RUNS) {
    const files = [0, 1].map((subrun) => rawFile(`run${run}_${subrun}.dat`, subrun, Buffer.from('raw')));
    const complete = { at: T0, subruns: [0, 1], evidence: 'test' };
    const levels = { L1: { complete, lastFile: T0, late: [], files: 2 } };
    const about: RunDoc = { _id: runId(run), kind: 'run', v: 1, run, levels, firstSeen: T0, history: [] };
    for (const doc of [dataDoc(run, files), about]) await store.update(doc._id, () => ({ write: doc }));
  }
  return { ...world, store };
}

const ask = async (ports: Ports, more: Partial<ReprocessOptions> = {}): Promise<Seen[]> =>
  collect(reprocess(ports, { name: 'tl', version: '7.0.8', runs: RUNS, modules: ['Processing'], ...more }));

const estimates = (items: readonly Seen[]): EstimateItem[] =>
  items.filter(({ kind }) => kind === 'estimate') as unknown as EstimateItem[];

/** Takes every subjob of a pass to an end. */
async function end(store: Store, job: JobDoc, usage: Usage | 'failed', size = 1000): Promise<void> {
  const at = await store.now();
  const lock = { site: 'cedar', epoch: 1, claim: 'c', index: 0 };
  const output = { type: 'out', name: 'o', storage: 'sfu', path: 'p', size, adler32: '1', guid: 'g', lfn: 'l' };
  const failure = { cause: 'time-limit', reason: 'killed', site: 'cedar' };
  let next = job;
  for (const { index } of job.subjobs) {
    const steps: readonly Move[] = [
      { index, event: 'claim', to: { name: 'submitting', since: at, lock } },
      { index, event: 'record', to: { name: 'submitted', since: at, lock, backendId: 'b' } },
      usage === 'failed'
        ? { index, event: 'fail', to: { name: 'failed', since: at, lock, failure }, usage: { wall: 600 } }
        : {
            index,
            event: 'complete',
            to: { name: 'completed', since: at, lock, execution: 'e', outputs: [output], usage },
          },
    ];
    for (const step of steps) next = transition(next, [step], at, 't');
  }
  await store.update<JobDoc>(job._id, (doc) => ({ write: { ...next, ...(doc?._rev ? { _rev: doc._rev } : {}) } }));
}

const passes = (store: Store): Promise<JobDoc[]> => store.range<JobDoc>(idsWith('job:'));
const pageOf = async (ports: Ports, name = 'tl'): Promise<RequestPage> =>
  requestPage(ports, await requestNamed(ports, name));

test.each([
  'SQLite',
  'CouchDB',
] as const)('%s: nothing measured, then by passes of the same version, then of the nearest', async (engine) => {
  const store = await stores[engine]();
  const ports = await opened(store);
  const [none, sum] = estimates(await ask(ports, { dryRun: true }));
  expect(none).toMatchObject({ ref: 'Processing', measured: 0, passes: 4, jobs: 8 });
  expect(none?.text).toBe('4 passes, 8 jobs: not known, because no pass of Processing has completed');
  expect(sum).toMatchObject({ ref: 'tl', unmeasured: ['Processing'] });
  expect(sum?.cpu).toBeUndefined();
  await ask(ports, { name: 'first' });
  for (const job of await passes(store)) await end(store, job, { cpu: 3600, wall: 7200 });
  await store.update('farm:cedar', () => ({ write: farmDoc('cedar', 10, ports) }));
  const later = estimates(await ask(ports, { dryRun: true }));
  expect(later).toHaveLength(2);
  expect(later[0]).toMatchObject({ module: 'Processing', from: '7.0.8', measured: 4, passes: 4, jobs: 8 });
  expect(later[0]!.cpu! / 3600).toBeCloseTo(8, 0);
  expect(later[0]!.bytes! / 8000).toBeCloseTo(1, 1);
  expect(later[1]!.takes! / 7200).toBeCloseTo(1, 1);
  expect(later[1]?.text).toContain('8.0 CPU-hours and 8.0 kB; at least 120m on 10 slots');
  const [other] = estimates(await ask(ports, { version: '7.0.9', dryRun: true }));
  expect(other).toMatchObject({ from: '7.0.8', version: '7.0.9', measured: 4 });
  expect(other?.text).toContain('measured on 4 passes of 7.0.8, the nearest version');
  // A dry run has left nothing; the request that is made keeps the estimate.
  expect(await store.range(idsWith('request:'))).toHaveLength(1);
  await ask(ports, { name: 'second' });
  const doc = (await store.get<RequestDoc>(['request:second'])).get('request:second');
  expect(doc?.estimate).toMatchObject({ jobs: 8, unmeasured: [] });
});

const farmDoc = (site: string, slots: number, ports: Ports) => ({
  ...farm(site),
  _id: `farm:${site}`,
  kind: 'farm' as const,
  v: 1,
  site,
  backend: 'slurm',
  epoch: 1,
  identity: { cluster: 'c', user: 'u' },
  heartbeat: new Date().toISOString(),
  host: ports.host,
  slots,
});

test.each(['SQLite', 'CouchDB'] as const)('%s: a request that runs, and one that is done', async (engine) => {
  const store = await stores[engine]();
  const ports = await opened(store);
  await ask(ports, {
    modules: ['Processing', 'Analysis40'],
    prerequisite: 'new',
    labels: ['gold'],
    text: 'for the paper',
  });
  const before = await pageOf(ports);
  expect(before.progress).toMatchObject({ passes: 8, completed: 0, waiting: 8, state: 'open' });
  expect(requestMarkdown(before)).toContain('- Time left: not known: no pass has completed yet');
  const [first, second, third, ...others] = (await passes(store)).filter((job) => job.module === 'Processing');
  await end(store, first!, { cpu: 3600, wall: 7200 });
  await end(store, second!, { cpu: 3600, wall: 7200 });
  await end(store, third!, 'failed');
  const page = await pageOf(ports);
  expect(page.progress).toMatchObject({ passes: 8, completed: 2, failed: 1, waiting: 5, state: 'open' });
  expect(page.progress.left).toBeGreaterThan(0);
  expect(page.failures).toEqual([{ cause: 'time-limit', subjobs: 2 }]);
  expect(page.use.sum).toMatchObject({ jobs: 4, cpu: 14_400, wall: 28_800, outputs: 4, bytes: 4000, lost: 1200 });
  const [row] = await found(requestRows(ports));
  expect(row).toMatchObject({ failed: 1, state: 'open', left: expect.any(Number) });
  const line = statusText(await status(ports))
    .split('\n')
    .find((text) => text.includes('REQUESTS'));
  expect(line).toMatch(/REQUESTS {2}tl 2\/8, 1 failed, .* left$/);
  const shown = requestText(page, 80);
  for (const text of [
    'for the paper',
    '2 of 8 completed, 1 failed, 5 waiting',
    '4.0 CPU-hours in 4 jobs',
    'time-limit',
  ])
    expect(shown).toContain(text);
  expect(shown).toContain('dflow retry --request tl --dry-run');
  for (const width of [60, 80])
    for (const text of requestText(page, width).split('\n')) expect(text.length).toBeLessThanOrEqual(width);
  for (const job of [third!, ...others]) await end(store, { ...job, _rev: '' } as JobDoc, { cpu: 60, wall: 60 });
  for (const job of (await passes(store)).filter(({ module: name }) => name === 'Analysis40'))
    await end(store, job, { cpu: 3.2e7, wall: 3.2e7 }, 5e11);
  const after = await pageOf(ports);
  expect(after.progress).toMatchObject({ completed: 8, state: 'done' });
  expect(after.progress.left).toBeUndefined();
  expect(after.exactly).toHaveLength(8);
  expect(after.exactly).toContain('Analysis40 11 1');
  for (const text of [requestHtml(after), requestMarkdown(after)]) {
    expect(text).toContain('4.1 CPU-years in 12 jobs; 12 files of 2.0 TB');
    expect(text).toContain('Analysis40 14 1');
    expect(text).toContain('dflow get --request tl');
    expect(text).toContain('--format exactly');
  }
  expect(requestHtml(after).replaceAll('http://www.w3.org/', '')).not.toMatch(/(https?:)?\/\/\w|url\(|<script/);
});

test.each(['SQLite', 'CouchDB'] as const)('%s: what is archived counts on', async (engine) => {
  const store = await stores[engine]();
  const ports = await opened(store);
  await ask(ports);
  for (const job of await passes(store)) await end(store, job, { cpu: 100, wall: 200 });
  const [before, estimated] = [await useOf(store, 'tl'), estimates(await ask(ports, { name: 'n', dryRun: true }))];
  const [job] = await passes(store);
  const archive = { file: '/a', host: 'h', sha256: 'x', at: T0, by: 'me' };
  await store.update('archived:0000000011', () => ({
    write: { ...archivedDoc(11, [job!], archive), state: 'archived' },
  }));
  await store.update(job!._id, () => ({ remove: true }));
  expect(await useOf(store, 'tl')).toEqual(before);
  const after = estimates(await ask(ports, { name: 'n', runs: RUNS.slice(1), dryRun: true }));
  expect(after[0]?.measured).toBe(estimated[0]?.measured);
});

test('the numbers cost the same however many passes there are, and no pass is read', async () => {
  const store = await stores.SQLite();
  const ports = await opened(store);
  await ask(ports);
  const asked: string[] = [];
  const watched = new Proxy(store, {
    get: (target, name) => {
      const own = Reflect.get(target, name, target);
      if (typeof own !== 'function') return own;
      return (...args: unknown[]) => {
        asked.push(`${String(name)} ${JSON.stringify(args.map((arg) => (arg as { name?: string })?.name ?? arg))}`);
        return own.apply(target, args);
      };
    },
  });
  await pageOf({ ...ports, store: watched });
  expect(asked.filter((text) => /job:|view /.test(text))).toEqual([]);
  expect(asked.length).toBeLessThan(8);
});

test('a name that is nearly right gets the near miss', async () => {
  const ports = await opened(await stores.SQLite());
  await ask(ports, { name: 'tl-july' });
  await expect(requestNamed(ports, 'tl-jully')).rejects.toThrow(/tl-july/);
});
