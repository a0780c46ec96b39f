// What a terminal of 80 columns shows: nothing breaks inside of a word, and a command stays in one piece.
import { expect, test } from 'vitest';
import type { StatusPage } from '../../src/lib/flow/reports/status/page.ts';
import { itemLine } from '../../src/lib/render/item.ts';
import { rowTable } from '../../src/lib/render/rows.ts';
import { statusText } from '../../src/lib/render/status.ts';
import { whyText } from '../../src/lib/render/why.ts';
import { shortened, wrapped } from '../../src/lib/render/wrap.ts';

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

test('a line breaks between words, and a long word stays whole', () => {
  expect(wrapped('one two three', 8, '  ')).toEqual(['one two', '  three']);
  expect(wrapped('a /quite/long/path b', 6)).toEqual(['a', '/quite/long/path', 'b']);
  expect(wrapped('ok  columns', 20)).toEqual(['ok  columns']);
  expect(shortened('many words that go on', 15)).toBe('many words...');
});

const DETAIL = 'run 2147480000 is 2147370860 beyond run 109140, runs.maxJump allows 10000';
const NEXT = 'raise runs.maxJump in dflow.yaml, then dflow register';

test('a table of too many columns puts the rest under its rows', () => {
  const row = { kind: 'quarantine', ref: 'quarantine:L1:SNOP_2147480000_000.zdab', run: 2147480000, level: 'L1' };
  const rows = [{ ...row, reason: 'beyond-max-jump', detail: DETAIL, size: 46080, at: '', next: NEXT }] as never;
  const text = rowTable('quarantine', rows, 80);
  expect(widest(text)).toBeLessThanOrEqual(80);
  expect(text).toContain(`\n    Next: ${NEXT}`);
  expect(rowTable('quarantine', rows, 300).split('\n')).toHaveLength(2);
});

test.each([
  ['one host', {}],
  ['a failed round', { outcome: 'no route to slurmctld on login1.example.org', next: 'dflow why login1' }],
  ['turns', { exclusive: 'enqueue', holder: 'enqueue@login2' }],
])('loops fit a terminal of 80 columns: %s', (_, more) => {
  const at = '2026-07-14T12:00:00.000Z';
  const loop = {
    kind: 'loop',
    host: 'login1',
    outcome: 'ok',
    at,
    hash: '0123abcd',
    state: 'running',
    every: 60_000,
    due: at,
  };
  const rows = ['register', 'submit-cedar', 'monitor-poll'].map((name) => {
    return { ...loop, ...more, loop: name, ref: `loop:login1.example.org:${name}` };
  });
  expect(widest(rowTable('loops', rows as never, 80))).toBeLessThanOrEqual(80);
  expect(rowTable('loops', rows as never, 300).split('\n')).toHaveLength(4);
});

test('done of subjobs is one column, and a yes is a yes', () => {
  const job = { kind: 'job', ref: '1/Count/1', state: 'running', done: 2, subjobs: 3 };
  expect(rowTable('jobs', [job] as never, 80)).toMatch(/^REF +STATE +DONE\n1\/Count\/1 +running +2\/3$/);
  const storage = { kind: 'storage', ref: 'sfu', primary: true };
  expect(rowTable('storage', [storage] as never, 80)).toMatch(/sfu +yes/);
});

const PAGE: StatusPage = {
  experiment: 'test',
  at: '2026-07-14T00:00:00.000Z',
  store: 'here',
  needYou: [
    { way: 'held', text: `${DETAIL}, until 2026-07-14T12:00:00.000Z`, next: 'dflow resume hold:a-name-that-is-long' },
    { way: 'failed', text: '1 pass failed', next: 'dflow why --all' },
  ],
  runs: { open: 0, todo: 0, done: 0, late: 0 },
  quarantined: { odd: 1 },
  holds: [],
  loops: ['enqueue', 'monitor', 'register', 'reset', 'submit', 'tables', 'transfer', 'purge'].map((loop) => ({
    ...{ _id: `loop:vm:${loop}`, kind: 'loop', v: 1, host: 'vm', loop, outcome: 'ok', hash: '' },
    at: '2026-07-14T00:00:00.000Z',
  })) as never,
  storage: [],
  buffer: [
    { level: 'L1', bytes: 1, perDay: 1, disk: { host: 'vm', at: '', total: 2, free: 1 }, daysLeft: 50172 },
    { level: 'L2', bytes: 1, perDay: 1, disk: { host: 'vm', at: '', total: 2, free: 1 }, daysLeft: 1.26 },
  ],
  credentials: [],
  jobs: [],
  farms: [],
  requests: [],
} as never;

test('the status page fits, and its numbers make sense', () => {
  const text = statusText(PAGE, 80);
  expect(widest(text)).toBeLessThanOrEqual(80);
  expect(text).toContain('\n    dflow resume hold:a-name-that-is-long\n');
  expect(text).toContain('1 file quarantined');
  expect(text.replace(/\n +/g, ' ')).toMatch(/more than a year left.*1\.3 days left/);
  expect(text).not.toContain('T12:00');
  expect(statusText(PAGE).split('\n')).toHaveLength(6);
});

test('why: one command on a line', () => {
  const gates = [{ gate: 'holds', ok: false, text: DETAIL }];
  const report = {
    ref: '1/A/1',
    about: '',
    state: 'failed',
    verdict: 'failed',
    gates,
    next: ['dflow log 1/A/1; dflow retry 1/A/1'],
  };
  const text = whyText(report as never, 60);
  expect(widest(text)).toBeLessThanOrEqual(60);
  expect(text).toMatch(/\nNext: dflow log 1\/A\/1\n {6}dflow retry 1\/A\/1$/);
});

test('an item: its text goes on under itself', () => {
  const text = itemLine({ did: 'quarantined', ref: 'x', text: DETAIL, next: NEXT } as never, 60);
  expect(text.split('\n')[1]).toMatch(/^ {13}\S/);
  expect(text).toContain(`\n  Next: ${NEXT}`);
});
