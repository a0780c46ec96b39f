// What chain waits for: also what became due while the last round was on its way.
import { afterEach, expect, test } from 'vitest';
import type { RunDoc } from '../../../../src/lib/domain/runs/run.ts';
import { nextDue } from '../../../../src/lib/flow/steps/chain/chaindue.ts';
import { MINUTE, plus, SECOND } from '../../../../src/lib/util/time.ts';
import { T0 } from '../../../support/docs.ts';
import { closeWorlds, world } from '../../../support/ports.ts';

afterEach(closeWorlds);

const DUE = plus(T0, MINUTE + SECOND);

test.each([
  ['is due later', plus(DUE, -SECOND), plus(DUE, -SECOND), DUE],
  ['became due in the round', plus(DUE, -SECOND), plus(DUE, SECOND), DUE],
  ['was due before the round began', plus(DUE, SECOND), plus(DUE, 2 * SECOND), undefined],
])('a run that is quiet %s', async (_words, began, now, due) => {
  const ports = await world({ now: () => Date.parse(now), config: { runs: { quiet: '1 min' } } });
  const doc: RunDoc = {
    ...{ _id: 'run:0000000012', kind: 'run', v: 1, run: 12, firstSeen: T0, history: [] },
    levels: { L1: { lastFile: T0, late: [], files: 1 } },
  };
  await ports.store.update<RunDoc>(doc._id, () => ({ write: doc }));
  expect((await nextDue(ports, began))?.at).toBe(due);
});
