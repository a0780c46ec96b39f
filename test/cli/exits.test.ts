// Exit codes that say what kind of thing is wrong: everything unreachable is 5, a repair that mended all is 0, and reset
// says of everything that it was asked for what it did.
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { jobId } from '../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { runIn, setSubjob, standingWorld, type World } from '../support/standing.ts';
import { rawName } from '../support/stored.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.remove();
  world = undefined;
});

const lock = { site: 'here', epoch: 1, claim: 'nonce', index: 0 };
const copy = (of: World, element: string): string => join(of.folder, 'se', element, 'L1', '0', rawName(1));

test('verify: every element away is 5; one of two is 1', async () => {
  world = await standingWorld({});
  for (const name of ['a', 'b']) renameSync(join(world.folder, 'se', name), join(world.folder, 'se', `${name}.away`));
  expect((await runIn(world, ['verify'])).code).toBe(5);
  renameSync(join(world.folder, 'se', 'a.away'), join(world.folder, 'se', 'a'));
  expect((await runIn(world, ['verify'])).code).toBe(1);
});

test('verify --repair: all repaired is 0, though a foreign file lies there; a folder in place of a copy is named', async () => {
  world = await standingWorld({});
  writeFileSync(join(world.folder, 'se/a/L1/0/foreign.dat'), 'not ours');
  rmSync(copy(world, 'a'));
  expect((await runIn(world, ['verify'])).code).toBe(1);
  const repaired = await runIn(world, ['verify', '--repair']);
  expect(repaired.out).toContain('repaired');
  expect(repaired.code).toBe(0);
  appendFileSync(copy(world, 'b'), 'x');
  expect((await runIn(world, ['verify', '--repair'])).code).toBe(0);
  rmSync(copy(world, 'b'));
  mkdirSync(copy(world, 'b'));
  const folder = await runIn(world, ['verify', '--repair']);
  expect(folder.code).toBe(1);
  expect(folder.out).toMatch(/unreadable.*regular file.*move it away, then: dflow verify --repair --storage b/);
});

test('reset of what is active: taken back, and what is not is said', async () => {
  world = await standingWorld({});
  const since = world.ago(1000);
  const state = async () => (await world!.store.get<JobDoc>([jobId(1, 'Count', 1)])).get(jobId(1, 'Count', 1))!;
  expect((await runIn(world, ['reset', '1/Count'])).out).toMatch(/unchanged\t1\/Count\/1\tis waiting already/);
  await setSubjob(world, { name: 'submitting', since, lock });
  expect((await runIn(world, ['reset', '1/Count', '--yes'])).out).toContain('reset');
  expect((await state()).state).toBe('waiting');
  await setSubjob(world, { name: 'running', since, lock, backendId: '7' });
  expect((await runIn(world, ['reset', '--run', '1', '--yes'])).out).toMatch(/wanted.*dflow monitor/);
  expect((await state()).subjobs[0]!.wanted?.state).toBe('waiting');
  expect((await runIn(world, ['reset', '1/Count', '--yes'])).out).toContain('to be put back since');
  await setSubjob(world, { name: 'completed', since, lock, execution: 'e', outputs: [], usage: {} }, {
    wanted: undefined,
  } as never);
  expect((await runIn(world, ['reset', '1/Count'])).out).toContain('is completed: nothing can be put back');
});
