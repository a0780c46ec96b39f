// What the live screen reads by itself: what a person looks for first, and no more than is shown.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { passState, type SubjobState } from '../../../src/lib/domain/jobs/states.ts';
import { latestJobs, newestRuns, openRuns, unsoundCopies } from '../../../src/lib/flow/reports/live/rows.ts';
import { firstOf, LIVE_VIEWS, lookAt } from '../../../src/lib/flow/reports/live/views.ts';
import { job, T0 } from '../../support/docs.ts';
import { dataDoc, makePorts, rawFile, type TestPorts } from '../../support/ports.ts';

let ports: TestPorts;
const LATER = '2026-07-14T07:00:00.000Z';

beforeEach(async () => {
  ports = await makePorts({ storages: ['sfu', 'ral'], config: { farms: { cedar: {} } } });
  const lock = { site: 'cedar', epoch: 1, claim: 'c', index: 0 };
  const failed = (since: string): SubjobState => {
    return { name: 'failed', since, failure: { cause: 'memory', reason: 'r', site: 'cedar' } };
  };
  const ready: SubjobState = { name: 'waiting', since: T0, wake: { kind: 'ready' } };
  const running: SubjobState = { name: 'running', since: T0, lock, backendId: '1' };
  const canceled: SubjobState = { name: 'canceled', since: T0, why: 'w' };
  const states = [ready, failed(T0), running, failed(LATER), canceled];
  const passes = [...states.map((state, at) => ({ run: at + 1, pass: 1, state })), { run: 2, pass: 2, state: ready }];
  const jobs = passes.map(({ run, pass, state }) => {
    const doc = job({ run, pass });
    const subjobs = doc.subjobs.map((one) => ({ ...one, state }));
    return { ...doc, subjobs, since: state.since, state: passState(subjobs.map((one) => one.state)) };
  });
  const runs = [1, 2, 3].map((run) => {
    const level = {
      lastFile: T0,
      late: [],
      files: 1,
      ...(run !== 2 && { complete: { at: T0, subruns: [0], evidence: 'e' } }),
    };
    return {
      _id: `run:${String(run).padStart(10, '0')}`,
      kind: 'run',
      v: 1,
      run,
      levels: { L1: level },
      firstSeen: T0,
      history: [],
    };
  });
  const replicas = {
    sfu: { state: 'verified', attempt: 1, path: 'p', since: T0, checkedAt: T0 },
    ral: { state: 'bad', attempt: 1, path: 'p', since: T0, why: 'checksum' },
  } as const;
  const file = { ...rawFile('run3.dat', 0, Buffer.from('x')), replicas };
  const docs = [...jobs, ...runs, dataDoc(3, [file])];
  await ports.store.bulk(docs.map((doc) => ({ id: doc._id, base: null, change: () => ({ write: doc }) })));
});
afterEach(() => ports.remove());

const refs = async (rows: Parameters<typeof firstOf>[0], most = 100): Promise<unknown[]> =>
  (await firstOf(rows, most)).rows.map((row) => ('ref' in row ? row.ref : row));

test('jobs: what failed first, the latest change of a state first, only last passes, nothing that has ended', async () => {
  // Of run 2 a later pass waits.
  expect(await refs(latestJobs(ports))).toEqual(['4/P/1', '3/P/1', '2/P/2', '1/P/1'].map(named));
  expect(await refs(latestJobs(ports, ['canceled', 'failed']))).toEqual(['4/P/1', '5/P/1'].map(named));
});
const named = (ref: string): string => ref.replace('P', job({ run: 1 }).module);

test('no more rows than are wanted, and it is said that there are more', async () => {
  expect(await firstOf(latestJobs(ports), 2)).toMatchObject({ rows: [{}, {}], more: true });
  expect(await firstOf(latestJobs(ports), 4)).toMatchObject({ more: false });
});

test('runs: the newest first; the open ones alone', async () => {
  expect(await refs(newestRuns(ports))).toEqual(['3', '2', '1']);
  expect(await refs(openRuns(ports))).toEqual(['2']);
});

test('copies: those that are not verified', async () => {
  const { rows } = await firstOf(unsoundCopies(ports), 10);
  expect(rows).toMatchObject([{ storage: 'ral', state: 'bad', name: 'run3.dat' }]);
});

test('every view is read, with its counts', async () => {
  const found = await Promise.all(LIVE_VIEWS.map((view) => lookAt(ports, view, 10)));
  expect(found.map(({ view }) => view)).toEqual([...LIVE_VIEWS]);
  const of = (view: string) => found.find((one) => one.view === view);
  expect(of('jobs')).toMatchObject({ counts: { failed: 2, running: 1, waiting: 2, canceled: 1 } });
  expect(of('runs')).toMatchObject({ counts: { open: 1, todo: 2 } });
  expect(of('copies')).toMatchObject({
    storage: [
      { ref: 'sfu', verified: 1 },
      { ref: 'ral', bad: 1 },
    ],
  });
  expect(of('farms')).toMatchObject({ some: { rows: [{ ref: 'cedar', active: 2 }] } });
});
