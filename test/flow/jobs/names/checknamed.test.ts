// A name that nothing has, in any selection: the near miss, or what is known, and exit 2. Silence would look like an answer.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobId } from '../../../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import { UsageError } from '../../../../src/lib/util/errors.ts';
import { runIn, standingWorld, type World } from '../../../support/standing.ts';

let world: World;
beforeAll(async () => {
  world = await standingWorld({});
  await world.store.update<JobDoc>(jobId(1, 'Count', 1), (job) => ({
    write: { ...job!, labels: ['gold'], request: 'july', version: '0.9' },
  }));
});
afterAll(() => world.remove());

/** What is printed, or what is wrong and what to type. */
async function said(line: string): Promise<string> {
  try {
    return (await runIn(world, line.split(' '))).out;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return `${error.message} -> ${error.hint}`;
  }
}

test.each([
  ['list replicas --storage aa', "no storage element 'aa'; did you mean a? known: a, b -> the same command with a"],
  ['list replicas --storage nope', "no storage element 'nope'; known: a, b -> dflow list storage"],
  ['list jobs --version 7.7', "no version '7.7'; known: 1.0, 0.9 -> dflow module check"],
  ['list modules --version 7.7', "no version '7.7'; known: 1.0, 0.9 -> dflow module check"],
  ['list jobs --label golf', "no label 'golf'; did you mean gold? known: gold -> the same command with gold"],
  ['list runs --label nope', "no label 'nope'; known: gold -> dflow list labels"],
  ['list data --level L7', "no level 'L7'; did you mean L1? known: L1 -> the same command with L1"],
  ['list quarantine --level X', "no level 'X'; known: L1 -> dflow config show"],
  ['list jobs --site hare', "no farm 'hare'; did you mean here? known: here -> the same command with here"],
  ['list jobs --request august', "no request 'august'; known: july -> dflow list requests"],
  ['list requests --request jly', "no request 'jly'; did you mean july? known: july -> the same command with july"],
  ['list summary --request august', "no request 'august'; known: july -> dflow list requests"],
  [
    'list jobs --module Cuont',
    "no module 'Cuont'; did you mean Count? known: Count, Plot -> the same command with Count",
  ],
  ['list runs --state opne', "no state 'opne' in list runs; did you mean open? known: open, complete"],
  ['list farms --state nope', "no state 'nope' in list farms; known: ok, drained, silent, never seen"],
  ['list requests --state nope', "no state 'nope' in list requests; known: being made, open, done, ended"],
  ['retry --version 7.7', "no version '7.7'; known: 1.0, 0.9 -> dflow module check"],
  ['cancel --site hare --yes', "no farm 'hare'; did you mean here? known: here -> the same command with here"],
  ['delete --label nope --yes', "no label 'nope'; known: gold -> dflow list labels"],
  ['log --request august', "no request 'august'; known: july -> dflow list requests"],
  ['get --version 7.7 --to x', "no version '7.7'; known: 1.0, 0.9 -> dflow module check"],
  ['label add silver --module Cuont', "no module 'Cuont'; did you mean Count?"],
  ['reset --site hare', "no farm 'hare'; did you mean here?"],
  ['reset --version 7.7', "no version '7.7'; known: 1.0, 0.9 -> dflow module check"],
])('%s', async (line, answer) => {
  expect(await said(line)).toContain(answer);
});

test('names that the configuration lost, and patterns, are known as long as something has them', async () => {
  expect(await said('list jobs --version 0.9 --state all')).toContain('1/Count/1');
  expect(await said('list jobs --label gold --state all')).toContain('1/Count/1');
  expect(await said('list jobs --request july --state all')).toContain('1/Count/1');
  expect(await said('list replicas --storage a')).toContain('verified');
  expect(await said('list runs --state complete')).toContain('complete');
});
