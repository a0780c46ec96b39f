// A store is lost, and made again from the files of real folders: what had ended is known again, and no pass is made or
// submitted a second time.
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Backend } from '../../../src/lib/backend.ts';
import type { DataDoc } from '../../../src/lib/domain/data/data.ts';
import { guidOf, outputLfn } from '../../../src/lib/domain/data/identity.ts';
import type { HoldDoc } from '../../../src/lib/domain/hold.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import type { Output } from '../../../src/lib/domain/jobs/states.ts';
import type { RunDoc } from '../../../src/lib/domain/runs/run.ts';
import { outputFolder, outputNames } from '../../../src/lib/flow/jobs/spec.ts';
import type { Item } from '../../../src/lib/flow/ports.ts';
import { enqueue } from '../../../src/lib/flow/steps/enqueue/enqueue.ts';
import { checkStore } from '../../../src/lib/flow/steps/keeping/check.ts';
import { type RebuildOptions, rebuild } from '../../../src/lib/flow/steps/rebuild/rebuild.ts';
import { verify } from '../../../src/lib/flow/steps/verify/verify.ts';
import { idsWith, type Store } from '../../../src/lib/store.ts';
import { open as openSqlite } from '../../../src/lib/stores/sqlite/sqlite.ts';
import { UnreachableError } from '../../../src/lib/util/errors.ts';
import type { ResultRecord } from '../../../src/lib/wrapper/record.ts';
import { adler32 } from '../../contracts/storage.ts';
import { module, moduleFile, T0 } from '../../support/docs.ts';
import { Memory } from '../../support/memory-backend.ts';
import { closeWorlds, collect, replacing, type TestPorts, world } from '../../support/ports.ts';
import { rawName, storedRuns } from '../../support/stored.ts';

const modules = {
  '1.0': moduleFile([module('Count'), module('Sum', { needs: ['Count'], level: 'run' })], { any: ['Count', 'Sum'] }),
};

let ports: TestPorts;
let records: ResultRecord[];
const stores: Store[] = [];

beforeEach(async () => {
  records = [];
  const config = { automatic: { version: '1.0' }, farms: { here: { slots: 2 } } };
  const made = await world({ storages: ['disk', 'tape'], around: { modules }, config });
  const backend = replacing<Backend>(new Memory('here'), { kept: async () => records });
  ports = { ...made, backend: async () => backend };
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await closeWorlds();
});

/** Makes the passes that are due, and completes each as its jobs would, with outputs on disk and a record. */
async function processed(): Promise<void> {
  await collect(enqueue(ports));
  for (const job of await docs<JobDoc>(ports, 'job:')) {
    const subjobs = await Promise.all(
      job.subjobs.map(async (subjob) => {
        const execution = `e${job.module}${job.run}x${subjob.index}`;
        const outputs: Output[] = [];
        for (const { type, name } of outputNames(job, subjob)) {
          const path = `${outputFolder(job)}/${execution}/${name}`;
          await put('disk', path, name);
          const lfn = outputLfn('test', job.version, job.module, job.run, name);
          const sum = { size: name.length, adler32: adler32(Buffer.from(name)) };
          outputs.push({ type, name, storage: 'disk', path, ...sum, guid: guidOf('test', lfn), lfn });
        }
        const lock = { site: 'here', epoch: 0, claim: `c${job.module}${job.run}`, index: subjob.index };
        const said = outputs.map((one) => ({ ...one, checksum: `adler32:${one.adler32}` }));
        const key = `${lock.claim}.${lock.index}`;
        records.push({ key, execution, phase: 'done', exit: 0, reason: '', wall: 3, host: 'w1', outputs: said });
        const usage = { wall: 3, host: 'w1' };
        return {
          ...subjob,
          attempt: 1,
          state: { name: 'completed', since: T0, lock, execution, outputs, usage } as const,
        };
      }),
    );
    await ports.store.update<JobDoc>(job._id, (doc) => ({ write: { ...doc!, subjobs, state: 'completed' } }));
  }
}

async function put(storage: string, path: string, text: string): Promise<void> {
  const full = join(ports.folder, 'se', storage, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, text);
}

async function docs<D extends DataDoc | JobDoc | RunDoc>(on: TestPorts, prefix: string): Promise<D[]> {
  return on.store.range<D>(idsWith(prefix));
}

/** The same world, its store lost. */
async function afterLoss(): Promise<TestPorts> {
  const store = await openSqlite(`sqlite:${join(ports.folder, `new${stores.length}.db`)}`, { write: 'setup' });
  await store.setup('test');
  stores.push(store);
  return { ...ports, store };
}

const failed = (items: readonly { readonly failed?: boolean | undefined }[]) => items.filter((item) => item.failed);

const rebuilt = (on: TestPorts, options?: RebuildOptions) => collect(rebuild(on, options));

