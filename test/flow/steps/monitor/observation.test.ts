// What `monitor apply` takes from standard input: its own lines, and nothing that only looks like one.
import { expect, test } from 'vitest';
import { parseObservation } from '../../../../src/lib/flow/steps/monitor/monitor.ts';

const seen = { kind: 'observation', site: 'here', key: 'abc.0', at: '2026-07-14T06:00:00.000Z', state: 'recorded' };
const output = { type: 'n', name: 'x', storage: 'disk', path: 'p', size: 3, checksum: 'adler32:00000001' };
const head = { key: 'abc.0', execution: 'e', phase: 'done', exit: 0, reason: '', wall: 1, host: 'w' };
const record = { ...head, outputs: [output], tail: 'x' };
const line = (more: object): string => JSON.stringify({ ...seen, record, ...more });

test('a line of monitor poll comes back as it was', () => {
  expect(parseObservation(line({}), 1)).toEqual({ ...seen, record });
  expect(parseObservation(line({ state: 'absent', superseded: true, record: undefined }), 1).state).toBe('absent');
});

test.each([
  ['null'],
  ['{'],
  [line({ at: 'yesterday' })],
  [line({ job: 5 })],
  [line({ subjob: 1.5 })],
  [line({ record: undefined })],
  [line({ record: null })],
  [line({ record: { ...record, outputs: undefined } })],
  [line({ record: { ...record, phase: 'unheard of' } })],
  [line({ record: { ...record, outputs: [{ ...output, checksum: 'x' }] } })],
])('%s is refused with its line', (text) => {
  expect(() => parseObservation(text, 7)).toThrow(expect.objectContaining({ where: 'standard input:7', exit: 2 }));
});
