// catalogue sync among the steps of a chain: a catalogue that is away keeps nobody waiting.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { catalogueSync } from '../../../../src/lib/flow/steps/catalogue/catalogue.ts';
import { chain } from '../../../../src/lib/flow/steps/chain/chain.ts';
import { type Catalogued, catalogued } from '../../../support/catalogued.ts';
import { dataDoc, rawFile, T0 } from '../../../support/docs.ts';
import { collect } from '../../../support/ports.ts';

let now = 0;
let world: Catalogued;
beforeEach(async () => {
  now = Date.parse(T0);
  world = await catalogued(false, () => now);
  const doc = dataDoc(1, [rawFile(1, 0, ['sfu'])]);
  await world.base.store.update(doc._id, () => ({ write: doc }));
});
afterEach(() => world.base.remove());

const round = () => collect(chain(world.ports({ loops: ['catalogue'] })));

test('a chain asks a catalogue that was away again after five minutes; a person asks at once', async () => {
  world.catalogue.away = true;
  expect(await round()).toMatchObject([{ did: 'unreachable', failed: true, step: 'catalogue' }]);
  const { calls } = world.catalogue;
  expect(calls).toBeGreaterThan(0);
  now += 4 * 60_000;
  expect(await round()).toEqual([]);
  expect(world.catalogue.calls).toBe(calls);
  expect(await collect(catalogueSync(world.ports()))).toMatchObject([{ did: 'unreachable' }]);
  expect(world.catalogue.calls).toBeGreaterThan(calls);
  now += 6 * 60_000;
  world.catalogue.away = false;
  expect((await round()).map(({ did }) => did)).toContain('registered');
  // It answers: nobody rests.
  const more = dataDoc(2, [rawFile(2, 0, ['sfu'])]);
  await world.base.store.update(more._id, () => ({ write: more }));
  expect((await round()).map(({ did }) => did)).toContain('registered');
});
