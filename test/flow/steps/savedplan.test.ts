// A saved plan is made exactly, once, whoever is killed when; what is not as it was when it was saved is refused.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DataDoc } from '../../../src/lib/domain/data/data.ts';
import { dataId, jobId, runId } from '../../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import type { RequestDoc } from '../../../src/lib/domain/jobs/request.ts';
import { type PlanFile, parsePlan, planLines } from '../../../src/lib/domain/jobs/requests/planfile.ts';
import type { RunDoc } from '../../../src/lib/domain/runs/run.ts';
import type { Ports } from '../../../src/lib/flow/ports.ts';
import { carryOut } from '../../../src/lib/flow/steps/reprocess/planned.ts';
import { type ReprocessOptions, reprocess } from '../../../src/lib/flow/steps/reprocess/reprocess.ts';
import { idsWith, type Store } from '../../../src/lib/store.ts';
import { module, moduleFile } from '../../support/docs.ts';
import { eachStore } from '../../support/eachstore.ts';
import type { Seen } from '../../support/items.ts';
import { collect, dataDoc, makePorts, rawFile, T0, type TestPorts } from '../../support/ports.ts';

const stores = eachStore();
const RUNS = [11, 12, 13];
const MODULES = ['Processing', 'Analysis40'];
const file = {
  ...moduleFile([module('Processing'), module('Analysis40', { needs: ['Processing'], level: 'run' })], {
    any: MODULES,
  }),
  version: '7.0.8',
};

let world: TestPorts;
beforeEach(async () => {
  world = await makePorts({ storages: ['sfu'], around: { modules: { '7.0.8': file } } });
});
afterEach(() => world.remove());

async function addRun(store: Store, run: number): Promise<void> {
  const files = [0, 1].map((subrun) => rawFile(`run${run}_${subrun}.dat`, subrun, Buffer.from('raw')));
  const complete = { at: T0, subruns: [0, 1], evidence: 'test' };
  const levels = { L1: { complete, lastFile: T0, late: [], files: 2 } };
  const about: RunDoc = { _id: runId(run), kind: 'run', v: 1, run, levels, firstSeen: T0, history: [] };
  for (const doc of [dataDoc(run, files), about]) await store.update(doc._id, () => ({ write: doc }));
}

async function opened(store: Store): Promise<Ports> {
  for (const run of RUNS) await addRun(store, run);
  return { ...world, store };
}

const ask = (ports: Ports, more: Partial<ReprocessOptions> = {}): ReturnType<typeof reprocess> =>
  reprocess(ports, {
    ...{
      name: 'tl',
      version: '7.0.8',
      runs: RUNS,
      modules: MODULES,
      prerequisite: 'new',
      labels: ['gold'],
      priority: 10,
    },
    ...more,
  });

/** The plan as it is read from the file that a dry run has written. */
async function saved(ports: Ports, more: Partial<ReprocessOptions> = {}): Promise<PlanFile> {
  let text = '';
  const saving = {
    ...{ ranges: [[11, 19]] as const, command: 'dflow reprocess --request tl' },
    write: async (plan: PlanFile) => {
      text = [...planLines(plan)].join('');
    },
  };
  await collect(ask(ports, { dryRun: true, saving, ...more }));
  return parsePlan(text, 'tl.plan');
}

const passes = (store: Store): Promise<JobDoc[]> => store.range<JobDoc>(idsWith('job:'));
const did = (items: readonly Seen[], word: string): string[] =>
  items.flatMap((item) => (item.did === word ? [item.ref] : []));
/** What of a pass the plan decides. */
const decided = ({ _id, request, labels, priority, needs, subjobs, tables }: JobDoc) =>
  JSON.stringify({ _id, request, labels, priority, needs, tables, inputs: subjobs.map(({ inputs }) => inputs) });

