// store archive and unarchive of the built program, killed wherever it is: each document is in the store, or its run is
// marked and the file has it, and in the end all are as they were. Here since each kill is a process.
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { dflow, folder, lines, must, removeFolders, start } from '../support/cli.ts';
import { endedRun, runDoc, storedData } from '../support/ended.ts';

const RUNS = Array.from({ length: 600 }, (_, at) => 1000 + at);
const KILLS = 6;
const BEFORE = '2026-08-01';

let at: string;
beforeAll(() => {
  at = folder();
  for (const name of ['raw', 'disk', 'archive']) mkdirSync(join(at, name));
  const config = [
    'experiment: demo',
    'store: sqlite:./dflow.db',
    'buffer: [{level: L1, path: raw, pattern: "run{run}_{subrun}.dat"}]',
    'storage: {disk: disk}',
    'copies: {raw: 1, purgeAfter: 1}',
  ];
  writeFileSync(join(at, 'dflow.yaml'), config.join('\n'));
  const docs: Doc[] = [...RUNS.flatMap((run) => endedRun(run)), runDoc(5000), storedData(5000)];
  writeFileSync(join(at, 'docs.jsonl'), docs.map((doc) => JSON.stringify(doc)).join('\n'));
  must(at, ['store', 'setup']);
  must(at, ['store', 'import', 'docs.jsonl', '--quiet']);
});
afterAll(removeFolders);

const exported = (): string[] =>
  must(at, ['store', 'export'])
    .split('\n')
    .filter((line) => line !== '' && !line.includes('"kind":"lease"'))
    .sort();

/** Ids of documents in the files of the archive, whole ones only. */
function filed(): Set<string> {
  const names = readdirSync(join(at, 'archive')).filter((name) => !name.startsWith('.'));
  const texts = names.map((name) =>
    readFileSync(join(at, 'archive', name), 'utf8')
      .trimEnd()
      .split('\n'),
  );
  return new Set(texts.flat().flatMap((line) => (JSON.parse(line) as Partial<Doc>)._id ?? []));
}

/** Nothing is in neither place, and no run is in the store by half without a mark. */
function nothingLost(before: readonly string[]): void {
  const now = exported().map((line) => JSON.parse(line) as JobDoc);
  const there = new Set(now.map(({ _id }) => _id));
  const marked = new Set(now.filter(({ kind }) => String(kind) === 'archived').map(({ run }) => run));
  const inFile = filed();
  const lost = before
    .map((line) => JSON.parse(line) as JobDoc)
    .filter(({ _id, run }) => !there.has(_id) && !(marked.has(run) && inFile.has(_id)));
  expect(lost.map(({ _id }) => _id)).toEqual([]);
}

/** Starts the command and kills it after a share of the time that a whole call takes. True when it was killed. */
async function killedAfter(args: readonly string[], milliseconds: number): Promise<boolean> {
  const child = start(at, args);
  const exit = once(child, 'exit');
  await Promise.race([exit, wait(milliseconds)]);
  child.kill('SIGKILL');
  const [, signal] = await exit;
  return signal === 'SIGKILL';
}

test('killed again and again, both ways: nothing is lost or doubled', async () => {
  const before = exported();
  expect(before).toHaveLength(4 * RUNS.length + 2);
  const archive = ['store', 'archive', '--before', BEFORE, 'archive/', '--yes'];
  const began = Date.now();
  must(at, archive);
  const whole = Date.now() - began;
  expect(exported()).toHaveLength(RUNS.length + 2);
  must(at, ['store', 'unarchive', '0-']);
  expect(exported()).toEqual(before);

  for (let kill = 1; kill <= KILLS; kill++) {
    await killedAfter(archive, (whole * kill) / (KILLS + 1));
    nothingLost(before);
  }
  const items = lines(must(at, [...archive, '--json']));
  expect(items.filter(({ failed }) => failed)).toEqual([]);
  expect(exported().filter((line) => !line.includes('"kind":"archived"'))).toHaveLength(2);
  must(at, ['store', 'check']);

  for (let kill = 1; kill <= KILLS; kill++) {
    await killedAfter(['store', 'unarchive', '0-'], (whole * kill) / (KILLS + 1));
    nothingLost(before);
  }
  must(at, ['store', 'unarchive', '0-']);
  expect(exported()).toEqual(before);
  must(at, ['store', 'check']);
});

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
  must(at, ['store', 'unarchive', '1000', '--file', 'moved.jsonl']);
  must(at, ['show', '1000']);
  expect(dflow(at, ['store', 'unarchive', '1000'])).toMatchObject({ code: 1 });
});
