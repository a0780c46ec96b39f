// Rounds of a loop whose program is a script of one line: the clock of the machine is set while the loop runs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { LoopProcess } from '../../src/lib/cli/loop/rounds.ts';
import { loopOf } from '../../src/lib/domain/farms/loops.ts';
import { HOUR, MINUTE } from '../../src/lib/util/time.ts';

const folders: string[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A program that says that its round was done. */
function program(): string {
  const root = mkdtempSync(join(tmpdir(), 'dflow-rounds-'));
  folders.push(root);
  for (const name of ['bin', 'dist']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'dist/build-id'), 'one');
  const report = { did: {}, failed: 0, outcome: 'ok', mistyped: false, noted: true };
  writeFileSync(join(root, 'bin/run.js'), `process.send(${JSON.stringify(report)}, () => process.disconnect());`);
  return root;
}

test.each([
  ['back', -HOUR],
  ['forward', 24 * HOUR],
])('a clock that is set %s between two rounds changes neither rests nor durations', async (_, jump) => {
  const running = new LoopProcess();
  const real = Date.now.bind(Date);
  const took: number[] = [];
  const late = setTimeout(() => running.stop(), 5 * MINUTE);
  const why = await running.run(loopOf({ run: ['register'], every: 10, jitter: 0 }), {
    ...{ root: program(), more: [], show: false, once: false, self: { pid: 1, since: '2026-07-14T06:00:00.000Z' } },
    adopt: (loop) => loop,
    tell: async ({ end }) => {
      took.push(end.took);
      vi.spyOn(Date, 'now').mockImplementation(() => real() + took.length * jump);
      if (took.length === 3) running.stop();
    },
  });
  clearTimeout(late);
  expect(why).toBe('stopped');
  expect(took).toHaveLength(3);
  for (const one of took) expect(one).toBeGreaterThanOrEqual(0);
  expect(Math.max(...took)).toBeLessThan(HOUR);
});