/** What of the catalogue does not depend on when it was written. */
async function catalogue(on: TestPorts) {
  const data = await docs<DataDoc>(on, 'data:');
  const jobs = await docs<JobDoc>(on, 'job:');
  return {
    data: data.map(({ _id, level, keep, done, host, files }) => ({
      ...{ _id, level, keep, done, host },
      files: files.map(({ name, path, subrun, size, adler32: sum, replicas }) => ({
        ...{ name, path, subrun, size, sum },
        replicas: Object.entries(replicas).map(([at, one]) => [at, one.state, 'path' in one ? one.path : '']),
      })),
    })),
    jobs: jobs.map(({ _id, version, level, state, needs, outputs, subjobs }) => ({
      ...{ _id, version, level, state, needs, outputs },
      subjobs: subjobs.map(({ index, subrun, inputs, attempt, state: { since, ...one } }) => ({
        ...{ index, subrun, inputs, attempt },
        one,
      })),
    })),
  };
}

test('runs, copies and passes are what they were; no pass is made or submitted again; verify finds nothing wrong', async () => {
  await storedRuns(ports, [12, 13, 14]);
  await processed();
  for (const run of [12, 13]) await rm(join(ports.folder, 'buffer', 'L1', rawName(run)));
  const before = await catalogue(ports);
  expect(before.jobs.map(({ _id }) => _id)).toHaveLength(6);

  const on = await afterLoss();
  const items = await rebuilt(on);
  expect(failed(items)).toEqual([]);
  expect(await catalogue(on)).toEqual(before);
  const [first] = await docs<DataDoc>(on, 'data:');
  expect(first?.files.map(({ original }) => original.state)).toEqual(['purged', 'present']);
  expect(items).toContainEqual(
    expect.objectContaining({
      kind: 'run',
      ref: '12',
      did: 'restored',
      text: expect.stringContaining('2 files, 2 at disk, 2 at tape, 1 on the buffer'),
    }),
  );
  expect(items).toContainEqual(
    expect.objectContaining({
      ref: '12/Count/1',
      did: 'restored',
      state: 'completed',
      text: expect.stringContaining('2 result records'),
    }),
  );
  const hold = (await on.store.get<HoldDoc>(['hold:rebuilt'])).get('hold:rebuilt');
  expect(hold).toMatchObject({ what: 'pause', scope: { sites: ['*'] } });

  // Twelve and thirteen are complete, since later runs exist: all of their passes exist.
  const runs = await docs<RunDoc>(on, 'run:');
  expect(runs.filter(({ levels }) => levels.L1?.complete).map(({ run }) => run)).toEqual([12, 13]);
  expect((await collect(enqueue(on))).filter(({ did }) => did === 'made')).toEqual([]);
  expect(await catalogue(on)).toEqual(before);
  expect(failed(await collect(checkStore(on.store)))).toEqual([]);
  // Again: nothing is new.
  expect((await rebuilt(on)).filter(({ did, kind }) => did === 'restored' && kind !== 'store')).toEqual([]);
  expect(await catalogue(on)).toEqual(before);

  const checked = await collect(verify(on));
  expect(failed(checked)).toEqual([]);
});

test('without records and module file, outputs alone prove a pass', async () => {
  await storedRuns(ports, [12, 13]);
  await processed();
  records = [];
  const on = { ...(await afterLoss()), settings: { ...ports.settings, modules: {} } };
  expect(failed(await rebuilt(on))).toEqual([]);
  const jobs = await docs<JobDoc>(on, 'job:');
  expect(jobs.map(({ _id, state, subjobs }) => [_id, state, subjobs.length])).toEqual([
    ['job:0000000012:Count:001', 'completed', 2],
    ['job:0000000012:Sum:001', 'completed', 1],
    ['job:0000000013:Count:001', 'completed', 2],
    ['job:0000000013:Sum:001', 'completed', 1],
  ]);
});

test('what cannot be whole is said: a lost output, a damaged copy, a record whose outputs are gone', async () => {
  await storedRuns(ports, [12, 13]);
  await processed();
  await rm(join(ports.folder, 'se/disk/outputs/Count/0000000012/p001/eCount12x1'), { recursive: true });
  await rm(join(ports.folder, 'se/disk/outputs/Sum/0000000013'), { recursive: true });
  const [data] = await docs<DataDoc>(ports, 'data:');
  const replica = data?.files[0]?.replicas.tape;
  await put('tape', replica && 'path' in replica ? replica.path : '', 'damaged');
  const on = await afterLoss();
  const items = await rebuilt(on);
  expect(failed(items)).toMatchObject([
    { kind: 'file', did: 'changed', run: 12, text: expect.stringContaining('tape:') },
  ]);
  const states = (await docs<JobDoc>(on, 'job:')).map(({ _id, state }) => `${_id.slice(-13)} ${state}`);
  expect(states).toEqual([
    '012:Count:001 partFail',
    '00012:Sum:001 completed',
    '013:Count:001 completed',
    '00013:Sum:001 failed',
  ]);
});

