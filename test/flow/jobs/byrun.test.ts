// Documents of many runs: neighbours as ranges, scattered ones by id, with the same answer.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import { RUN, runId } from '../../../src/lib/domain/ids.ts';
import { docsByRun } from '../../../src/lib/flow/jobs/archived/byrun.ts';
import type { Store } from '../../../src/lib/store.ts';
import { VIEWS } from '../../../src/lib/views/index.ts';
import { replacing } from '../../support/ports.ts';
import { fresh, setUp, tearDown } from '../../support/sqlite.ts';

beforeEach(setUp);
afterEach(tearDown);

test.each([
  ['neighbours, some of which are missing', [1, 2, 3, 4, 5, 6, 7, 8], 'ranges'],
  ['scattered', [1, 5, 9, 13, 17], 'get'],
  ['one', [3], 'get'],
  ['none', [], 'get'],
] as const)('%s', async (_, runs, how) => {
  const base = await fresh(VIEWS);
  const ids = [...[1, 2, 3, 5, 8, 9, 17].map(runId), `${runId(4)}x`, `${runId(2)}:more`];
  const docs = ids.map((id): Doc => ({ _id: id, kind: 'other', v: 1 }));
  await base.bulk(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
  const asked: string[] = [];
  const get: Store['get'] = (some) => {
    asked.push('get');
    return base.get(some);
  };
  const ranges: Store['ranges'] = (spans) => {
    asked.push('ranges');
    return base.ranges(spans);
  };
  const found = await docsByRun(replacing(base, { get, ranges }), RUN, runs.values());
  expect([...found.keys()].sort()).toEqual(runs.map(runId).filter((id) => ids.includes(id)));
  expect(asked).toEqual([how]);
});
