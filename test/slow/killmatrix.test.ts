// Everything that runs, on two hosts over one store, is killed, stopped, terminated, starved of disk and sent to another
// day at random moments; then faults stop, both hosts go on until idle, and nothing may be lost, doubled, stuck or left.
//   DFLOW_MATRIX_SEED=7 DFLOW_MATRIX_STRIKES=100 npx vitest run --config test/vitest.config.ts test/slow/killmatrix.test.ts
//   DFLOW_MATRIX_SEEDS=10 with it: so many worlds, one after another. As root with faketime: full disks, clocks a day off.
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { settle, violations } from '../support/matrix/settle.ts';
import { hasClock, round, type Strike } from '../support/matrix/strikes.ts';
import { makeWorld, removeWorld, takeRun, type World } from '../support/matrix/world.ts';
import { filesBelow } from '../support/picture.ts';
import { random } from '../support/random.ts';

const seed = Number(process.env.DFLOW_MATRIX_SEED ?? Math.floor(Date.now() / 1000));
const strikes = Number(process.env.DFLOW_MATRIX_STRIKES ?? 30);
const seeds = Array.from({ length: Number(process.env.DFLOW_MATRIX_SEEDS ?? 1) }, (_, i) => seed + i);

let world: World | undefined;
afterEach(() => {
  if (world && process.env.DFLOW_MATRIX_KEEP === undefined) removeWorld(world);
  world = undefined;
});

function count(struck: readonly Strike[]): string {
  const kinds = ['kill', 'stop', 'term', 'full', 'clock', 'supervisor'] as const;
  return kinds.map((kind) => `${kind} ${struck.filter(({ how, hit }) => how === kind && hit).length}`).join(', ');
}

test.each(seeds)(`${strikes} strikes, seed %i`, { timeout: 60 * 60_000 }, async (from) => {
  world = makeWorld();
  if (!world.mounted) console.warn('killmatrix: NOT ROOT: no disk was full in this run');
  if (!hasClock) console.warn('killmatrix: NO FAKETIME (apt-get install faketime): no clock jumped in this run');
  const next = random(from);
  const runs = { last: 3 };
  for (let run = 1; run <= runs.last; run++) takeRun(world, run, 2);
  const struck: Strike[] = [];
  for (let number = 0; struck.length < strikes; number++) struck.push(...(await round(world, next, number, runs)));
  const wrong = struck.flatMap(({ command, host, how, wrong: words }) =>
    words ? [`${how} ${command} at ${host}: ${words}`] : [],
  );
  const hits = struck.filter(({ hit }) => hit).length;
  wrong.push(...settle(world), ...violations(world));
  console.log(
    `killmatrix: seed ${from}, ${world.folder}: ${struck.length} strikes, ${hits} while the command ran (${count(struck)}); ${runs.last} runs, ${world.ledger.size} raw files`,
  );
  expect(wrong).toEqual([]);
  expect(hits).toBeGreaterThan(strikes / 5);
});

test('what is lost, doubled, stuck or left is seen', () => {
  world = makeWorld();
  for (const run of [1, 2]) takeRun(world, run, 1);
  expect(settle(world)).toEqual([]);
  expect(violations(world)).toEqual([]);
  const { folder, ledger } = world;
  const below = (place: string): string[] => filesBelow(join(folder, place)).filter((path) => path.endsWith('.dat'));
  for (const site of ['se/sfu', 'se/fnal']) rmSync(join(folder, site, below(site)[0]!));
  appendFileSync(join(folder, 'marks'), readFileSync(join(folder, 'marks'), 'utf8').split('\n')[0]!);
  writeFileSync(join(folder, 'se/sfu/.dflow-half'), '');
  ledger.set('run0009_00.dat', '');
  const kinds = violations(world).map((line) => line.split(':')[0]);
  const expected = ['false copy', 'false copy', 'lost', 'lost', 'not registered', 'partial', 'started twice'];
  expect(kinds.sort()).toEqual(expected);
});
