// dflow wait: what is there, what will never get there by itself, what is late; in this process, on real documents.
import { afterEach, expect, test } from 'vitest';
import { UsageError } from '../../../src/lib/util/errors.ts';
import { addPass, runIn, setSubjob, standingWorld, type World } from '../../support/standing.ts';

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.remove();
});

async function experiment(): Promise<World> {
  const world = await standingWorld({});
  worlds.push(world);
  return world;
}

const lock = { site: 'here', epoch: 1, claim: 'abc', index: 0 };
const failure = { cause: 'time-limit', reason: 'too long', site: 'here' };
const SOON = ['--timeout', '300ms', '--every', '100ms', '--json'];

async function wait(world: World, ...words: string[]) {
  const { out, code } = await runIn(world, ['wait', ...words, ...SOON]);
  const items = out.split('\n').filter((line) => line !== '');
  return {
    code,
    items: items.map((line) => JSON.parse(line) as { did: string; ref: string; text: string; next?: string }),
  };
}

test('raw files: complete and verified are there', async () => {
  const world = await experiment();
  expect(await wait(world, '1', '--for', 'complete')).toMatchObject({ code: 0, items: [{ ref: '1', did: 'reached' }] });
  expect(await wait(world, '1-5', '--for', 'verified')).toMatchObject({ code: 0, items: [{ text: 'verified at 2' }] });
});

test('a pass that has not run ends the waiting with the time; one that completes meanwhile is reached', async () => {
  const world = await experiment();
  expect(await wait(world, '1')).toMatchObject({
    code: 124,
    items: [{ ref: '1', did: 'timed-out', next: 'dflow why 1' }],
  });
  const waiting = runIn(world, ['wait', '1/Count', '--every', '100ms', '--json']);
  await setSubjob(world, { name: 'completed', since: world.ago(0), lock, execution: 'x', outputs: [], usage: {} });
  expect(await waiting).toMatchObject({ code: 0, out: expect.stringContaining('"did":"reached"') });
});

test('a failed pass will never complete and has ended; both are said at once', async () => {
  const world = await experiment();
  await setSubjob(world, { name: 'failed', since: world.ago(0), lock, failure });
  expect(await wait(world, '1')).toMatchObject({
    code: 1,
    items: [
      { did: 'never', text: expect.stringContaining('1/Count/1 is failed (time-limit)'), next: 'dflow why 1/Count/1' },
    ],
  });
  expect(await wait(world, '1', '--for', 'ended')).toMatchObject({ code: 0, items: [{ did: 'reached' }] });
});

test('what waits for a failed pass, is held until a person acts, or is not asked for never gets there', async () => {
  const world = await experiment();
  await addPass(world, 'Plot', { needs: [{ module: 'Count', pass: 1, job: 'job:0000000001:Count:001' }] });
  await setSubjob(world, { name: 'failed', since: world.ago(0), lock, failure });
  expect((await wait(world, '1/Plot', '--for', 'ended')).items[0]).toMatchObject({
    did: 'never',
    text: expect.stringContaining('prerequisite'),
  });
  await setSubjob(world, { name: 'held', since: world.ago(0), reason: 'look', failure });
  expect((await wait(world, '1/Count')).items[0]).toMatchObject({
    did: 'never',
    text: expect.stringContaining('a person acts'),
  });
  await setSubjob(world, { name: 'held', since: world.ago(0), reason: 'later', until: world.ago(-3_600_000), failure });
  expect((await wait(world, '1/Count')).code).toBe(124);
});

test('a run that is not registered yet is waited for; a name that does not exist is a mistake', async () => {
  const world = await experiment();
  expect(await wait(world, '7')).toMatchObject({ code: 124, items: [{ text: 'not registered yet' }] });
  for (const words of [
    ['1/Cuont'],
    ['request:none'],
    ['hold:x'],
    ['1/Count/9'],
    ['1/Count', '--for', 'verified'],
    ['77-99'],
  ])
    await expect(wait(world, ...words), words.join(' ')).rejects.toThrow(UsageError);
});

test('a request: by the states of its passes', async () => {
  const world = await experiment();
  const plan = [{ run: 1, module: 'Plot', pass: 1, needs: [] }];
  const asked = {
    name: 'july',
    version: '1.0',
    level: 'L1',
    modules: ['Plot'],
    priority: 0,
    labels: [],
    prerequisite: 'new',
    plan,
  };
  await world.put({ _id: 'request:july', kind: 'request', ...asked, by: 'me', created: world.ago(0), history: [] });
  expect(await wait(world, 'request:july')).toMatchObject({ code: 124, items: [{ text: 'being made' }] });
  await world.put({
    _id: 'request:july',
    kind: 'request',
    ...asked,
    by: 'me',
    created: world.ago(0),
    made: world.ago(0),
    history: [],
  });
  await addPass(world, 'Plot', { request: 'july' });
  expect((await wait(world, 'request:july')).code).toBe(124);
  await setSubjob(world, { name: 'failed', since: world.ago(0), lock, failure }, {}, 'Plot');
  expect(await wait(world, 'request:july')).toMatchObject({ code: 1, items: [{ did: 'never' }] });
  expect((await wait(world, 'request:july', '--for', 'ended')).code).toBe(0);
});
