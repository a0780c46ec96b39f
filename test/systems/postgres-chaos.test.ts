// The chain over PostgreSQL with its commands and the server killed again and again ends as on SQLite, where nobody does.
//   DFLOW_CHAOS_SEED=7 DFLOW_CHAOS_BLOWS=100 npm run test:systems -- test/systems/postgres-chaos.test.ts
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { begin, dflow, experiment, LIMITS, pictureOn } from '../support/chainon.ts';
import { random, strike } from '../support/chaos.ts';
import { chainsOnPostgres, LONG } from './postgres-chains.ts';
import { schemaName } from './postgres-world.ts';

const chains = chainsOnPostgres();

const seed = Number(process.env.DFLOW_CHAOS_SEED ?? Math.floor(Date.now() / 1000));
const blows = Number(process.env.DFLOW_CHAOS_BLOWS ?? 16);

test(`${blows} blows, a crash of the server at every fifth, seed ${seed}`, LONG, async () => {
  const folder = experiment(`${chains.server.url()}/${schemaName()}`, LIMITS);
  await begin(folder);
  const next = random(seed);
  let hits = 0;
  for (let blow = 0; blow < blows; blow++) {
    const striking = strike(folder, next);
    if (blow % 5 === 4) {
      await sleep(next() * 400);
      chains.server.kill();
      await chains.server.up();
    }
    if ((await striking).hit) hits++;
  }
  await dflow(folder, ['chain', '--until-idle']);
  console.log(`chaos on PostgreSQL: seed ${seed}, ${blows} blows, ${hits} while the command ran`);
  expect(await pictureOn(folder)).toEqual(chains.expected);
  expect(hits).toBeGreaterThan(blows / 4);
});
