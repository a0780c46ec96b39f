import { expect, test } from 'vitest';
import { coverText } from '../../src/lib/domain/hold.ts';

test('what a hold covers, in words', () => {
  expect(coverText({})).toBe('everything');
  expect(coverText({ sites: ['*'] })).toBe('every farm');
  expect(coverText({ sites: ['cedar'], modules: ['A', 'B'] })).toBe('farm cedar modules A,B');
});
