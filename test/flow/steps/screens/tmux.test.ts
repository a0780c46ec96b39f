// What tmux says, and what it means: no session, that of another experiment, a failure; and two commands at once.
import { expect, test } from 'vitest';
import { alone } from '../../../../src/lib/flow/steps/screens/alone.ts';
import type { ScreensWorld } from '../../../../src/lib/flow/steps/screens/screens.ts';
import { Tmux } from '../../../../src/lib/flow/steps/screens/tmux.ts';
import { collect } from '../../../support/items.ts';

const answering = (stderr: string, stdout = ''): Tmux => {
  const said = { stdout, stderr, ...(stderr === '' ? { exit: 0 } : { exit: 1, failure: 'exit 1' }) };
  return new Tmux({ shell: () => Promise.resolve(said) } as never, 'dflow-one', '/data/one');
};

test.each([
  'no server running on /tmp/tmux-0/default',
  "can't find session: dflow-one",
  // The server runs other sessions.
  "can't find window: dflow-one",
  'error connecting to /tmp/tmux-0/default (No such file or directory)',
  // Its last window closed while it was asked.
  'server exited unexpectedly',
  'lost server',
])('%s: there are no windows', async (words) => {
  expect(await answering(words).windows()).toEqual([]);
});

test('a failure of tmux is told as such', async () => {
  await expect(answering('protocol version mismatch').windows()).rejects.toMatchObject({ exit: 5 });
});

test('windows of our folder, and of a session without one; not those of another experiment of this name', async () => {
  const line = (folder: string): string => `register\t12\t0\t${folder}\n`;
  for (const folder of ['/data/one', ''])
    expect(await answering('', line(folder)).windows()).toEqual([{ name: 'register', pid: 12, dead: false }]);
  await expect(answering('', line('/data/other')).windows()).rejects.toMatchObject({ exit: 2, where: '/data/other' });
});

test('of two commands at once the second is refused, a dry run is not', async () => {
  let held = false;
  const locks = {
    take: () => {
      if (held) return Promise.resolve(undefined);
      held = true;
      return Promise.resolve({ release: () => (held = false) });
    },
  };
  const world = { settings: { folder: '/data/one' }, host: 'a/b', locks } as unknown as ScreensWorld;
  const item = { kind: 'screen', ref: 'register', did: 'started' } as const;
  async function* step() {
    yield item;
    await expect(collect(alone(world, inner()))).rejects.toMatchObject({ exit: 75 });
    expect(await collect(alone({ ...world, dryRun: true }, inner()))).toEqual([item]);
  }
  async function* inner() {
    yield item;
  }
  expect(await collect(alone(world, step()))).toEqual([item]);
  expect(held).toBe(false);
});
