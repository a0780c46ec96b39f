// What went wrong in the field, row by row: each is staged here as a shifter meets it, and dflow's answer is compared, or
// the test that stages it is named. A row whose test is renamed or gone is noticed.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import { jobId } from '../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { outputFolder, outputNames } from '../../src/lib/flow/jobs/spec.ts';
import { poll } from '../../src/lib/flow/steps/monitor/poll.ts';
import { verifyOutputs } from '../../src/lib/flow/steps/monitor/readback.ts';
import type { ResultRecord } from '../../src/lib/wrapper/record.ts';
import { killSupervisor } from '../support/chaos.ts';
import { replacing } from '../support/ports.ts';
import { addPass, HOUR, runIn, setSubjob, standingWorld, type World } from '../support/standing.ts';
import { failure, lock } from '../support/standingcases.ts';
import { completeRun } from '../support/stored.ts';

const root = resolve(import.meta.dirname, '..');

let world: World;
const stage = async (more = ''): Promise<void> => {
  world = await standingWorld({ more });
};
afterEach(async () => {
  if (!world) return;
  killSupervisor(world.folder);
  await world.remove();
});

const out = async (...words: string[]): Promise<string> => (await runIn(world, words)).out;
const jobs = async (): Promise<JobDoc[]> => world.store.range<JobDoc>({ start: 'job:', end: 'job:~' });

describe('"there are jobs waiting, but nothing is picked up!"', () => {
  beforeEach(() => stage());

  test('the verdict names the gate, since when, and the command that clears it', async () => {
    const first = { module: 'Count', pass: 1, job: jobId(1, 'Count', 1) };
    await setSubjob(world, { name: 'failed', since: world.ago(HOUR), lock, failure });
    await addPass(world, 'Plot', { needs: [first], state: 'waiting', since: world.ago(HOUR) } as Partial<JobDoc>);
    await setSubjob(
      world,
      { name: 'waiting', since: world.ago(HOUR), wake: { kind: 'on', id: first.job } },
      {},
      'Plot',
    );
    const [line] = (await out('why', '1', 'Plot')).split('\n');
    expect(line).toMatch(/^1\/Plot\/1 {2}UNSATISFIED {2}will not start: Count failed/);
    expect(await out('why', '1', 'Plot')).toMatch(
      /NO +prerequisite +1\/Count\/1 failed .*\n[\s\S]*Next: dflow retry 1\/Count\/1/,
    );
  });

  test('without a REF: everything that waits, with its count', async () => {
    await setSubjob(world, { name: 'failed', since: world.ago(HOUR), lock, failure });
    const [row] = (await out('why', '--json')).split('\n').map((line) => JSON.parse(line || '{}') as { count: number });
    expect(row).toMatchObject({ gate: 'failed', count: 1, module: 'Count', ref: '1/Count/1' });
  });
});

test('absurd run numbers from a bad builder: quarantined with a reason, visible, and the other runs go on', async () => {
  await stage();
  world.write('buffer/L1/SNOP_2147480000_000.zdab', 'absurd');
  await runIn(world, ['register', '--no-wait']);
  await new Promise((done) => setTimeout(done, 1_100));
  await runIn(world, ['register']);
  expect(await out('list', 'quarantine')).toContain('beyond-max-jump');
  expect(await out('why', 'SNOP_2147480000_000.zdab')).toContain('is in quarantine: beyond-max-jump');
  expect((await runIn(world, ['transfer'])).code).toBe(0);
});

test('run table missing for a run: why says so, status counts it', async () => {
  await stage('tables: {required: RUN}');
  await completeRun(world, 2, 1);
  await runIn(world, ['enqueue']);
  expect(await out('status')).toMatch(/2 complete runs have no passes yet: 1 \(tables: no RUN table for run 1\)/);
  const answer = await out('why', '2');
  expect(answer.split('\n')[0]).toContain('is not processed: no RUN table for run 2');
  expect(answer).toContain('Next: dflow tables load FILE');
});

test('retry of all cancelled passes when only the last was meant: the last is what is taken, and shown first', async () => {
  await stage();
  const canceled = { name: 'canceled', since: world.ago(HOUR), why: 'wrong tag' } as const;
  await setSubjob(world, canceled);
  const [first] = await jobs();
  const { _rev: _, ops: __, ...again } = first as Doc & JobDoc;
  await world.put({ ...again, _id: jobId(1, 'Count', 2), pass: 2 });
  expect(await out('retry', '--state', 'canceled', '--dry-run')).toMatch(/^would be retried\t1\/Count\/2\.000\t*\n$/);
});

test('transfers of an element are cancelled by one command, and resumed by its name', async () => {
  await stage();
  await completeRun(world, 2, 1);
  await runIn(world, ['transfer', '--cancel', '--to', 'b', '--why', 'tape library is moved']);
  expect(await out('transfer')).not.toMatch(/verified.*\tto b/);
  expect(await out('why', '2')).toContain('its transfers are canceled: tape library is moved');
  expect(await out('resume', 'b')).toMatch(/^resumed\thold:/);
});

test('jobs of one version are stopped everywhere, with a name and an end', async () => {
  await stage();
  await runIn(world, ['pause', '--version', '1.0', '--why', 'wrong optics', '--for', '3d']);
  const answer = await out('why', '1', 'Count');
  expect(answer.split('\n')[0]).toMatch(/does not start: pause: wrong optics \(\S+@\S+ \(pause\)\) until 2/);
  expect(await out('resume', '1.0')).toMatch(/^resumed\t/);
});

