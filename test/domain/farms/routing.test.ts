// Which rule of the routing decides, by every field that a rule may have.
import { expect, test } from 'vitest';
import { routeOf } from '../../../src/lib/domain/farms/routing.ts';
import type { RouteRule } from '../../../src/lib/domain/settings.ts';

const RULES: readonly RouteRule[] = [
  { module: 'DQ*', farms: ['site'] },
  { work: 'request', label: 'gold', farms: ['big'] },
  { work: 'request', farms: ['grid'] },
  { work: 'automatic', runs: [[1, 100]], farms: ['site'] },
];
const job = { module: 'Processing', version: '7.0.8', run: 50, labels: [] };

test.each([
  ['automatic work', {}, 3],
  ['automatic work of other runs', { run: 500 }, undefined],
  ['a request', { request: 'tl-july' }, 2],
  ['a request with a label', { request: 'tl-july', labels: ['gold'] }, 1],
  ['automatic work with that label', { labels: ['gold'] }, 3],
  ['a module, whatever the work', { module: 'DQLL', request: 'tl-july' }, 0],
])('%s', (_what, more, rule) => {
  expect(routeOf(RULES, { ...job, ...more })?.rule).toBe(rule);
});
