// Every way in which something stands still, staged with real documents: `status` has a line for it, `status --check`
// ends with 1, `why` names it with a command that the parser takes and that clears it (or says what a person must do).
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { WAYS } from '../../src/lib/flow/reports/status/page.ts';
import { status } from '../../src/lib/flow/reports/status/status.ts';
import { VIEWS } from '../../src/lib/views/index.ts';
import { killSupervisor } from '../support/chaos.ts';
import { commandsIn, parses } from '../support/printed.ts';
import { runIn, standingWorld, type World } from '../support/standing.ts';
import { OF_DATA } from '../support/standingdata.ts';
import { OF_JOBS } from '../support/standingjobs.ts';

const CASES = [...OF_JOBS, ...OF_DATA];

let world: World | undefined;
afterEach(async () => {
  if (world) killSupervisor(world.folder);
  await world?.remove();
  world = undefined;
});

/** What a stage answers when it has read the configuration anew. */
const newWorld = (answer: unknown): World | undefined =>
  typeof answer === 'object' && answer !== null && 'configure' in answer ? (answer as World) : undefined;

const waysOf = async (of: World): Promise<string[]> => (await status(of)).needYou.map(({ way }) => way);

/** What `why` says to type of a subject; of `--all` what its rows say. */
async function nextsOf(of: World, subject: string): Promise<string[]> {
  const { out } = await runIn(of, ['why', subject, '--json']);
  const lines = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { next: string | string[] });
  return lines.flatMap(({ next }) => next);
}

describe('every way of standing still', () => {
  test.each(
    CASES.map((one) => [`${one.way}${one.what ? `: ${one.what}` : ''}`, one] as const),
  )('%s', async (_, one) => {
    world = await standingWorld(one.config ?? {}, one.parts);
    const healthy = await waysOf(world);
    const staged = await one.stage(world);
    world = newWorld(staged) ?? world;
    const { needYou } = await status(world);
    const line = needYou.find(({ way }) => way === one.way);
    expect(line, JSON.stringify([healthy, needYou])).toBeDefined();
    expect((await runIn(world, ['status', '--check'])).code).toBe(1);
    const page = await runIn(world, ['status']);
    expect(page.out).toContain(line!.text.slice(0, 40));
    expect(page.out).not.toContain('nothing needs you');
    for (const words of commandsIn(line!.next)) await parses(words);
    const nexts = await nextsOf(world, one.why);
    for (const words of nexts.flatMap(commandsIn)) await parses(words);
    const fits = (text: string): boolean =>
      typeof one.next === 'string' ? text.includes(one.next) : one.next.test(text);
    const next = nexts.find((text) => text === one.next) ?? nexts.find(fits);
    expect(next, JSON.stringify(nexts)).toBeDefined();
    if (one.clear) world = newWorld(await one.clear(world)) ?? world;
    else {
      const command = commandsIn(next!).find((words) => fits(`dflow ${words.join(' ')}`))!;
      await runIn(world, one.yes ? [...command, '--yes'] : command);
    }
    expect(await waysOf(world)).not.toContain(one.way);
  });

  test('a healthy experiment needs nobody', async () => {
    world = await standingWorld({});
    expect(await waysOf(world)).toEqual([]);
    expect((await runIn(world, ['status', '--check'])).code).toBe(0);
    const { out } = await runIn(world, ['why', '1/Count']);
    expect(out).toContain('the next submit takes it');
  });

  test('conflicts, which only CouchDB has, are seen by the view', () => {
    const keys: unknown[] = [];
    const standing = VIEWS.find(({ name }) => name === 'standing')!;
    standing.map({ _id: 'run:1', kind: 'run', levels: {}, _conflicts: ['2-b'] }, (key) => keys.push(key));
    expect(keys).toEqual([['conflict', '', 'run:1']]);
  });

  test('the list here, that of the code and that of the documentation are one', () => {
    const tried = new Set([...CASES.map(({ way }) => way), 'conflict', 'undeleted']);
    expect([...tried].sort()).toEqual([...WAYS].sort());
    const text = readFileSync(resolve(import.meta.dirname, '../../docs/standing-still.md'), 'utf8');
    const rows = [...text.matchAll(/^- `([a-z-]+)`: /gm)].map(([, way]) => way);
    expect(rows.sort()).toEqual([...WAYS].sort());
  });
});
