// How many requests the writing commands make of a CouchDB: as many for 40 runs as for 4, since they ask in batches of
// hundreds. The runs lie far apart, so that no range of ids holds two of them.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import { runId } from '../../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import type { RequestDoc } from '../../../src/lib/domain/jobs/request.ts';
import type { RunDoc } from '../../../src/lib/domain/runs/run.ts';
import { sweep } from '../../../src/lib/flow/jobs/wake.ts';
import type { Ports, Step } from '../../../src/lib/flow/ports.ts';
import { enqueue } from '../../../src/lib/flow/steps/enqueue/enqueue.ts';
import { loadTables } from '../../../src/lib/flow/steps/load/load.ts';
import { reprocess } from '../../../src/lib/flow/steps/reprocess/reprocess.ts';
import { tables } from '../../../src/lib/flow/steps/tables/tables.ts';
import { idsWith, type Store } from '../../../src/lib/store.ts';
import { VIEWS } from '../../../src/lib/views/index.ts';
import { couchBehindProxy } from '../../support/couch.ts';
import { module, moduleFile } from '../../support/docs.ts';
import { collect, dataDoc, makePorts, rawFile, T0, type TestPorts } from '../../support/ports.ts';

const couch = couchBehindProxy('requests');
const FEW = 4;
const MANY = 10 * FEW;
/** Far below one for each run. */
const SLACK = 3;
const PHYSICS = 4;
const ECA = 32;

const modules = {
  '7.0.8': {
    ...moduleFile([module('Processing'), module('Analysis', { needs: ['Processing'] })], {
      Physics: ['Processing', 'Analysis'],
    }),
    version: '7.0.8',
  },
};

let world: TestPorts;
beforeEach(async () => {
  world = await makePorts({ config: { automatic: { version: '7.0.8' } }, around: { modules } });
});
afterEach(() => world.remove());

const runsOf = (count: number): number[] => Array.from({ length: count }, (_, i) => 1 + 5000 * i);

function docsOf(run: number, mask: number | undefined) {
  const data = dataDoc(run, [rawFile(`${run}.dat`, 0, Buffer.from('raw'))]);
  const complete = { at: T0, subruns: [0], evidence: 'test' };
  const levels = { L1: { complete, lastFile: T0, late: [], files: 1 } };
  const about: RunDoc = { _id: runId(run), kind: 'run', v: 1, run, levels, firstSeen: T0, history: [] };
  return [data, mask === undefined ? about : { ...about, mask, maskFrom: 'test' }];
}

/**
 * Requests for documents and views of a step with `count` runs, in a database of its own. Others depend on the machine: a
 * slow one asks for the clock again, and how far a view is.
 */
async function requests(
  count: number,
  { mask, prepare }: { readonly mask?: number; readonly prepare?: (ports: Ports, runs: readonly number[]) => Step },
  step: (ports: Ports, runs: readonly number[]) => Step,
  expected?: string,
): Promise<number> {
  const runs = runsOf(count);
  couch.url += `-${count}`;
  const store: Store = await couch.open('setup', { views: VIEWS });
  await store.setup('demo');
  const ports: Ports = { ...world, store };
  const docs = runs.flatMap((run) => docsOf(run, mask));
  await store.bulk(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
  if (prepare) await collect(prepare(ports, runs));
  couch.proxy.seen.length = 0;
  const items = await collect(step(ports, runs));
  expect(items.filter(({ failed }) => failed)).toEqual([]);
  if (expected !== undefined) {
    expect(new Set(items.map(({ did }) => did))).toContain(expected);
    expect(items.length).toBeGreaterThanOrEqual(count);
  }
  return couch.proxy.seen.filter((line) => /_all_docs|_bulk_docs|_view/.test(line)).length;
}

const asked = { version: '7.0.8', modules: ['Processing'] };
const earlier = (ports: Ports, runs: readonly number[]): Step => reprocess(ports, { ...asked, name: 'earlier', runs });
const runTables = (ports: Ports, runs: readonly number[], type = PHYSICS): Step =>
  loadTables(
    ports,
    runs.map((run) => ({
      name: `${run}.ratdb`,
      text: `{type: "RUN", version: 1, index: "", run_range: [${run}, ${run}], runtype: ${type}}`,
    })),
  );

test.each([
  ['enqueue of new runs', 'made', { mask: PHYSICS }, (ports: Ports) => enqueue(ports)],
  ['enqueue where passes exist', 'made', { mask: PHYSICS, prepare: earlier }, (ports: Ports) => enqueue(ports)],
  [
    'reprocess of runs with passes',
    'made',
    { mask: PHYSICS, prepare: earlier },
    (ports: Ports, runs: readonly number[]) =>
      reprocess(ports, {
        ...asked,
        name: 'later',
        modules: ['Processing', 'Analysis'],
        prerequisite: 'new',
        runs,
        again: true,
      }),
  ],
  ['tables load of tables that tell masks', 'typed', {}, runTables],
  [
    'tables load of calibration runs',
    'held',
    {},
    (ports: Ports, runs: readonly number[]) => runTables(ports, runs, ECA),
  ],
])('%s', async (_, expected, before, step) => {
  const few = await requests(FEW, before, step, expected);
  const many = await requests(MANY, before, step, expected);
  expect(many - few).toBeLessThan(SLACK);
  expect(few).toBeLessThan(20);
});

test('masks of tables that were there before their runs', async () => {
  // Loaded where no run had a document; then the runs are registered.
  const prepare = async function* (ports: Ports, runs: readonly number[]): Step {
    const docs = await ports.store.get<RunDoc>(runs.map(runId));
    await ports.store.bulk(runs.map((run) => ({ id: runId(run), change: () => ({ remove: true }) })));
    yield* runTables(ports, runs);
    await ports.store.bulk([...docs.values()].map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
  };
  const few = await requests(FEW, { prepare }, (here) => tables(here), 'typed');
  const many = await requests(MANY, { prepare }, (here) => tables(here), 'typed');
  expect(many - few).toBeLessThan(SLACK);
});

test('the sweep over passes that each wait for a request of their own', async () => {
  const prepare = async function* (ports: Ports, runs: readonly number[]): Step {
    yield* earlier(ports, runs);
    const jobs = await ports.store.range<JobDoc>(idsWith('job:'));
    const waiting = jobs.map((job): JobDoc => {
      const wake = { kind: 'on', id: `request:after-${job.run}` } as const;
      return { ...job, subjobs: job.subjobs.map((one) => ({ ...one, state: { name: 'waiting', since: T0, wake } })) };
    });
    const [request] = await ports.store.range<RequestDoc>(idsWith('request:'));
    const awaited = runs.map((run) => ({ ...request!, _id: `request:after-${run}`, name: `after-${run}`, plan: [] }));
    await ports.store.bulk<Doc>(
      [...waiting, ...awaited].map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })),
    );
  };
  const woken: number[] = [];
  const step = async function* (ports: Ports): Step {
    woken.push(await sweep(ports, 'here'));
    yield* [];
  };
  const few = await requests(FEW, { mask: PHYSICS, prepare }, step);
  const many = await requests(MANY, { mask: PHYSICS, prepare }, step);
  expect(woken).toEqual([FEW, MANY]);
  expect(many - few).toBeLessThan(SLACK);
});
