import { expect, test } from 'vitest';
import { itemLine } from '../../src/lib/render/item.ts';

test('items of a dry run stand under each other', () => {
  const lines = (['started', 'completed'] as const).map((did) =>
    itemLine({ kind: 'job', ref: 'REF', did, dryRun: true }),
  );
  expect(lines.map((line) => line.indexOf('REF'))).toEqual([22, 22]);
});
