// Job files of a submit that was stopped before it handed them over, on the batch systems that keep them by claim: they go
// once they are old and the batch system does not have them, and a submit that goes on after that starts nothing.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Backend, Task } from '../../src/lib/backend.ts';
import { ClaimFolder } from '../../src/lib/backends/shared/claims.ts';
import { renderSpec } from '../../src/lib/wrapper/spec.ts';
import { type BackendWorld, nonce, simpleSpec, untilState } from '../contracts/backend.ts';

interface World extends Omit<BackendWorld, 'reopen'> {
  readonly shared: string;
  reopen(options: Record<string, unknown>): Promise<Backend>;
}

export function leftovers(name: string, setUp: () => Promise<World>): void {
  test(`${name}: job files that nobody handed over go when they are old; handed over after that, nothing starts`, async () => {
    const world = await setUp();
    try {
      const ran = join(world.folder, 'ran');
      const claimOf = (count: number, command: string): { claim: string; tasks: Task[]; keys: string[] } => {
        const claim = nonce();
        const keys = Array.from({ length: count }, (_, index) => `${claim}.${index}`);
        const tasks = keys.map((key) => ({ key, spec: simpleSpec(key, command, world.folder, { outputs: [] }) }));
        return { claim, tasks, keys };
      };
      const held = claimOf(2, ':');
      await world.backend.submit(held.claim, held.tasks);
      const stopped = claimOf(3, `echo ran >> '${ran}'`);
      const files = new ClaimFolder(world.shared);
      files.writeJobs(
        stopped.claim,
        stopped.tasks.map(({ key, spec }) => [key, renderSpec(spec)]),
      );
      await sleep(2500);
      const sweeper = await world.reopen({ keep: '2s' });
      rmSync(join(world.shared, 'swept'), { force: true });
      await sweeper.ensure();
      expect(existsSync(join(world.shared, 'jobs', stopped.claim))).toBe(false);
      expect(files.list(`jobs/${held.claim}`).sort()).toEqual([...held.keys].sort());
      // The submit goes on: all its job files are there again, and the fence is taken.
      await world.backend.submit(stopped.claim, stopped.tasks);
      await world.backend.release([...stopped.keys, ...held.keys]);
      await untilState(world.backend, held.keys, 'ended');
      await untilState(world.backend, stopped.keys, 'ended');
      expect((await world.backend.records(100)).map(({ key }) => key).sort()).toEqual([...held.keys].sort());
      expect(existsSync(ran)).toBe(false);
    } finally {
      await world.close();
    }
  }, 90_000);
}
