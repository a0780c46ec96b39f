// Holds said twice: what is new of why and until counts, what is not said anew stays, and the item says which. And a
// farm that takes nothing is seen wherever somebody may look for the reason.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HoldDoc } from '../../../src/lib/domain/hold.ts';
import { activeHolds } from '../../../src/lib/flow/jobs/openholds.ts';
import { KINDS } from '../../../src/lib/flow/reports/look/look.ts';
import { status } from '../../../src/lib/flow/reports/status/status.ts';
import { whyAll } from '../../../src/lib/flow/reports/why/all/whyall.ts';
import { drain } from '../../../src/lib/flow/steps/drain/drain.ts';
import { submit } from '../../../src/lib/flow/steps/submit/submit.ts';
import { pause, resume } from '../../../src/lib/flow/switches/holds.ts';
import { rowTable } from '../../../src/lib/render/rows.ts';
import { statusText } from '../../../src/lib/render/status.ts';
import { HOUR, plus } from '../../../src/lib/util/time.ts';
import { job, T0 } from '../../support/docs.ts';
import { found } from '../../support/items.ts';
import { collect, makePorts, type TestPorts } from '../../support/ports.ts';

let ports: TestPorts;
let now = Date.parse(T0);
beforeEach(async () => {
  now = Date.parse(T0);
  ports = await makePorts({ now: () => now, config: { farms: { here: {} } } });
});
afterEach(() => ports.remove());

const say = (why: string, more: { until?: string; dryRun?: boolean } = {}) =>
  collect(drain(ports, ['here'], { why, ...more }));
const at = (hours: number) => plus(T0, hours * HOUR);
const held = async (): Promise<HoldDoc | undefined> => (await activeHolds(ports.store, at(0)))[0];

test('a second drain takes the new reason and end, and says both', async () => {
  expect(await say('disk')).toMatchObject([{ did: 'paused', ref: 'hold:drain-here' }]);
  now += HOUR;
  const until = at(3);
  const text = `drain (farm here): cooling, until ${until}; before: disk`;
  expect(await say('cooling', { until })).toMatchObject([{ did: 'changed', text, until }]);
  expect(await held()).toMatchObject({ why: 'cooling', until, since: T0 });
});

test('all farms are closed together, one hold each', async () => {
  await ports.remove();
  ports = await makePorts({ now: () => now, config: { farms: { here: {}, there: {} } } });
  const names = ports.settings.farms.map(({ name }) => name);
  const items = await collect(drain(ports, names, { why: 'power cut' }));
  expect(items.map(({ did, ref }) => `${did} ${ref}`)).toEqual(['paused hold:drain-here', 'paused hold:drain-there']);
  await expect(collect(drain(ports, ['here', 'theer'], { why: 'x' }))).rejects.toThrow(/did you mean there/);
});

test('with nothing new it is unchanged, and the item has the why and until in force', async () => {
  const until = at(3);
  await say('disk', { until });
  const text = `drain (farm here): disk, until ${until}`;
  expect(await say('disk')).toMatchObject([{ did: 'unchanged', text, until }]);
  expect(await say('cooling')).toMatchObject([{ did: 'changed', until }]);
  expect(await held()).toMatchObject({ why: 'cooling', until });
});

test('what is no hold is not resumed, and stays as it is', async () => {
  const id = 'run:0000000001';
  await ports.store.update(id, () => ({ write: { _id: id, kind: 'run', v: 1 } }));
  const before = (await ports.store.get([id])).get(id);
  expect(await collect(resume(ports, [id], 'x'))).toMatchObject([{ did: 'unknown', failed: true }]);
  expect((await ports.store.get([id])).get(id)).toEqual(before);
});

test('a dry run says the same and changes nothing', async () => {
  await say('disk');
  expect(await say('cooling', { dryRun: true })).toMatchObject([{ did: 'changed', dryRun: true }]);
  expect(await say('disk', { dryRun: true })).toMatchObject([{ did: 'unchanged', dryRun: true }]);
  expect(await held()).toMatchObject({ why: 'disk' });
});

test('one whose time is over, though nobody has ended it yet, is put anew', async () => {
  await say('disk', { until: at(1) });
  now += 2 * HOUR;
  expect(await say('disk')).toMatchObject([{ did: 'paused' }]);
  const hold = await held();
  expect(hold).toMatchObject({ why: 'disk', since: at(2) });
  expect(hold?.until).toBeUndefined();
});

describe('a drained farm is seen', () => {
  const farms = () => found(KINDS.farms(ports, { pass: 'last' }));
  const reasons = async () => (await found(whyAll(ports))).filter(({ gate }) => gate === 'drained');
  const until = at(3);
  const next = 'dflow resume hold:drain-here';
  beforeEach(async () => {
    const doc = job();
    await ports.store.update(doc._id, () => ({ write: doc }));
    const identity = { cluster: 'c', user: 'u' };
    const known = { kind: 'farm', v: 1, site: 'here', backend: 'local', epoch: 1, identity, heartbeat: T0 } as const;
    await ports.store.update('farm:here', () => ({
      write: { _id: 'farm:here', ...known, host: 'h', slots: 2 } as never,
    }));
  });

  test('by none while nothing is drained', async () => {
    expect(await reasons()).toEqual([]);
    expect(await farms()).toMatchObject([{ ref: 'here', state: 'ok' }]);
    expect((await status(ports)).farms[0]).not.toHaveProperty('drained');
  });

  test('by why --all, with what is ready and does not go, and the command that ends it', async () => {
    await say('downtime', { until });
    expect(await collect(submit(ports))).toMatchObject([
      { did: 'drained', text: `drain: downtime, until ${until}`, next },
    ]);
    const text = `here takes no jobs: drain: downtime (test@buffer1), until ${until}`;
    expect(await reasons()).toMatchObject([{ ref: 'here', count: 2, unit: 'subjobs', text, next }]);
  });

  test('by list farms', async () => {
    await say('downtime', { until });
    expect(await farms()).toMatchObject([{ ref: 'here', state: 'drained', why: 'downtime', until, next }]);
    expect(rowTable('farms', await farms(), 200)).toMatch(/ drained .* downtime .* dflow resume hold:drain-here/);
  });

  test('by the FARMS of status', async () => {
    await say('downtime', { until });
    const page = await status(ports);
    expect(page.farms).toMatchObject([{ site: 'here', drained: { why: 'downtime', until, next } }]);
    expect(statusText(page)).toMatch(/FARMS.* drained until .*: downtime.*\(dflow resume hold:drain-here\)/);
  });

  test('also a pause of the site, with its own end; not once its time is over', async () => {
    await collect(pause(ports, { what: 'pause', scope: { sites: ['he*'] }, why: 'p', until: at(1), slug: 'p' }));
    expect(await reasons()).toMatchObject([{ next: 'dflow resume hold:p' }]);
    expect((await farms())[0]).toMatchObject({ state: 'drained' });
    now += 2 * HOUR;
    expect(await reasons()).toEqual([]);
    expect((await farms())[0]).not.toHaveProperty('why');
  });
});
