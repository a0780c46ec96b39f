// reprocess: the plan is written first, a repeated call continues it, and pass numbers that somebody else took are
// planned anew; prerequisites are resolved to numbers when the plan is written.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runId } from '../../../src/lib/domain/ids.ts';
import { type JobDoc, transition } from '../../../src/lib/domain/jobs/job.ts';
import { firstUnmet, jobGates } from '../../../src/lib/domain/jobs/readiness.ts';
import type { RequestDoc } from '../../../src/lib/domain/jobs/request.ts';
import type { RunDoc } from '../../../src/lib/domain/runs/run.ts';
import { jobFacts } from '../../../src/lib/flow/jobs/facts.ts';
import { enqueue } from '../../../src/lib/flow/steps/enqueue/enqueue.ts';
import { type ReprocessOptions, reprocess } from '../../../src/lib/flow/steps/reprocess/reprocess.ts';
import { idsWith } from '../../../src/lib/store.ts';
import { farm, module, moduleFile } from '../../support/docs.ts';
import { addRun, collect, makePorts, T0, type TestPorts } from '../../support/ports.ts';

const RUNS = [11, 12, 13];
const modules = {
  '7.0.8': {
    ...moduleFile([module('Processing'), module('Analysis40', { needs: ['Processing'], level: 'run' })], {
      any: ['Processing', 'Analysis40'],
    }),
    version: '7.0.8',
  },
};

let ports: TestPorts;

beforeEach(async () => {
  ports = await makePorts({ storages: ['sfu'], around: { modules } });
  for (const run of RUNS) {
    await addRun(ports, run, [{ name: `run${run}_0.dat`, bytes: Buffer.from('raw') }]);
    const complete = { at: T0, subruns: [0], evidence: 'test' };
    const doc: RunDoc = {
      _id: runId(run),
      kind: 'run',
      v: 1,
      run,
      levels: { L1: { complete, lastFile: T0, late: [], files: 1 } },
      firstSeen: T0,
      history: [],
    };
    await ports.store.update(doc._id, () => ({ write: doc }));
  }
});

afterEach(() => ports.remove());

function ask(more: Partial<ReprocessOptions> = {}) {
  return reprocess(ports, { name: 'tl', version: '7.0.8', runs: RUNS, modules: ['Processing'], ...more });
}

async function jobs(): Promise<JobDoc[]> {
  return ports.store.range<JobDoc>(idsWith('job:'));
}

async function request(name: string): Promise<RequestDoc | undefined> {
  return (await ports.store.get<RequestDoc>([`request:${name}`])).get(`request:${name}`);
}

/** Takes every subjob of a job to completed by the transition table. */
async function finish(job: JobDoc): Promise<void> {
  const lock = { site: 'x', epoch: 1, claim: 'c', index: 0 };
  let next = job;
  for (const { index } of job.subjobs) {
    next = transition(next, [{ index, event: 'claim', to: { name: 'submitting', since: T0, lock } }], T0, 't');
    next = transition(
      next,
      [{ index, event: 'record', to: { name: 'submitted', since: T0, lock, backendId: 'b' } }],
      T0,
      't',
    );
    next = transition(
      next,
      [
        {
          index,
          event: 'complete',
          to: { name: 'completed', since: T0, lock, execution: 'e', outputs: [], usage: {} },
        },
      ],
      T0,
      't',
    );
  }
  await ports.store.update<JobDoc>(job._id, () => ({ write: next }));
}

describe('the plan', () => {
  test('is written whole before the first job', async () => {
    for await (const item of ask()) if (item.did === 'planned') break;
    expect(await jobs()).toEqual([]);
    expect((await request('tl'))?.plan.map((item) => [item.run, item.module, item.pass])).toEqual(
      RUNS.map((run) => [run, 'Processing', 1]),
    );
    expect((await request('tl'))?.made).toBeUndefined();
  });
  test('dry: the same plan, nothing written', async () => {
    const dry = await collect(ask({ dryRun: true }));
    expect(dry.flatMap(({ kind, ref }) => (kind === 'estimate' ? ref : []))).toEqual(['Processing', 'tl']);
    expect(await request('tl')).toBeUndefined();
    const real = await collect(ask());
    expect(dry.map(({ ref, did }) => [ref, did])).toEqual(real.map(({ ref, did }) => [ref, did]));
  });
  test('repeated, it continues and makes nothing twice', async () => {
    for await (const item of ask()) if (item.did === 'planned') break;
    await collect(ask());
    const again = await collect(ask());
    expect(again.filter((item) => item.did === 'made')).toEqual([]);
    expect((await jobs()).map((job) => [job.run, job.pass, job.request])).toEqual(RUNS.map((run) => [run, 1, 'tl']));
    expect((await request('tl'))?.made).toBeDefined();
  });
  test('--again makes another request with new passes', async () => {
    await collect(ask());
    await collect(ask({ again: true }));
    expect((await request('tl.2'))?.plan.map((item) => item.pass)).toEqual([2, 2, 2]);
    expect(await jobs()).toHaveLength(6);
  });
  test('a number that automatic processing took first is planned anew', async () => {
    for await (const item of ask()) if (item.did === 'planned') break;
    await collect(enqueue(ports));
    await collect(ask());
    expect((await request('tl'))?.plan.map((item) => item.pass)).toEqual([2, 2, 2]);
    const made = (await jobs()).filter((job) => job.request === 'tl');
    expect(made.map((job) => [job.run, job.pass])).toEqual(RUNS.map((run) => [run, 2]));
  });
});

