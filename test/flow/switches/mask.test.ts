// A run type that is corrected: what was decided by the old one is decided again.
import { expect, test } from 'vitest';
import type { RunDoc } from '../../../src/lib/domain/runs/run.ts';
import { withMask } from '../../../src/lib/flow/switches/mask.ts';

const AT = '2026-07-14T12:00:00.000Z';
const done = { at: AT, modules: [] };
const run: RunDoc = {
  _id: 'run:0000000001',
  kind: 'run',
  v: 1,
  run: 1,
  mask: 1,
  maskFrom: 'table:RUN::0000000001',
  levels: {},
  automatic: { '1.0': done, '0.9': done },
  firstSeen: AT,
  history: [],
};

test('another type: the automatic version is open again, an old one is not', () => {
  expect(withMask(run, 4, 'a table', AT, 'test', '1.0').automatic).toEqual({ '0.9': done });
});

test('the last of the versions: none is left, so that the run is due', () => {
  const one = { ...run, automatic: { '1.0': done } };
  expect(withMask(one, 4, 'a table', AT, 'test', '1.0')).not.toHaveProperty('automatic');
});

test('the same type: nothing changes', () => {
  expect(withMask(run, 1, 'a table', AT, 'test', '1.0')).toBe(run);
});
