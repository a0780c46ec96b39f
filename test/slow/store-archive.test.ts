// store archive and unarchive of the built program, killed wherever it is (support/archiving.ts), what is refused, and what
// list archived says. Here since each kill is a process.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { archiveKilled, BEFORE, endedExperiment } from '../support/archiving.ts';
import { dflow, lines, must, removeFolders } from '../support/cli.ts';

const RUNS = 600;
const KILLS = 6;

let at: string;
beforeAll(() => {
  at = endedExperiment('sqlite:./dflow.db', RUNS);
});
afterAll(removeFolders);

test('killed again and again, both ways: nothing is lost or doubled', () => archiveKilled(at, RUNS, KILLS));

test('what is refused: no date, a date to come, a file that is not whole, another experiment, an archive as a backup', () => {
  expect(dflow(at, ['store', 'archive', 'archive/', '--yes'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--before DATE is required'),
  });
  expect(dflow(at, ['store', 'archive', '--before', '2999-01-01', 'archive/', '--yes'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('in the future'),
  });
  expect(dflow(at, ['store', 'archive', '--before', BEFORE, 'archive/'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--yes'),
  });
  const file = join(at, 'one.jsonl');
  must(at, ['store', 'archive', '--before', BEFORE, file, '--yes', '--quiet']);
  const text = readFileSync(file, 'utf8');
  writeFileSync(join(at, 'half.jsonl'), text.slice(0, -500));
  writeFileSync(join(at, 'other.jsonl'), text.replace('"experiment":"demo"', '"experiment":"other"'));
  for (const name of ['half.jsonl', 'other.jsonl', 'docs.jsonl', 'none.jsonl'])
    expect(dflow(at, ['store', 'unarchive', name]).code, name).toBe(2);
  expect(dflow(at, ['store', 'restore', file, '--yes'])).toMatchObject({
    code: 2,
    err: expect.stringContaining(`dflow store unarchive ${file}`),
  });
  // Moved away by hand: the run is not lost, and the message says how to go on.
  writeFileSync(join(at, 'moved.jsonl'), text);
  writeFileSync(file, text.replace('"L1"', '"L2"'));
  const away = dflow(at, ['store', 'unarchive', '1000', '--json']);
  expect(away.code).toBe(1);
  expect(lines(away.out)).toMatchObject([{ did: 'kept', next: expect.stringContaining('--file FILE') }]);
  // What archives know: a row for each run, and a REF that goes into unarchive.
  const rows = lines(must(at, ['list', 'archived', '--run', '1000-1003', '--json']));
  expect(rows.map(({ ref }) => ref)).toEqual(['1000', '1001', '1002', '1003']);
  const next = 'dflow store unarchive 1000';
  expect(rows[0]).toMatchObject({ state: 'archived', file, files: 2, passes: 2, documents: 4, next });
  expect(must(at, ['list', 'archived', '1000', '1001', '--format', 'tsv']).trimEnd().split('\n')).toHaveLength(2);
  expect(must(at, ['list', 'archived', '--state', 'leaving'])).toBe('');
  expect(dflow(at, ['list', 'archived', '1000', '5000', '--json'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('no archive has this run'),
  });
  must(at, ['store', 'unarchive', '1000', '--file', 'moved.jsonl']);
  must(at, ['show', '1000']);
  expect(dflow(at, ['store', 'unarchive', '1000'])).toMatchObject({ code: 1 });
});