describe('prerequisites', () => {
  test('none completed: named, with what to type', async () => {
    const items = await collect(ask({ modules: ['Analysis40'] }));
    expect(items.map(({ ref, did, next }) => [ref, did, next])).toEqual(
      RUNS.map((run) => [`${run}/Analysis40`, 'not-planned', 'repeat the command with --prerequisite new']),
    );
    expect(await request('tl')).toBeUndefined();
  });
  test('latest is resolved to the newest completed pass', async () => {
    await collect(ask({ name: 'a' }));
    await collect(ask({ name: 'b', again: true }));
    for (const job of await jobs()) if (job.pass === 1 || job.run === 12) await finish(job);
    await collect(ask({ name: 'c', modules: ['Analysis40'] }));
    const needs = (await jobs())
      .filter((job) => job.module === 'Analysis40')
      .map((job) => [job.run, job.needs[0]?.pass]);
    expect(needs).toEqual([
      [11, 1],
      [12, 2],
      [13, 1],
    ]);
  });
  test('a pass number, and new', async () => {
    await collect(ask({ name: 'a' }));
    await collect(ask({ name: 'b', modules: ['Analysis40'], prerequisite: '1' }));
    await collect(ask({ name: 'c', modules: ['Analysis40'], prerequisite: 'new', again: true }));
    const needs = (await jobs())
      .filter((job) => job.module === 'Analysis40' && job.run === 11)
      .map((job) => [job.request, job.needs[0]?.pass]);
    expect(needs).toEqual([
      ['b', 1],
      ['c', 2],
    ]);
  });
  test('for one module, and from another version', async () => {
    await collect(ask({ name: 'a' }));
    await collect(ask({ name: 'b', again: true }));
    for (const job of await jobs()) {
      await finish(job);
      if (job.pass === 1)
        await ports.store.update<JobDoc>(job._id, (doc) =>
          doc ? { write: { ...doc, version: '7.0.7' } } : { skip: 'gone' },
        );
    }
    const asked = async (name: string, prerequisite: string, more: Partial<ReprocessOptions> = {}) => {
      await collect(ask({ name, modules: ['Analysis40'], runs: [11], again: true, ...more, prerequisite }));
      const job = (await jobs()).find((one) => one.request === name && one.module === 'Analysis40');
      return [job?.version, job?.needs[0]?.pass];
    };
    expect(await asked('latest', 'latest')).toEqual(['7.0.8', 2]);
    expect(await asked('older', 'Processing=latest@7.0.7')).toEqual(['7.0.8', 1]);
    expect(await asked('numbered', 'Processing=1')).toEqual(['7.0.8', 1]);
    expect(await asked('one-new', 'latest,Processing=new')).toEqual(['7.0.8', 3]);
    // Also where the request makes a pass of the prerequisite, what is named for the module counts.
    expect(await asked('both', 'Processing=latest@7.0.7', { modules: ['Processing', 'Analysis40'] })).toEqual([
      '7.0.8',
      1,
    ]);
    const none = await collect(
      ask({ name: 'none', modules: ['Analysis40'], runs: [11], again: true, prerequisite: 'Processing=2@7.0.7' }),
    );
    expect(none.filter(({ did }) => did === 'not-planned')).toMatchObject([
      {
        did: 'not-planned',
        text: 'no pass 2 of Processing made with 7.0.7 to start from',
        next: 'dflow list jobs --run 11 --module Processing --state all --pass all',
      },
    ]);
  });
  test.each([
    ['Procesing=3', /did you mean Processing\?/],
    ['newest', /'newest' is not a choice of passes/],
    ['Processing=new@7.0.7', /is not a choice of passes/],
    ['Processing=1,Processing=2', /is not a choice of passes/],
    ['Analysis40=1', /no module 'Analysis40' in the prerequisites of Analysis40/],
  ])('%s is refused', async (prerequisite, expected) => {
    await expect(collect(ask({ modules: ['Analysis40'], prerequisite }))).rejects.toThrow(expected);
  });
  test('--after: nothing of it is ready before the other request is done', async () => {
    await collect(ask({ name: 'first', runs: [11] }));
    await collect(ask({ name: 'second', runs: [12], after: 'first' }));
    const [first, second] = await jobs();
    const unmet = async () =>
      firstUnmet(jobGates((await jobFacts(ports, [second!]))(second!, farm())).filter((gate) => gate.gate === 'after'));
    expect(await unmet()).toMatchObject({ on: 'request:first' });
    await finish(first!);
    expect(await unmet()).toBeUndefined();
  });
});