test('jobs of the lost store that still run are named; when they have ended, the same call takes in what they made', async () => {
  await storedRuns(ports, [12, 13]);
  await processed();
  const late = join(ports.folder, 'se/disk/outputs/Sum/0000000013');
  await rename(late, join(ports.folder, 'late'));
  const all = records;
  records = all.filter(({ execution }) => execution !== 'eSum13x0');
  const former = new Memory('here');
  former.keys.set('cSum13.0', 'running');
  const on = { ...(await afterLoss()), formerBackends: async () => [former] };
  const items = await rebuilt(on);
  expect(failed(items)).toMatchObject([
    { kind: 'farm', ref: 'here', did: 'occupied', subjobs: 1, text: expect.stringContaining('cSum13.0') },
  ]);
  for (const item of [...failed(items), items.at(-1)])
    expect(item).toMatchObject({
      next: expect.stringContaining('when the jobs of the lost store have ended: dflow store rebuild'),
    });
  expect(former.canceled).toEqual([]);

  await rename(join(ports.folder, 'late'), late);
  records = all;
  former.keys.set('cSum13.0', 'ended');
  const again = await rebuilt(on);
  expect(failed(again)).toEqual([]);
  expect(again.filter(({ kind, did }) => kind === 'job' && did === 'restored').map(({ ref }) => ref)).toEqual([
    '13/Sum/1',
  ]);
  expect(again.at(-1)).toMatchObject({ next: expect.stringContaining('dflow verify') });
});

test('jobs of the lost store that are held never start: they are counted apart, and what removes them is said', async () => {
  await storedRuns(ports, [12]);
  const former = new Memory('here');
  former.keys.set('cSum12.0', 'held').set('cSum12.1', 'running');
  const on = { ...(await afterLoss()), formerBackends: async () => [former] };
  expect(failed(await rebuilt(on))).toMatchObject([
    {
      did: 'occupied',
      subjobs: 2,
      text: expect.stringContaining('1 of them is held and never starts'),
      next: expect.stringMatching(/^remove the held jobs with the batch system .*; when .*dflow store rebuild$/),
    },
  ]);
  expect(former.canceled).toEqual([]);
});

test('a farm that cannot be asked for its jobs is named', async () => {
  await storedRuns(ports, [12]);
  const backend = replacing<Backend>(new Memory('here'), {
    alive: async () => Promise.reject(new UnreachableError('squeue: no answer')),
  });
  const on = { ...(await afterLoss()), backend: async () => backend };
  expect(failed(await rebuilt(on))).toMatchObject([
    { kind: 'farm', did: 'unreadable', text: expect.stringContaining('squeue: no answer') },
  ]);
});

test('a record says the version of its pass; else the automatic one is assumed', async () => {
  await storedRuns(ports, [12, 13]);
  await processed();
  records = records.map((one) => (one.execution.includes('Count12') ? { ...one, version: '0.9' } : one));
  const on = await afterLoss();
  expect(failed(await rebuilt(on))).toEqual([]);
  const jobs = await docs<JobDoc>(on, 'job:');
  expect(jobs.map(({ run, module, version }) => `${run} ${module} ${version}`)).toEqual([
    '12 Count 0.9',
    '12 Sum 1.0',
    '13 Count 1.0',
    '13 Sum 1.0',
  ]);
});

test('a store with runs is refused, and with its name gets what an old backup lacks', async () => {
  await storedRuns(ports, [12, 13]);
  await processed();
  const [waiting] = await docs<JobDoc>(ports, 'job:');
  const subjobs = waiting!.subjobs.map((subjob) => ({
    ...subjob,
    state: { name: 'waiting', since: T0, wake: { kind: 'ready' } } as const,
  }));
  await ports.store.update<JobDoc>(waiting!._id, (doc) => ({ write: { ...doc!, subjobs, state: 'waiting' } }));
  await ports.store.update('job:0000000013:Sum:001', () => ({ remove: true }));
  await expect(rebuilt(ports)).rejects.toMatchObject({ hint: expect.stringContaining('--force test') });
  await expect(rebuilt(ports, { force: 'other' })).rejects.toThrow("not 'other'");
  const items = await rebuilt(ports, { force: 'test' });
  expect(
    items.filter(({ kind, did }) => kind === 'job' && did === 'restored').map(({ ref, state }) => [ref, state]),
  ).toEqual([
    ['12/Count/1', 'completed'],
    ['13/Sum/1', 'completed'],
  ]);
});

test('a dry run says the same and writes nothing; an element that cannot be listed stops all', async () => {
  await storedRuns(ports, [12, 13]);
  await processed();
  const on = await afterLoss();
  const { documents } = await on.store.info();
  const said = await rebuilt(on, { dryRun: true });
  expect((await on.store.info()).documents).toBe(documents);
  await rename(join(ports.folder, 'se', 'tape'), join(ports.folder, 'away'));
  await expect(rebuilt(on)).rejects.toThrow('tape');
  expect((await on.store.info()).documents).toBe(documents);
  await rename(join(ports.folder, 'away'), join(ports.folder, 'se', 'tape'));
  const told = (items: readonly Pick<Item, 'kind' | 'ref' | 'did'>[]) =>
    items.map(({ kind, ref, did }) => `${kind} ${ref} ${did}`);
  expect(told(await rebuilt(on))).toEqual(told(said));
});
