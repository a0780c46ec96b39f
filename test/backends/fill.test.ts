// Filling a queue that has room for some of what is handed over.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fill } from '../../src/lib/backends/shared/fill.ts';

const FULL = { refused: 'AssocMaxSubmitJobLimit; Batch job submission failed: Job violates accounting/QOS policy' };

test('as many go as there is room for, each once and in order, in few calls', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(600), fc.nat(700), async (count, room) => {
      const tasks = Array.from({ length: count }, (_, at) => at);
      let [left, calls] = [room, 0];
      const handed = await fill(tasks, async (some) => {
        calls++;
        if (some.length > left) return FULL;
        left -= some.length;
        return [...some];
      });
      const taken = handed.flatMap(({ answer }) => ('refused' in answer ? [] : answer));
      expect(taken).toEqual(tasks.slice(0, room));
      expect(handed.flatMap((part) => part.tasks)).toEqual(tasks);
      expect(calls).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(count + 2)) + 2);
    }),
  );
});

test('what is refused for another reason is refused at once, and as a whole', async () => {
  let calls = 0;
  const handed = await fill([1, 2, 3], async () => {
    calls++;
    return { refused: 'Invalid partition name specified' };
  });
  expect(calls).toBe(1);
  expect(handed.map(({ tasks }) => tasks)).toEqual([[1, 2, 3]]);
});
