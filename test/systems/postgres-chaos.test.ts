// The chain over PostgreSQL with its commands and the server killed again and again ends as on SQLite, where nobody does.
//   DFLOW_CHAOS_SEED=7 DFLOW_CHAOS_BLOWS=100 npm run test:systems -- test/systems/postgres-chaos.test.ts
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { begin, calm, dflow, experiment, pictureOn, removeExperiments } from '../support/chainon.ts';
import { random, strike } from '../support/chaos.ts';
import { Postgres, schemaName } from './postgres-world.ts';

const LIMITS = 'limits: {submitting: 2s, grace: 2s}\ntransfer: {lease: 3s}\n';
/** A whole chain, on a machine that may be slow. */
const LONG = { timeout: 15 * 60_000 };
let server: Postgres;
let expected: ReturnType<typeof calm>;

beforeAll(async () => {
  server = await Postgres.start();
  expected = calm();
}, LONG.timeout);
afterAll(() => {
  removeExperiments();
  server?.remove();
});

const seed = Number(process.env.DFLOW_CHAOS_SEED ?? Math.floor(Date.now() / 1000));
const blows = Number(process.env.DFLOW_CHAOS_BLOWS ?? 16);

test(`${blows} blows, a crash of the server at every fifth, seed ${seed}`, LONG, async () => {
  const folder = experiment(`${server.url()}/${schemaName()}`, LIMITS);
  await begin(folder);
  const next = random(seed);
  let hits = 0;
  for (let blow = 0; blow < blows; blow++) {
    const striking = strike(folder, next);
    if (blow % 5 === 4) {
      await sleep(next() * 400);
      server.kill();
      await server.up();
    }
    if ((await striking).hit) hits++;
  }
  await dflow(folder, ['chain', '--until-idle']);
  console.log(`chaos on PostgreSQL: seed ${seed}, ${blows} blows, ${hits} while the command ran`);
  expect(await pictureOn(folder)).toEqual(expected);
  expect(hits).toBeGreaterThan(blows / 4);
});
