// Tables as outputs when monitor was killed between completing a job and loading what it produced: the record is still
// there, and whoever meets it next loads them; where they cannot be read now, the record stays.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Backend } from '../../../../src/lib/backend.ts';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import type { TableDoc } from '../../../../src/lib/flow/jobs/tables/documents.ts';
import type { Ports } from '../../../../src/lib/flow/ports.ts';
import { applyObservations } from '../../../../src/lib/flow/steps/monitor/monitor.ts';
import type { Storage } from '../../../../src/lib/storage.ts';
import { idsWith } from '../../../../src/lib/store.ts';
import { UnreachableError } from '../../../../src/lib/util/errors.ts';
import { farm, job, module, T0 } from '../../../support/docs.ts';
import { collect, makePorts, replacing, type TestPorts } from '../../../support/ports.ts';

const TABLE = '{ type: "FIT", version: 1, run_range: [12, 12], pass: 0, value: 42 }\n';
const path = 'outputs/Fit/x.ratdb';
const key = 'abc.0';
const record = { key, execution: 'e', phase: 'done', exit: 0, reason: '', wall: 1, host: 'w', outputs: [] };

let base: TestPorts;
let down: boolean;
let fault: Error | undefined;
let acknowledged: string[];

beforeEach(async () => {
  down = false;
  fault = undefined;
  acknowledged = [];
  const wrap = (storage: Storage): Storage =>
    replacing(storage, {
      read: async (...asked) => {
        if (fault) throw fault;
        if (down) throw new UnreachableError('down');
        return storage.read(...asked);
      },
    });
  base = await makePorts({ storages: ['disk'], wrap });
});
afterEach(() => base.remove());

function ports(): Ports {
  const backend = {
    identity: async () => ({ cluster: 'c', user: 'u' }),
    acknowledge: async (records: readonly { key: string }[]) => {
      acknowledged.push(...records.map((one) => one.key));
    },
  } as Partial<Backend> as Backend;
  const settings = { ...base.settings, farms: [farm('here')], farm: 'here' };
  return { ...base, settings, backend: async () => backend };
}

/** A job that is completed by `record`, with its file of tables at the storage element. */
async function completed(text: string): Promise<JobDoc> {
  const file = join(base.settings.storages[0]!.url, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  const made = job({ module: module('Fit', { level: 'run', outputs: { ratdb: 'fit.ratdb' } }) });
  const lock = { site: 'here', epoch: 1, claim: 'abc', index: 0 };
  const output = { type: 'ratdb', name: 'x.ratdb', storage: 'disk', path, size: text.length };
  const outputs = [{ ...output, adler32: '00000001', guid: 'g', lfn: 'l' }];
  const state = { name: 'completed', since: T0, lock, execution: 'e', outputs, usage: {} } as const;
  const doc: JobDoc = { ...made, subjobs: [{ ...made.subjobs[0]!, state }], state: 'completed' };
  await base.store.update(doc._id, () => ({ write: doc }));
  return doc;
}

const observe = (doc: JobDoc) => {
  const seen = { kind: 'observation', site: 'here', key, job: doc._id, subjob: 0, at: T0 } as const;
  return collect(applyObservations(ports(), [{ ...seen, state: 'recorded', record }]));
};
const tables = async () =>
  (await base.store.range<TableDoc>(idsWith('table:'))).map(({ name, first }) => [name, first]);

test('a record that is met again loads the tables, once', async () => {
  const doc = await completed(TABLE);
  expect(await observe(doc)).toMatchObject([{ kind: 'table', did: 'loaded', name: 'FIT' }]);
  expect(await tables()).toEqual([['FIT', 12]]);
  expect(acknowledged).toEqual([key]);
  expect(await observe(doc)).toEqual([]);
});

test('a storage element that is down leaves the record where it is', async () => {
  const doc = await completed(TABLE);
  down = true;
  expect(await observe(doc)).toMatchObject([{ did: 'not-loaded', failed: true }]);
  expect(acknowledged).toEqual([]);
  down = false;
  await observe(doc);
  expect(await tables()).toEqual([['FIT', 12]]);
  expect(acknowledged).toEqual([key]);
});

test('what does not parse is set aside with its place, and the record is put away', async () => {
  const doc = await completed('{ type: "FIT", \n run_range: }\n');
  const [item] = await observe(doc);
  expect(item).toMatchObject({ did: 'refused', failed: true, text: expect.stringMatching(/^x\.ratdb:2:\d+: /) });
  expect(await base.store.range(idsWith('quarantine:'))).toMatchObject([{ reason: 'bad-tables', run: 12 }]);
  expect(await tables()).toEqual([]);
  expect(acknowledged).toEqual([key]);
});

const nested = (depth: number): string =>
  `{ type: "FIT", run_range: [12, 12], x: ${'['.repeat(depth)}${']'.repeat(depth)} }`;

test.each([
  200, 20_000, 500_000,
])('a table nested %i levels deep is set aside, and the record is put away', async (depth) => {
  const doc = await completed(nested(depth));
  const [item] = await observe(doc);
  expect(item).toMatchObject({ did: 'refused', failed: true, text: expect.stringMatching(/levels|deep/) });
  expect(await base.store.range(idsWith('quarantine:'))).toMatchObject([{ reason: 'bad-tables', run: 12 }]);
  expect(acknowledged).toEqual([key]);
});

test('whatever else befalls the reading of an output concerns only its job', async () => {
  const doc = await completed(TABLE);
  fault = new RangeError('Invalid string length');
  expect(await observe(doc)).toMatchObject([
    { did: 'not-loaded', failed: true, text: expect.stringContaining('Invalid string length') },
  ]);
  expect(await base.store.range(idsWith('quarantine:'))).toMatchObject([{ reason: 'bad-tables', run: 12 }]);
  expect(acknowledged).toEqual([key]);
});
