// Holds said twice: what is new of why and until counts, what is not said anew stays, and the item says which.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HoldDoc } from '../src/lib/domain/hold.ts';
import { drain } from '../src/lib/flow/drain.ts';
import { activeHolds } from '../src/lib/flow/holds.ts';
import { HOUR, plus } from '../src/lib/util/time.ts';
import { farm, T0 } from './support/docs.ts';
import { collect, makePorts, type TestPorts } from './support/ports.ts';

let ports: TestPorts;
let now = Date.parse(T0);
beforeEach(async () => {
  now = Date.parse(T0);
  ports = await makePorts({ now: () => now, settings: { farms: [farm()], farm: 'here' } });
});
afterEach(() => ports.remove());

const say = (why: string, more: { until?: string; dryRun?: boolean } = {}) =>
  collect(drain(ports, 'here', { why, ...more }));
const at = (hours: number) => plus(T0, hours * HOUR);
const held = async (): Promise<HoldDoc | undefined> => (await activeHolds(ports.store, at(0)))[0];

test('a second drain takes the new reason and end, and says both', async () => {
  expect(await say('disk')).toMatchObject([{ did: 'paused', ref: 'hold:drain-here' }]);
  now += HOUR;
  const until = at(3);
  const text = `drain (sites here): cooling, until ${until}; before: disk`;
  expect(await say('cooling', { until })).toMatchObject([{ did: 'changed', text, until }]);
  expect(await held()).toMatchObject({ why: 'cooling', until, since: T0 });
});

test('with nothing new it is unchanged, and the item has the why and until in force', async () => {
  const until = at(3);
  await say('disk', { until });
  const text = `drain (sites here): disk, until ${until}`;
  expect(await say('disk')).toMatchObject([{ did: 'unchanged', text, until }]);
  expect(await say('cooling')).toMatchObject([{ did: 'changed', until }]);
  expect(await held()).toMatchObject({ why: 'cooling', until });
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
