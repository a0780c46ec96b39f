// An exclusive loop whose round is stopped by SIGSTOP for longer than its lease, as a suspended laptop is: another host
// takes the turn and does the work; the sleeper wakes, writes nothing, and says why. Takes the times of a real lease.
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import type { LeaseDoc } from '../../src/lib/domain/farms/farm.ts';
import { dflow, folder, lines, must, removeFolders } from '../support/cli.ts';
import { isRound, killLoops, loop } from '../support/loop.ts';

afterEach(killLoops);
afterAll(removeFolders);

const show = <D>(place: string, id: string): D | undefined => lines<D>(dflow(place, ['show', id, '--json']).out)[0];

/** The round that a loop runs now. */
function roundOf(pid: number): number | undefined {
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')[1]?.split(' ');
      if (Number(fields?.[1]) === pid) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return undefined;
}

async function eventually<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await wait(100);
  }
}

test.skipIf(process.platform !== 'linux')('who was stopped in its turn has lost it', async () => {
  const place = folder();
  for (const name of ['raw', 'store']) mkdirSync(join(place, name));
  writeFileSync(
    join(place, 'dflow.yaml'),
    "buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 3s}\nstorage: {disk: ./store}\nlimits: {stale: 5s}\n",
  );
  must(place, ['store', 'setup']);
  must(place, ['register']);
  writeFileSync(join(place, 'raw', 'run1_0.dat'), 'a new file');
  // Its time says that it is finished: the round itself waits for the second look.
  const old = new Date(Date.now() - 3_600_000);
  utimesSync(join(place, 'raw', 'run1_0.dat'), old, old);
  const words = ['--every', '1s', '--exclusive', 'files', '--', 'register'];
  const first = loop(place, words, { DFLOW_HOST: 'a' });
  // It waits for its second look at the file, and holds the turn.
  await eventually(() => show(place, 'looks:a:L1'));
  const sleeper = roundOf(first.child.pid!)!;
  process.kill(sleeper, 'SIGSTOP');
  const lease = show<LeaseDoc>(place, 'lease:loop:files')!;
  expect(lease).toMatchObject({ host: 'a', number: 1 });
  const second = loop(place, words, { DFLOW_HOST: 'b' });
  const data = await eventually(() => show<DataDoc>(place, 'data:L1:0000000001'));
  expect(data.history.map(({ by }) => by)).toEqual([expect.stringMatching(/@b \(register\)$/)]);
  process.kill(sleeper, 'SIGCONT');
  const woken = await first.until(isRound);
  expect(woken).toMatchObject({ did: 'skipped', exit: 75 });
  expect(woken.text).toContain('has lost its turn (lease:loop:files, number 1)');
  expect(show<DataDoc>(place, 'data:L1:0000000001')!.history.map(({ by }) => by)).toEqual([
    expect.stringMatching(/@b \(register\)$/),
  ]);
  // Both go on, in turns.
  await first.until(({ exit }) => exit === 0);
  first.child.kill('SIGTERM');
  second.child.kill('SIGTERM');
  expect([await first.ended, await second.ended]).toEqual([0, 0]);
});
