// A command that finds nothing to do says why to a person at a terminal, and nothing into a pipe.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runIn, standingWorld, type World } from '../support/standing.ts';

let world: World;
beforeAll(async () => {
  world = await standingWorld({});
});
afterAll(() => world.remove());

/** What stderr gets, as a terminal or not. */
async function remarks(line: string, isTTY: boolean): Promise<string> {
  const before = { tty: Object.getOwnPropertyDescriptor(process.stderr, 'isTTY'), term: process.env.TERM };
  const real = process.stderr.write;
  const said: string[] = [];
  process.env.TERM = 'dumb';
  Object.defineProperty(process.stderr, 'isTTY', { configurable: true, value: isTTY });
  process.stderr.write = ((text: string) => {
    said.push(String(text));
    return true;
  }) as typeof real;
  try {
    await runIn(world, line.split(' '));
  } finally {
    process.stderr.write = real;
    if (before.tty) Object.defineProperty(process.stderr, 'isTTY', before.tty);
    else Reflect.deleteProperty(process.stderr, 'isTTY');
    if (before.term === undefined) delete process.env.TERM;
    else process.env.TERM = before.term;
  }
  return said.join('');
}

test.each([
  ['resume --all', 'nothing to do: no hold is in force'],
  ['reset', 'nothing to do: nothing is stuck'],
  ['tables', 'nothing to do: no complete run waits for its first pass'],
  ['cancel --all --yes --state failed', 'nothing to do: no selected job waits or runs'],
])('%s', async (line, answer) => {
  expect(await remarks(line, true)).toContain(answer);
  expect(await remarks(line, false)).not.toContain('nothing to do');
});
