// `list summary`: passes counted by what they have in common.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { passState, type SubjobState } from '../../../src/lib/domain/jobs/states.ts';
import type { Selection } from '../../../src/lib/domain/selection.ts';
import { type SummaryField, summaryRows } from '../../../src/lib/flow/reports/summary.ts';
import { dflow, folder, removeFolders } from '../../support/cli.ts';
import { job, module, T0 } from '../../support/docs.ts';
import { found } from '../../support/items.ts';
import { makePorts, type TestPorts } from '../../support/ports.ts';

let ports: TestPorts;
beforeEach(async () => {
  ports = await makePorts({ config: { farms: { cedar: {} } } });
  const failed: SubjobState = {
    ...{ name: 'failed', since: T0, failure: { cause: 'memory', reason: 'r', site: 'cedar' } },
  };
  const ready: SubjobState = { name: 'waiting', since: T0, wake: { kind: 'ready' } };
  const docs = [
    { ...job({ run: 1, request: 'july' }), labels: ['gold', 'first'] },
    { ...job({ run: 2, request: 'july' }), labels: ['gold'] },
    job({ run: 3, module: module('Other') }),
  ].map((doc, at) => {
    const subjobs = doc.subjobs.map((one) => ({ ...one, state: at === 0 ? failed : ready }));
    return { ...doc, subjobs, state: passState(subjobs.map(({ state }) => state)) };
  });
  await ports.store.bulk(docs.map((doc) => ({ id: doc._id, base: null, change: () => ({ write: doc }) })));
});
afterEach(async () => {
  await ports.remove();
  removeFolders();
});

const counts = async (by: readonly SummaryField[], selection: Partial<Selection> = {}) => {
  const rows = await found(summaryRows(ports, { pass: 'all', ...selection }, by));
  return rows.map(({ kind: _, ref, passes, failed = 0, waiting = 0 }) => `${ref}: ${passes} ${failed} ${waiting}`);
};

test.each([
  [
    ['version', 'module'],
    ['1.0 Count: 2 1 1', '1.0 Other: 1 0 1'],
  ],
  [
    ['module', 'state'],
    ['Count failed: 1 0 0', 'Count waiting: 1 0 0', 'Other waiting: 1 0 0'],
  ],
  [['label'], ['-: 1 0 1', 'first: 1 1 0', 'gold: 2 1 1']],
  [['request'], ['-: 1 0 1', 'july: 2 1 1']],
  [['site'], ['-: 2 0 2', 'cedar: 1 1 0']],
] as const)('by %s', async (by, expected) => {
  expect(await counts(by)).toEqual(expected);
});

test('what the view counts and what the documents say is the same', async () => {
  const all = await counts(['module', 'version']);
  expect(await counts(['module', 'version'], { runs: { ranges: [[0, 9]], listed: [] } })).toEqual(all);
});

test('of a selection', async () => {
  expect(await counts(['module'], { requests: ['july'] })).toEqual(['Count: 2 1 1']);
  expect(await counts(['module'], { states: ['failed'] })).toEqual(['Count: 1 1 0']);
});

test.each([
  [['list', 'summary', '--by', 'modul'], /no summary field 'modul'; did you mean module\?/],
  [['list', 'summary', '109134'], /list summary takes no REF/],
  [['list', 'jobs', '--by', 'module'], /list jobs does not know --by/],
  [['list', 'summary', '--trash'], /list summary does not know --trash/],
  [['list', 'sumary'], /did you mean summary/],
])('%s is refused', (words, text) => {
  const ran = dflow(folder(), words);
  expect([ran.code, ran.err]).toEqual([2, expect.stringMatching(text)]);
});
