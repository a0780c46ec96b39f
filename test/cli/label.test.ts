// Labels on the built program: what REFs and flags name, and where the label is seen afterwards.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dflow, folder, lines, must, removeFolders } from '../support/cli.ts';
import { job } from '../support/docs.ts';

afterAll(removeFolders);

let place: string;
beforeAll(() => {
  place = folder();
  for (const name of ['raw', 'store']) mkdirSync(join(place, name));
  writeFileSync(
    join(place, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat'}\nstorage: {disk: ./store}\n`,
  );
  must(place, ['store', 'setup']);
  const at = '2026-07-14T02:00:00.000Z';
  const runs = [1, 2, 3, 4].map((run) => {
    const _id = `run:${String(run).padStart(10, '0')}`;
    return { _id, kind: 'run', v: 1, run, levels: {}, firstSeen: at, history: [] };
  });
  const docs = [...runs, job({ run: 1 }), job({ run: 2 }), job({ run: 2, pass: 2 })];
  writeFileSync(join(place, 'docs.jsonl'), docs.map((doc) => `${JSON.stringify(doc)}\n`).join(''));
  must(place, ['store', 'import', 'docs.jsonl']);
  writeFileSync(join(place, 'gold.txt'), '# July\n1\n2-3\n');
});

const said = (args: readonly string[], input?: string) => {
  const ran = dflow(place, [...args, '--json'], input === undefined ? {} : { input });
  return [ran.code, ...lines(ran.out).map(({ did, ref, passes }) => `${did} ${ref} ${passes ?? '-'}`)];
};
const listed = (kind: string, label: string) =>
  must(place, ['list', kind, '--label', label, '--format', 'ids']).trim().split('\n');

test('runs by REF, range, file and pipe; a dry run first', () => {
  const add = ['label', 'add', 'gold', '1', '2-3'];
  expect(dflow(place, [...add, '-n']).out).toContain('would be labelled\t1\tgold, with 1 pass');
  expect(said(add)).toEqual([0, 'labelled 1 1', 'labelled 2 2', 'labelled 3 0']);
  expect(said(['label', 'add', 'gold', '--run', '@gold.txt'])).toEqual([
    0,
    'unchanged 1 0',
    'unchanged 2 0',
    'unchanged 3 0',
  ]);
  expect(listed('runs', 'gold')).toEqual(['1', '2', '3']);
  expect(listed('jobs', 'gold')).toEqual(['1/Count/1', '2/Count/2']);
  const gold = must(place, ['list', 'runs', '--label', 'gold', '--json']);
  expect(said(['label', 'remove', 'gold', '-'], gold)).toEqual([
    0,
    'unlabelled 1 1',
    'unlabelled 2 2',
    'unlabelled 3 0',
  ]);
  expect(must(place, ['list', 'labels'])).toBe('');
});

test('passes by REF, by a range with a module, and by flags', () => {
  expect(said(['label', 'add', 'checked', '2/Count', '1-2/Count/1'])).toEqual([
    0,
    'labelled 2/Count/2 -',
    'labelled 1/Count/1 -',
    'labelled 2/Count/1 -',
  ]);
  expect(said(['label', 'remove', 'checked', '--label', 'checked', '--run', '2', '--pass', 'all'])).toEqual([
    0,
    'unlabelled 2/Count/1 -',
    'unlabelled 2/Count/2 -',
  ]);
  expect(must(place, ['list', 'labels', '--format', 'tsv'])).toBe('checked\t0\t1\n');
});

test('show and history say it, with the person and the reason', () => {
  must(place, ['label', 'add', 'best', '4', '--why', 'calm detector'], [0], { env: { DFLOW_USER: 'anna' } });
  expect(JSON.parse(must(place, ['show', '4', '--json']))).toMatchObject({ labels: ['best'] });
  const [row] = lines(must(place, ['history', '4', '--by', 'anna', '--json']));
  expect(row).toMatchObject({ to: 'label best', why: 'calm detector', by: expect.stringContaining('(label add)') });
});

test.each([
  [['gold'], 2, 'a REF or a selection is required'],
  [['a b', '1'], 2, "'a b' is not a label"],
  [['gold', '1/Count/1.000'], 2, "'1/Count/1.000' is a subjob"],
  [['gold', '@gold.txt'], 2, 'a range of runs: --run 2-3'],
  [['gold', '99'], 1, 'no such run'],
  [['gold', '99/Count'], 1, 'no such job'],
] as const)('label add %j ends with %i: %s', (words, code, text) => {
  const ran = dflow(place, ['label', 'add', ...words]);
  expect([ran.code, ran.out + ran.err]).toEqual([code, expect.stringContaining(text)]);
});
