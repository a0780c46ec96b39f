// What is printed as the remedy of a file in quarantine: for each reason something to do, never the page that shows it.
import { expect, test } from 'vitest';
import { remedy } from '../../src/lib/domain/runs/remedy.ts';

const REASONS = [
  ['empty', 'dflow purge --junk'],
  ['duplicate', 'dflow purge --junk'],
  ['operator', 'dflow list holds'],
  ['bad-tables', 'dflow tables load'],
  ['unparsable-name', "dflow purge --junk 'quarantine:L1:x' --why TEXT"],
  ['out-of-range', "dflow purge --junk 'quarantine:L1:x' --why TEXT"],
  ['damaged', 'copy the file again from its source, then: dflow register'],
  ['new-version', "dflow register --accept 'quarantine:L1:x' --why TEXT"],
] as const;

test.each(REASONS)('%s is cleared by something other than the page that shows it', (reason, words) => {
  const next = remedy({ _id: 'quarantine:L1:x', name: 'x', reason, detail: '' });
  expect(next).toContain(words);
  expect(next).not.toContain('why buffer');
});