describe.each(['SQLite', 'CouchDB'] as const)('%s', (engine) => {
  test('is made as the dry run would have made it; a second time nothing is made', async () => {
    const store = await stores[engine]();
    const ports = await opened(store);
    const plan = await saved(ports);
    expect(plan.passes).toHaveLength(6);
    expect(await store.range(idsWith('request:'))).toEqual([]);
    const dry = await collect(carryOut(ports, plan, { dryRun: true }));
    expect(await passes(store)).toEqual([]);
    const items = await collect(carryOut(ports, plan, {}));
    expect(did(items, 'made')).toEqual(did(dry, 'made'));
    const made = await passes(store);
    expect(made).toHaveLength(6);
    expect(made[0]).toMatchObject({ request: 'tl', labels: ['gold'], priority: 10 });
    const doc = (await store.get<RequestDoc>(['request:tl'])).get('request:tl')!;
    expect(doc).toMatchObject({ made: expect.any(String), estimate: plan.estimate, runs: RUNS });
    const again = await collect(carryOut(ports, plan, {}));
    expect(again).toMatchObject([
      { did: 'unchanged', text: 'nothing to make: 6 of 6 passes of the plan exist already' },
    ]);
    expect((await passes(store)).map(decided)).toEqual(made.map(decided));
    // The request by hand is the same one.
    expect(did(await collect(ask(ports)), 'made')).toEqual([]);
  });

  test('what has changed is refused by name, the rest is made, and nothing is numbered anew', async () => {
    const store = await stores[engine]();
    const ports = await opened(store);
    const plan = await saved(ports);
    // Run 11: somebody else made a pass. Run 12: a file has lost its last copy. Run 13: as it was. Run 14 is new.
    await collect(ask(ports, { name: 'other', runs: [11], modules: ['Processing'] }));
    await store.update<DataDoc>(dataId('L1', 12), (doc) => {
      const [first, ...others] = doc!.files;
      const gone = { state: 'purged', at: T0, receipt: 'r' } as never;
      return { write: { ...doc!, files: [{ ...first!, original: gone, replicas: {} }, ...others] } };
    });
    await addRun(store, 14);
    const items = await collect(carryOut(ports, plan, {}));
    const refused = items.filter((item) => item.failed);
    expect(refused.map(({ ref, text }) => `${ref}: ${text}`)).toEqual([
      '11/Processing/1: request other has made pass 1 since',
      '11/Analysis40/1: it starts from 11/Processing/1, which is refused',
      '12/Processing/1: no copy of run12_0.dat is left',
      '12/Analysis40/1: it starts from 12/Processing/1, which is refused',
    ]);
    expect(refused.every(({ next }) => next?.includes('--dry-run --plan NEW.plan'))).toBe(true);
    expect(did(items, 'made')).toEqual(['13/Processing/1', '13/Analysis40/1']);
    expect(items.find(({ ref }) => ref === '14')?.text).toContain('not in the plan');
    expect((await passes(store)).map(({ _id, request }) => [_id, request])).toEqual([
      [jobId(11, 'Processing', 1), 'other'],
      [jobId(13, 'Analysis40', 1), 'tl'],
      [jobId(13, 'Processing', 1), 'tl'],
    ]);
    // What was lost comes back: the same plan makes the rest, once.
    await store.update(dataId('L1', 12), () => ({
      write: dataDoc(
        12,
        [0, 1].map((n) => rawFile(`run12_${n}.dat`, n, Buffer.from('raw'))),
      ),
    }));
    const later = await collect(carryOut(ports, plan, {}));
    expect(did(later, 'made')).toEqual(['12/Processing/1', '12/Analysis40/1']);
    expect(did(later, 'refused')).toEqual(['11/Processing/1', '11/Analysis40/1']);
  });
});

test('killed after any item it goes on where it was', async () => {
  const whole = await opened(await stores.SQLite());
  const plan = await saved(whole);
  await collect(carryOut(whole, plan, {}));
  const expected = (await passes(whole.store)).map(decided);
  for (const after of [1, 3]) {
    const ports = await opened(await stores.SQLite());
    const own = await saved(ports);
    let seen = 0;
    for await (const _ of carryOut(ports, own, {})) if (++seen >= after) break;
    // A run that was made before the end of a killed call has lost some of its passes.
    const some = (await passes(ports.store)).slice(2);
    await ports.store.bulk(some.map(({ _id: id }) => ({ id, change: () => ({ remove: true }) })));
    await ports.store.update<RequestDoc>('request:tl', (doc) => {
      const { made: _, ...open } = doc!;
      return { write: open };
    });
    await collect(carryOut(ports, own, {}));
    expect((await passes(ports.store)).map(decided)).toEqual(expected);
    expect((await ports.store.get<RequestDoc>(['request:tl'])).get('request:tl')?.made).toBeDefined();
  }
});

