// Deleting outputs over a real store and a real folder: receipt first, catalogue next, bytes last.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import type { Ports } from '../../../src/lib/flow/ports.ts';
import { status } from '../../../src/lib/flow/reports/status/status.ts';
import { type DeleteOptions, deleteOutputs } from '../../../src/lib/flow/steps/delete/delete.ts';
import type { Storage } from '../../../src/lib/storage.ts';
import { UnreachableError, UsageError } from '../../../src/lib/util/errors.ts';
import { readReceipt } from '../../../src/lib/util/files/receipt.ts';
import { job, module } from '../../support/docs.ts';
import { closeWorlds, collect, type PortsOptions, T0, type TestPorts, world } from '../../support/ports.ts';
import { readJob, storedPass } from '../../support/stored.ts';

const atSfu = (options: PortsOptions = {}): Promise<TestPorts> => world({ storages: ['sfu'], ...options });
afterEach(closeWorlds);

function onDisk(ports: TestPorts): string[] {
  const root = join(ports.folder, 'se', 'sfu');
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

const run = (ports: Ports, jobs: readonly JobDoc[], options: DeleteOptions = {}) =>
  collect(deleteOutputs(ports, jobs, options));
const receipts = (ports: TestPorts): string[] =>
  existsSync(join(ports.folder, '.dflow', 'receipts')) ? readdirSync(join(ports.folder, '.dflow', 'receipts')) : [];

test('a type goes and the pass stays; the rest goes and the pass is deleted, each with its receipt', async () => {
  const ports = await atSfu();
  const doc = await storedPass(ports);
  const dry = await run(ports, [doc], { dryRun: true });
  expect(dry).toMatchObject([{ did: 'deleted', outputs: 4, bytes: 20_000, dryRun: true }]);
  expect(onDisk(ports)).toHaveLength(4);
  expect(receipts(ports)).toEqual([]);

  expect(await run(ports, [doc], { types: ['soc'] })).toMatchObject([{ did: 'deleted', outputs: 2, bytes: 10_000 }]);
  expect(onDisk(ports).every((path) => path.endsWith('.root'))).toBe(true);
  const half = await readJob(ports, doc);
  expect(half.state).toBe('completed');
  expect(half.subjobs.map(({ state }) => state.name === 'completed' && state.outputs.map(({ type }) => type))).toEqual([
    ['root'],
    ['root'],
  ]);

  expect(await run(ports, [half], { why: 'wrong optics' })).toMatchObject([{ did: 'deleted', outputs: 2 }]);
  expect(onDisk(ports)).toEqual([]);
  const gone = await readJob(ports, doc);
  expect(gone.state).toBe('deleted');
  expect(gone.history.at(-1)).toMatchObject({ to: 'deleted', why: expect.stringContaining('wrong optics') });
  expect(receipts(ports)).toHaveLength(2);
  const { receipt } = gone.subjobs[0]!.state as { receipt: string };
  const lines = await readReceipt(ports.folder, receipt);
  expect(lines.map(({ path }) => path)).toEqual([
    expect.stringContaining('e0/Count_s0.root'),
    expect.stringContaining('e1/Count_s1.root'),
  ]);
  expect(await run(ports, [gone])).toEqual([]);
});

test('what an open pass needs, and what may run, is kept; an unknown type is a usage error', async () => {
  const ports = await atSfu();
  const doc = await storedPass(ports);
  const user = job({ module: module('Plot', { needs: ['Count'] }), needs: [doc] });
  await ports.store.update<JobDoc>(user._id, () => ({ write: user }));
  expect(await run(ports, [doc])).toMatchObject([{ did: 'kept', failed: true, text: expect.stringContaining('Plot') }]);
  const lock = { site: 's', epoch: 1, claim: 'c', index: 0 };
  const running = { name: 'running', since: T0, lock, backendId: '1' } as const;
  const busy: JobDoc = { ...user, subjobs: user.subjobs.map((subjob) => ({ ...subjob, state: running })) };
  expect(await run(ports, [busy])).toMatchObject([{ did: 'kept', next: expect.stringContaining('dflow cancel') }]);
  await expect(run(ports, [doc], { types: ['rot'] })).rejects.toThrow(UsageError);
  expect(onDisk(ports)).toHaveLength(4);
  expect(receipts(ports)).toEqual([]);
});

test('a pass that has been made anew since it was selected is kept', async () => {
  const ports = await atSfu();
  const doc = await storedPass(ports);
  await ports.store.update<JobDoc>(doc._id, (now) => {
    const subjobs = now!.subjobs.map((subjob) => {
      if (subjob.state.name !== 'completed') return subjob;
      const outputs = subjob.state.outputs.map((output) => ({ ...output, path: `${output.path}.new` }));
      return { ...subjob, state: { ...subjob.state, outputs } };
    });
    return { write: { ...now!, subjobs } };
  });
  expect(await run(ports, [doc])).toMatchObject([{ did: 'kept', failed: true }]);
  expect(onDisk(ports)).toHaveLength(4);
});

test('bytes that could not be removed are removed when it is asked for again', async () => {
  let down = true;
  const ports = await atSfu({
    wrap: (storage: Storage) =>
      new Proxy(storage, {
        get(target, key) {
          const value = Reflect.get(target, key) as unknown;
          if (typeof value !== 'function') return value;
          if (key === 'remove' && down) return () => Promise.reject(new UnreachableError('sfu is down'));
          return value.bind(target);
        },
      }),
  });
  const doc = await storedPass(ports);
  expect(await run(ports, [doc])).toMatchObject([
    { did: 'deleted', failed: true, next: expect.stringContaining('--state deleted') },
  ]);
  const gone = await readJob(ports, doc);
  expect(gone.state).toBe('deleted');
  expect(onDisk(ports)).toHaveLength(4);
  const left = (await status(ports)).needYou.find(({ way }) => way === 'undeleted');
  expect(left).toMatchObject({ text: expect.stringContaining('whose bytes are left'), next: 'dflow why 12/Count/1' });
  down = false;
  expect(await run(ports, [gone])).toMatchObject([{ did: 'deleted' }]);
  expect(onDisk(ports)).toEqual([]);
  expect((await readJob(ports, doc)).undeleted).toBeUndefined();
  expect((await status(ports)).needYou.map(({ way }) => way)).not.toContain('undeleted');
});
