// Job files of a submit that was stopped before it handed them over, on the batch systems that keep them by claim: they go
// once they are old and the batch system does not have them, and a submit that goes on after that starts nothing.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Backend } from '../../src/lib/backend.ts';
import { ClaimFolder } from '../../src/lib/backends/shared/folder/claims.ts';
import { partsOf } from '../../src/lib/backends/shared/folder/jobfolder.ts';
import { renderSpec } from '../../src/lib/wrapper/spec.ts';
import { type BackendWorld, handsOn, untilState } from '../contracts/backend.ts';

interface World extends Omit<BackendWorld, 'reopen'> {
  readonly shared: string;
  reopen(options: Record<string, unknown>): Promise<Backend>;
}

export function leftovers(name: string, setUp: () => Promise<World>): void {
  test(`${name}: job files that nobody handed over go when they are old; handed over after that, nothing starts`, async () => {
    const world = await setUp();
    try {
      const ran = join(world.folder, 'ran');
      const { tasks, submitted } = handsOn(() => world);
      const held = await submitted(tasks(2, ':'));
      const stopped = tasks(3, `echo ran >> '${ran}'`);
      const { claim } = partsOf(stopped[0]!.key);
      const files = new ClaimFolder(world.shared);
      files.writeJobs(
        claim,
        stopped.map(({ key, spec }) => [key, renderSpec(spec)]),
      );
      await sleep(2500);
      const sweeper = await world.reopen({ keep: '2s' });
      rmSync(join(world.shared, 'swept'), { force: true });
      await sweeper.ensure();
      expect(existsSync(join(world.shared, 'jobs', claim))).toBe(false);
      expect(files.list(`jobs/${partsOf(held[0]!).claim}`).sort()).toEqual([...held].sort());
      // The submit goes on: all its job files are there again, and the fence is taken.
      const late = await submitted(stopped);
      await world.backend.release([...late, ...held]);
      await untilState(world.backend, [...held, ...late], 'ended');
      expect((await world.backend.records(100)).map(({ key }) => key).sort()).toEqual([...held].sort());
      expect(existsSync(ran)).toBe(false);
    } finally {
      await world.close();
    }
  }, 90_000);
}
