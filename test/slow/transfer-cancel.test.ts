// Transfers that are cancelled while they run: by another process, at any point, of raw files, of outputs and of repairs.
// What was under way stops within seconds, leaves no partial file, and goes on after `resume`.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { cancelTransfers } from '../../src/lib/flow/copies/claims/cancel.ts';
import { transfer } from '../../src/lib/flow/steps/transfer/transfer.ts';
import { FILES_AT_ONCE } from '../../src/lib/flow/steps/transfer/transferdue.ts';
import { verify } from '../../src/lib/flow/steps/verify/verify.ts';
import { pause, resume } from '../../src/lib/flow/switches/holds.ts';
import { closeWorlds, collect, type PortsOptions, readRun, type TestPorts, world } from '../support/ports.ts';
import {
  below,
  completeRun,
  copyPath,
  DAMAGES,
  outputPath,
  outputsOf,
  readJob,
  storedPass,
  storedRuns,
} from '../support/stored.ts';

afterEach(closeWorlds);

async function until(true_: () => boolean, seconds = 300): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !true_(); await sleep(20)) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${true_}`);
  }
}

/** A world whose copies take 30 s, and the same one without that, as another host would see it. */
async function slow(options: PortsOptions = {}, bandwidth = 200_000): Promise<{ ports: TestPorts; other: TestPorts }> {
  const ports = await world(options);
  const { settings } = ports;
  const slower = { ...settings, transfer: { ...settings.transfer, bandwidth } };
  return { ports: { ...ports, settings: slower }, other: ports };
}

const cancel = (ports: TestPorts, scope = {}) => collect(cancelTransfers(ports, scope, { why: 'moved' }));

describe('what is stopped', () => {
  test('is stopped by the hold alone: a cancel that was killed after it', async () => {
    const { ports, other } = await slow({ storages: ['sfu'] });
    await completeRun(ports, 1, 2, 6_000_000);
    const items = collect(transfer(ports));
    await until(() => below(join(ports.folder, 'se')).length === 2);
    await collect(pause(other, { what: 'transfer', scope: { runs: [[1, 1]] }, why: 'moved' }));
    expect((await items).map(({ did }) => did)).toEqual(['canceled', 'canceled']);
    expect(below(join(ports.folder, 'se'))).toEqual([]);
    const [first] = (await readRun(ports, 1)).files;
    expect(first?.replicas.sfu).toMatchObject({ state: 'failed', why: 'canceled: moved' });
  });

  test('what came later in the same call is not begun; an older hold is not heeded twice', async () => {
    const { ports, other } = await slow({
      storages: ['sfu'],
      config: { transfer: { parallel: 1, perStorage: 1, lease: '1 min', retry: '1 min' } },
    });
    // More than one batch.
    await completeRun(ports, 1, 1, 6_000_000);
    await completeRun(ports, 2, FILES_AT_ONCE + 1, 10);
    const items = collect(transfer(ports));
    await until(() => below(join(ports.folder, 'se')).length === 1);
    const holds = await cancel(other);
    expect((await items).map(({ did }) => did)).toEqual(['canceled']);
    expect(below(join(ports.folder, 'se'))).toEqual([]);
    await collect(resume(other, [String(holds[0]!.ref)], 'done'));
    expect((await collect(transfer(other))).filter(({ did }) => did === 'verified')).toHaveLength(FILES_AT_ONCE + 2);
  });

  test('a copy of outputs by rule', async () => {
    const rules = { outputs: [{ type: 'root', to: ['fnal'], keep: true }] };
    const { ports, other } = await slow({ storages: ['sfu', 'fnal'], config: rules }, 500);
    const pass = await storedPass(ports);
    const items = collect(transfer(ports));
    await until(() => below(join(ports.folder, 'se', 'fnal')).length > 0);
    expect(await cancel(other, { storages: ['fnal'] })).toMatchObject([
      { kind: 'hold' },
      { kind: 'replica', ref: expect.stringContaining('/Count/'), storage: 'fnal', did: 'canceled' },
    ]);
    expect((await items).map(({ did }) => did)).toEqual(pass.subjobs.map(() => 'canceled'));
    expect(below(join(ports.folder, 'se', 'fnal'))).toEqual([]);
    expect((await readJob(ports, pass)).copies?.fnal).toMatchObject({ why: 'canceled: moved' });
    expect(await collect(transfer(other))).toEqual([]);
  });

  test.each([
    'raw file',
    'output',
  ])('a repair (%s): the bad copy stays bad, and is mended by the next call', async (what) => {
    const { ports, other } = await slow(
      { storages: ['sfu', 'fnal'], config: { outputs: [{ type: 'root', to: ['fnal'], keep: true }] } },
      500,
    );
    let path = '';
    if (what === 'output') {
      const pass = await storedPass(other);
      await collect(transfer(other));
      path = outputPath(other, { storage: 'fnal', path: outputsOf(pass)[0]!.path });
    } else {
      await storedRuns(other, [1], 1, 5000);
      path = copyPath(other, 'fnal', 1);
    }
    await DAMAGES.missing(path);
    await collect(verify(other));
    const there = below(join(ports.folder, 'se', 'fnal')).length;
    const items = collect(verify(ports, { repair: true }));
    await until(() => below(join(ports.folder, 'se', 'fnal')).length > there);
    await cancel(other, { storages: ['fnal'] });
    const done = (await items).map(({ did }) => did);
    expect(done).not.toContain('repaired');
    expect(below(join(ports.folder, 'se', 'fnal'))).toHaveLength(there);
    expect((await collect(verify(other, { repair: true }))).map(({ did }) => did)).toContain('repaired');
  });
});

describe('what is not there cannot be cancelled', () => {
  const why = 'x';

  test('a run that is not registered makes no hold; those that are do', async () => {
    const ports = await world({ storages: ['sfu'] });
    await storedRuns(ports, [1, 2]);
    const none = await collect(cancelTransfers(ports, { runs: [[99, 99]] }, { why }));
    expect(none).toMatchObject([{ ref: '99', did: 'unknown', failed: true, next: 'dflow list runs' }]);
    expect(await ports.store.range({ start: 'hold:', end: 'hold:z' })).toEqual([]);
    const runs = [
      [2, 2],
      [99, 120],
    ] as const;
    const some = await collect(cancelTransfers(ports, { runs }, { why }));
    expect(some.map(({ did }) => did)).toEqual(['unknown', 'paused']);
    expect(await ports.store.range({ start: 'hold:', end: 'hold:z' })).toMatchObject([{ scope: { runs: [[2, 2]] } }]);
  });

  test.each([
    [{ storages: ['sfx'] }, 'did you mean sfu?'],
    [{ levels: ['L3'] }, 'did you mean L1?'],
  ])('%j is a mistake', async (scope, words) => {
    const ports = await world({ storages: ['sfu'] });
    await expect(collect(cancelTransfers(ports, scope, { why }))).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining(words),
    });
  });
});