describe('refused as a whole, with nothing made', () => {
  const nothing = async (ports: Ports, plan: PlanFile, text: RegExp): Promise<void> => {
    await expect(collect(carryOut(ports, plan, {}))).rejects.toThrow(text);
    expect(await passes(ports.store)).toEqual([]);
  };

  test('another store', async () => {
    const ports = await opened(await stores.SQLite());
    const plan = await saved(ports);
    const other = { ...plan, head: { ...plan.head, store: 'other' } };
    await nothing(ports, other, /the plan is for test \(store .*\), and this is test/);
  });

  test('another configuration: the modules that differ are named', async () => {
    const ports = await opened(await stores.SQLite());
    const plan = await saved(ports);
    const other = { ...file, modules: { ...file.modules, Processing: module('Processing', { run: 'other' }) } };
    const settings = { ...ports.settings, hash: 'new', modules: { '7.0.8': other } };
    await nothing({ ...ports, settings }, plan, /not that of the plan \(also of Processing\)/);
    await nothing({ ...ports, settings: { ...ports.settings, hash: 'new' } }, plan, /but no module of the version/);
  });

  test('a request of the same name for something else', async () => {
    const ports = await opened(await stores.SQLite());
    const plan = await saved(ports);
    await ports.store.update<RequestDoc>('request:tl', () => ({
      write: {
        ...plan.request,
        _id: 'request:tl',
        kind: 'request',
        v: 1,
        plan: [],
        runs: [11],
        by: 'x',
        created: T0,
        history: [],
      },
    }));
    await nothing(ports, plan, /exists and asks for something else: run 12, 13 is new/);
  });
});

test('a newer pass to start from is not taken silently, and a prerequisite that was deleted is said', async () => {
  const ports = await opened(await stores.SQLite());
  const { store } = ports;
  await collect(ask(ports, { name: 'first', modules: ['Processing'], runs: [11, 12] }));
  const complete = (job: JobDoc, state: 'completed' | 'deleted') =>
    store.update<JobDoc>(job._id, (doc) => ({
      write: {
        ...doc!,
        state,
        subjobs: doc!.subjobs.map((one) => ({
          ...one,
          state:
            state === 'deleted'
              ? ({ name: 'deleted', since: T0, receipt: 'r' } as const)
              : ({
                  name: 'completed',
                  since: T0,
                  lock: { site: 's', epoch: 1, claim: 'c', index: 0 },
                  execution: 'e',
                  outputs: [],
                  usage: {},
                } as const),
        })),
      },
    }));
  for (const job of await passes(store)) await complete(job, 'completed');
  const plan = await saved(ports, { modules: ['Analysis40'], prerequisite: 'latest', runs: [11, 12] });
  expect(plan.passes.map(({ needs }) => needs)).toEqual(
    Array(2).fill([{ module: 'Processing', pass: 1, state: 'completed' }]),
  );
  await collect(ask(ports, { name: 'second', modules: ['Processing'], runs: [11] }));
  for (const job of (await passes(store)).filter(({ pass }) => pass === 2)) await complete(job, 'completed');
  await complete((await store.get<JobDoc>([jobId(12, 'Processing', 1)])).get(jobId(12, 'Processing', 1))!, 'deleted');
  const items = await collect(carryOut(ports, plan, {}));
  expect(items.filter(({ failed }) => failed).map(({ ref, text }) => `${ref}: ${text}`)).toEqual([
    '11/Analysis40/1: the pass of Processing to start from is 2 now, and was 1',
    '12/Analysis40/1: the pass of Processing to start from is not there now, and was 1',
  ]);
  expect(did(items, 'made')).toEqual([]);
  expect(await store.range(idsWith('request:tl'))).toEqual([]);
});
