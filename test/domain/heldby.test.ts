// `resume WORD`: a hold by its name, or by what it covers.
import { expect, test } from 'vitest';
import { holdsNamed } from '../../src/lib/domain/heldby.ts';
import type { HoldDoc, HoldScope, HoldWhat } from '../../src/lib/domain/hold.ts';
import { MAX_RUN } from '../../src/lib/domain/ids.ts';

const hold = (slug: string, what: HoldWhat, scope: HoldScope): HoldDoc => ({
  ...{ _id: `hold:${slug}`, kind: 'hold', v: 1, what, scope, why: 'x', by: 'anna@login1 (pause)', since: '' },
});
const OPEN = [
  hold('drain-laptop', 'drain', { sites: ['laptop'] }),
  hold('storage-ral', 'storage', { storages: ['ral'] }),
  hold('transfer-a', 'transfer', { storages: ['ral', 'fnal'], runs: [[109127, 109127]] }),
  hold('calibration-109120', 'calibration', { automatic: true, runs: [[109121, MAX_RUN]] }),
  hold('pause-b', 'pause', { versions: ['7.0.*'], modules: ['Analysis40'] }),
  hold('pause-c', 'pause', { sites: ['*'] }),
];

test.each([
  ['hold:pause-b', ['pause-b']],
  ['pause-b', ['pause-b']],
  ['laptop', ['drain-laptop']],
  ['ral', ['storage-ral', 'transfer-a']],
  ['109127', ['transfer-a']],
  ['109120', ['calibration-109120']],
  ['7.0.8', ['pause-b']],
  ['Analysis40', ['pause-b']],
  ['sfu', []],
  ['109121', []],
])('%s', (word, slugs) => {
  expect(holdsNamed(OPEN, word).map(({ _id }) => _id)).toEqual(slugs.map((slug) => `hold:${slug}`));
});