test('the queue is drained before a downtime', async () => {
  await stage();
  await runIn(world, ['farm', 'drain', 'here', '--why', 'downtime', '--for', '12h']);
  expect((await out('why', 'here')).split('\n')[0]).toMatch(
    /^here {2}HELD {2}takes no jobs: here takes no jobs: drain: downtime/,
  );
  expect(await out('submit', '--site', 'here', '--here')).toContain('drained');
});

test('the paths of two outputs were swapped: the record is not believed, and the mismatch is named', async () => {
  await stage();
  const [first] = await jobs();
  const job = { ...first!, outputs: { ntuple: 'ntuple.root', ratds: 'ratds.root' } };
  const [subjob] = job.subjobs;
  const [ntuple, ratds] = outputNames(job, subjob!);
  const execution = 'e1';
  const output = (type: string, name: string) => ({
    ...{ type, name, storage: 'a', path: `${outputFolder(job)}/${execution}/${name}`, size: 1 },
    checksum: 'adler32:00000001',
  });
  const record = { execution, outputs: [output('ntuple', ratds!.name), output('ratds', ntuple!.name)] };
  expect(await verifyOutputs(world, job, subjob!, record as unknown as ResultRecord)).toEqual({
    ok: false,
    why: `output ntuple is named ${ratds!.name}, not ${ntuple!.name}`,
  });
});

test('polling a batch system that hangs keeps no job from being submitted', async () => {
  await stage();
  const before = (await jobs()).flatMap(({ subjobs }) => subjobs.map(({ state }) => state.name));
  expect(before).toEqual(['waiting']);
  let asked = (): void => undefined;
  const asking = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const backend = async (farm: string) => {
    const real = await world.backend(farm);
    return replacing(real, {
      alive: () => {
        asked();
        return new Promise<never>(() => undefined);
      },
    });
  };
  void poll({ ...world, backend }, 'here').next();
  await asking;
  expect(await out('submit', '--site', 'here', '--here')).toContain('submitted');
});

test('the weekly summary is one command', async () => {
  await stage();
  await runIn(world, ['report', '--out', join(world.folder, 'week.html')]);
  expect(readFileSync(join(world.folder, 'week.html'), 'utf8')).toMatch(/<svg[\s\S]*Count/);
});

/** Rows of the field that other tests stage, and the title of each. */
const ELSEWHERE: readonly (readonly [row: string, file: string, title: string])[] = [
  ['two clients submitted the same job', 'slow/many.test.ts', 'four submitters at once: each job starts once'],
  [
    'killed at every step',
    'slow/spool-killed.test.ts',
    'killed at random moments: every answer is applied, and nothing runs twice',
  ],
  [
    'a site went down with jobs locked to it',
    'flow/farms/farms.test.ts',
    'are stopped when their site is back; only then their claim is cleared away',
  ],
  [
    'completed runs with no file on storage',
    'flow/steps/monitor/monitor-decide.test.ts',
    'done and verified: completed with its outputs',
  ],
  [
    'absurd run numbers',
    'flow/steps/register/register-quarantine.test.ts',
    'absurd run numbers, alone or in a row, do not move the reference',
  ],
  [
    'proxy expired',
    'flow/steps/transfer/transfer-faults.test.ts',
    'expired credentials stop the call, and nothing counts as failed',
  ],
  [
    'wrong CouchDB user',
    'stores/store-couch-rights.test.ts',
    'a refused password is not sent again by the next processes of this host',
  ],
  [
    'power cut: replication stopped',
    'flow/steps/doctor/checks.test.ts',
    'replication: copied, behind, broken; nobody may look; a store that has none',
  ],
  [
    'power cut: loops back off and resume',
    'slow/loop-watched.test.ts',
    'rounds become rarer, and come again when it is back',
  ],
  [
    'power cut: somebody is told, without the store',
    'flow/steps/notify-away.test.ts',
    'an outage is told once, its end once with how long it lasted, and nothing more',
  ],
  ['power cut: nothing lost or doubled', 'slow/chaos-couch.test.ts', 'in memory: '],
  ['view rebuild', 'stores/store-couch-views.test.ts', 'a query that waits for a build says so'],
  [
    'a query to the batch system failed',
    'flow/steps/monitor/monitor-decide.test.ts',
    'within grace of the release it never counts',
  ],
  [
    'deletion script overwrote its own log',
    'flow/copies/removal/removal.test.ts',
    'nothing goes without a line in a receipt',
  ],
  [
    'files still being written',
    'flow/steps/register/register.test.ts',
    'settled: a young file waits until it has not changed for the settle time',
  ],
  [
    'transfers cancelled by hand',
    'slow/transfer-cancel.test.ts',
    'is stopped by the hold alone: a cancel that was killed after it',
  ],
  [
    'drained before a downtime',
    'slow/switches.test.ts',
    'drain stops submission; evict stops what runs and puts it back; after resume it is done',
  ],
];

test.each(ELSEWHERE)('%s: staged in %s', (_, file, title) => {
  expect(readFileSync(join(root, file), 'utf8')).toContain(title);
});
