// A batch system that answers with success and knows nothing of what it runs: a controller that lost its state.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unlisted } from '../../src/lib/backends/shared/folder/heartbeat.ts';
import type { ClaimDoc } from '../../src/lib/domain/farms/farm.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import type { Settings } from '../../src/lib/domain/settings.ts';
import { cancel } from '../../src/lib/flow/jobs/operate.ts';
import type { Ports } from '../../src/lib/flow/ports.ts';
import { unlock } from '../../src/lib/flow/steps/drain/drain.ts';
import { monitor } from '../../src/lib/flow/steps/monitor/monitor.ts';
import { submit } from '../../src/lib/flow/steps/submit/submit.ts';
import { idsWith } from '../../src/lib/store.ts';
import { farm, job, module, moduleFile, T0 } from '../support/docs.ts';
import { Memory } from '../support/memory-backend.ts';
import { collect, makePorts, type TestPorts } from '../support/ports.ts';

describe('a job that has started and is listed no more, heartbeats every second', () => {
  const look = (signs: object, runs = false) => unlisted({ record: false, ...signs }, 1_000, 'not listed', runs);
  test.each<[string, object, boolean, object]>([
    [
      'its heartbeat goes on',
      { beat: 2_000, started: 9e6 },
      false,
      { state: 'running', raw: 'not listed, but its heartbeat goes on' },
    ],
    ['just started, no heartbeat yet', { started: 2_000 }, false, { state: 'running' }],
    ['some beats missing', { beat: 5_000, started: 9e6 }, false, { state: 'ended', inferred: true }],
    ['some beats missing, accounting says that it runs', { beat: 5_000 }, true, { state: 'running' }],
    ['silent', { beat: 10_000, started: 9e6 }, false, { state: 'ended', raw: 'not listed, no heartbeat' }],
    ['silent, accounting has not noticed', { beat: 10_000, started: 9e6 }, true, { state: 'ended' }],
    ['never had a heartbeat', { started: 9e6 }, false, { state: 'ended', inferred: true }],
    ['never had one, accounting has not noticed', { started: 9e6 }, true, { state: 'ended', inferred: true }],
    ['it wrote its record', { started: 9e6, record: true }, false, { state: 'ended' }],
  ])('%s', (_, signs, runs, status) => {
    const found = look(signs, runs);
    expect(found).toMatchObject(status);
    expect(found.inferred).toBe('inferred' in status ? true : undefined);
  });
});

let now = 0;
let base: TestPorts;
let systems: Map<string, Memory>;
const MODULES = { '1.0': moduleFile([module('Count', { level: 'run', raw: false })], { any: ['Count'] }) };
const later = (minutes: number): void => {
  now += minutes * 60_000;
};

function at(site: string, more: Partial<Settings> = {}): Ports {
  const farms = ['alpha', 'beta'].map((name) => ({ ...farm(name), output: [], reads: [] }));
  const settings = { ...base.settings, farms, modules: MODULES, farm: site, ...more };
  const backend = async (name: string) => systems.get(name)!;
  return { ...base, settings, host: `${site}1`, by: `test@${site}1`, backend };
}

beforeEach(async () => {
  now = Date.parse(T0);
  base = await makePorts({ now: () => now });
  systems = new Map(['alpha', 'beta'].map((name) => [name, new Memory(name)]));
});
afterEach(() => base.remove());

const alphaSystem = (): Memory => systems.get('alpha')!;
const jobs = (): Promise<JobDoc[]> => base.store.range<JobDoc>(idsWith('job:'));
const names = async (): Promise<string[]> => (await jobs()).map(({ subjobs: [first] }) => first!.state.name);
const claims = (): Promise<ClaimDoc[]> => base.store.range<ClaimDoc>(idsWith('claim:'));

/** Jobs of so many runs, at work at alpha. */
async function atWork(runs: number): Promise<Ports> {
  for (let run = 1; run <= runs; run++) {
    const made = job({ run, module: module('Count', { level: 'run', raw: false }) });
    await base.store.update(made._id, () => ({ write: { ...made, hash: base.settings.hash } }));
  }
  const alpha = at('alpha');
  await collect(submit(alpha));
  await collect(monitor(alpha));
  expect(await names()).toEqual(Array(runs).fill('running'));
  later(10);
  return alpha;
}

test('many of a site at once: a site fault, and nothing is lost, however often it is looked at', async () => {
  const alpha = await atWork(6);
  alphaSystem().forgotten = true;
  for (let round = 0; round < 5; round++) {
    expect(await collect(monitor(alpha))).toMatchObject([{ did: 'site-fault', absent: 6, asked: 6 }]);
    later(10);
  }
  expect(await names()).toEqual(Array(6).fill('running'));
});

test('one: lost only when it is missing twice, grace apart; seen in between, it is at work', async () => {
  const alpha = await atWork(1);
  for (const forgotten of [true, false, true]) {
    alphaSystem().forgotten = forgotten;
    await collect(monitor(alpha));
    later(5);
  }
  expect(await names()).toEqual(['running']);
  await collect(monitor(alpha));
  expect((await jobs())[0]!.subjobs[0]!.lastFailure).toMatchObject({ cause: 'lost' });
});

test('a cancel is confirmed by what is seen, not by what is not', async () => {
  const alpha = await atWork(1);
  await collect(cancel(alpha, await jobs()));
  alphaSystem().forgotten = true;
  await collect(monitor(alpha));
  expect(await names()).toEqual(['running']);
  alphaSystem().forgotten = false;
  await collect(monitor(alpha));
  expect(alphaSystem().keys.get([...alphaSystem().keys.keys()][0]!)).toBe('ended');
  await collect(monitor(alpha));
  expect(await names()).toEqual(['canceled']);
});

describe('an attempt that was given up', () => {
  async function givenUp(): Promise<{ readonly alpha: Ports; readonly key: string }> {
    const alpha = await atWork(1);
    const [key] = [...alphaSystem().keys.keys()];
    await collect(unlock(at('beta'), 'alpha', 'it will not come back'));
    await collect(submit(at('beta')));
    alphaSystem().forgotten = true;
    return { alpha, key: key! };
  }

  test('is asked for until it is missing twice, and stopped when it is seen again', async () => {
    const { alpha, key } = await givenUp();
    await collect(monitor(alpha));
    expect(await claims()).toContainEqual(
      expect.objectContaining({ site: 'alpha', unseen: { 0: expect.any(String) } }),
    );
    alphaSystem().forgotten = false;
    later(5);
    await collect(monitor(alpha));
    expect(alphaSystem().keys.get(key)).toBe('ended');
    await collect(monitor(alpha));
    expect(await claims()).toContainEqual(expect.objectContaining({ site: 'alpha', settled: [0], unseen: {} }));
  });

  test('and that was taken for gone is stopped all the same when it turns up', async () => {
    const { alpha, key } = await givenUp();
    for (let round = 0; round < 2; round++) {
      await collect(monitor(alpha));
      later(5);
    }
    expect(await claims()).toContainEqual(expect.objectContaining({ site: 'alpha', settled: [0] }));
    alphaSystem().forgotten = false;
    await collect(monitor(alpha));
    expect(alphaSystem().keys.get(key)).toBe('ended');
    expect(systems.get('beta')!.canceled).toEqual([]);
  });
});