describe('mistakes', () => {
  test.each<[string, Partial<ReprocessOptions>, RegExp, RegExp]>([
    [
      'module',
      { modules: ['Procesing'] },
      /no module 'Procesing' in version .*did you mean Processing\?/,
      /the same command with Processing/,
    ],
    ['version', { version: '7.0.9' }, /no version '7\.0\.9'; did you mean 7\.0\.8\?/, /the same command with 7\.0\.8/],
    ['after', { after: 'nothing' }, /no request 'nothing'/, /dflow list requests/],
    ['tag', { tag: 'no-such-tag' }, /no-such-tag/, /./],
  ])('unknown %s', async (_name, options, message, hint) => {
    await expect(collect(ask(options))).rejects.toMatchObject({
      exit: 2,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
  test.each<[Partial<ReprocessOptions>, RegExp]>([
    [{ modules: ['Processing', 'Analysis40'] }, /: module Analysis40 is new$/],
    [{ runs: [12, 13, 14] }, /: run 14 is new; run 11 is left out$/],
    [{ runs: [11] }, /: run 12, 13 is left out$/],
    [{ priority: 5 }, /: priority 5 instead of 0$/],
    [{ labels: ['x'] }, /: label x is new$/],
    [{ prerequisite: 'new' }, /: prerequisite new instead of latest$/],
    [{ level: 'L2' }, /: level L2 instead of L1$/],
  ])('the name of a request with other content: %j', async (other, message) => {
    await collect(ask());
    const before = await jobs();
    await expect(collect(ask(other))).rejects.toMatchObject({
      exit: 2,
      message: expect.stringMatching(message),
      hint: expect.stringContaining('--request tl-2'),
    });
    expect(await jobs()).toEqual(before);
  });
  test('what another request has under way is refused, and made all the same with --again', async () => {
    await collect(ask());
    await expect(collect(ask({ name: 'other', runs: [12] }))).rejects.toMatchObject({
      exit: 2,
      message: '1 pass of request tl for the same run, module and version have not ended yet: 12/Processing/1 waiting',
      hint: expect.stringContaining('--again'),
    });
    expect(await request('other')).toBeUndefined();
    const items = await collect(ask({ name: 'other', runs: [12], again: true }));
    expect(items.map(({ did }) => did)).toEqual(['unchanged', 'planned', 'made', 'estimated', 'estimated']);
    for (const job of await jobs()) if (job.run === 13) await finish(job);
    expect((await collect(ask({ name: 'third', runs: [13] }))).map(({ did }) => did).slice(0, 2)).toEqual([
      'planned',
      'made',
    ]);
  });
  test('a run that was not ready is made when the same call is repeated', async () => {
    const doc = (await ports.store.get<RunDoc>([runId(13)])).get(runId(13))!;
    const open = { L1: { lastFile: T0, late: [], files: 1 } };
    await ports.store.update(doc._id, () => ({ write: { ...doc, levels: open } as RunDoc }));
    await collect(ask());
    expect((await jobs()).map(({ run }) => run)).toEqual([11, 12]);
    await ports.store.update(doc._id, () => ({ write: doc }));
    const again = await collect(ask());
    expect(again.filter(({ did }) => did === 'made').map(({ ref }) => ref)).toEqual(['13/Processing/1']);
    expect((await collect(ask())).map(({ did, passes }) => [did, passes])).toEqual([['continued', 3]]);
  });
  test('two at once with the same name: one plan, every pass once', async () => {
    await Promise.all([collect(ask()), collect(ask())]);
    expect((await jobs()).map(({ run, pass }) => [run, pass])).toEqual(RUNS.map((run) => [run, 1]));
  });
  test('a run that is not complete is named, the others are planned', async () => {
    const items = await collect(ask({ runs: [11, 99] }));
    expect(items.filter((item) => item.failed)).toMatchObject([{ ref: '99', did: 'not-ready', gate: 'complete' }]);
    expect(await jobs()).toHaveLength(1);
  });
});
