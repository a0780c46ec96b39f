// What a step says that found nothing to do: what waits, for what, until when, and the command that does it now; and that
// the command does.
import { afterEach, expect, test } from 'vitest';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import { passState, type SubjobState } from '../../../src/lib/domain/jobs/states.ts';
import { idleEnqueue, idleRetry, idleSubmit, idleTransfer } from '../../../src/lib/flow/reports/idle.ts';
import { transfer } from '../../../src/lib/flow/steps/transfer/transfer.ts';
import { HOUR, iso } from '../../../src/lib/util/time.ts';
import { job } from '../../support/docs.ts';
import { closeWorlds, collect, type TestPorts, world } from '../../support/ports.ts';
import { changeDoc, completeRun } from '../../support/stored.ts';

afterEach(closeWorlds);

const NOW = Date.parse('2026-07-14T10:00:00.000Z');
const LATER = iso(NOW + HOUR);
const at = (): Promise<TestPorts> =>
  world({ now: () => NOW, storages: ['sfu', 'ral'], config: { farms: { here: {} } } });

async function put(ports: TestPorts, state: SubjobState): Promise<void> {
  const doc: JobDoc = job();
  const subjobs = doc.subjobs.map((subjob) => ({ ...subjob, state }));
  const write = { ...doc, subjobs, state: passState(subjobs.map((one) => one.state)) };
  await ports.store.update(doc._id, () => ({ write }));
}

test('transfer: when the next try comes and why; --now does not wait for it', async () => {
  const ports = await at();
  await completeRun(ports, 1, 2);
  const failed = {
    state: 'failed',
    attempt: 1,
    failures: 1,
    since: iso(NOW - 1000),
    why: 'conflict',
    retryAt: LATER,
  } as const;
  await changeDoc(ports, 1, (doc) => ({
    ...doc,
    files: doc.files.map((file) => ({ ...file, replicas: { sfu: failed } })),
  }));
  expect(await collect(transfer(ports, { to: ['sfu'] }))).toEqual([]);
  expect(await idleTransfer(ports)).toBe(
    `nothing to do: 2 copies wait for their next try at ${LATER} (conflict, at sfu); now: dflow transfer --now`,
  );
  const copied = await collect(transfer(ports, { now: true }));
  expect(copied.filter(({ did }) => did === 'verified')).toHaveLength(4);
  expect(await idleTransfer(ports)).toBe('nothing to do: no copy is missing that may be made');
});

test('submit: what most jobs wait for, and the next try', async () => {
  const ports = await at();
  expect(await idleSubmit(ports)).toBe('nothing to do: no job waits');
  await put(ports, { name: 'waiting', since: iso(NOW), wake: { kind: 'on', id: 'data:L1:0000000012' } });
  expect(await idleSubmit(ports)).toBe(
    'nothing to do: Count waits for inputs at a storage element that the farm reads (2 subjobs). Next: dflow why --all',
  );
});

test('retry: what is tried again by itself, when, and how it is done now', async () => {
  const ports = await at();
  expect(await idleRetry(ports)).toContain('no selected job has failed. Next: dflow list jobs --state all');
  await put(ports, { name: 'held', since: iso(NOW), reason: 'memory', until: LATER });
  expect(await idleRetry(ports)).toBe(
    `nothing to do: no selected job has failed; 2 subjobs are tried again by themselves, the next at ${LATER}; now: dflow retry --state held`,
  );
});

test('enqueue: which runs wait, and for what', async () => {
  const ports = await at();
  expect(await idleEnqueue(ports)).toBe('nothing to do: every complete run has its passes');
  await completeRun(ports, 1, 1);
  expect(await idleEnqueue(ports)).toMatch(/^nothing to do: 1 run waits, such as 1 \(module: .*\)\. Next: /);
});
