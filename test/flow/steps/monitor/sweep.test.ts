// The daily sweep of job files that lie by claim: what nobody can still start goes, everything else stays.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClaimFolder } from '../../../../src/lib/backends/shared/folder/claims.ts';
import { sweep } from '../../../../src/lib/backends/shared/folder/sweep.ts';
import { UnreachableError } from '../../../../src/lib/util/errors.ts';
import { DAY } from '../../../../src/lib/util/time.ts';

let jobs: ClaimFolder;
let asked: number;
beforeEach(() => {
  jobs = new ClaimFolder(mkdtempSync(join(tmpdir(), 'dflow-sweep-')));
  jobs.create();
  asked = 0;
});
afterEach(() => rmSync(jobs.folder, { recursive: true, force: true }));

/** A claim of two jobs, written so many days ago. */
function claim(name: string, days: number): string[] {
  const keys = [`${name}.0`, `${name}.1`];
  jobs.writeJobs(
    name,
    keys.map((key) => [key, 'job'] as const),
  );
  writeFileSync(jobs.path('logs', name, '0.log'), 'log');
  for (const path of [...keys.map((key) => jobs.jobFile(key)), jobs.path('jobs', name), jobs.path('logs', name)])
    aged(path, days);
  return keys;
}

function aged(path: string, days: number): void {
  const then = (Date.now() - days * DAY) / 1000;
  utimesSync(path, then, then);
}

const swept = (queue: readonly string[] | Error = []) =>
  sweep(jobs, 30 * DAY, () =>
    jobs.closeOld(30 * DAY, async () => {
      asked += 1;
      if (queue instanceof Error) throw queue;
      return new Set(queue);
    }),
  );
const left = (): string[] =>
  jobs
    .list('jobs')
    .flatMap((name) => jobs.list(`jobs/${name}`))
    .sort();

test('a claim that nobody handed over goes, and can never start after that; its logs go with it', async () => {
  const [key] = claim('aa', 31);
  await swept();
  expect(left()).toEqual([]);
  expect(jobs.list('jobs')).toEqual([]);
  expect(jobs.list('logs')).toEqual([]);
  expect(jobs.mark(key!)).toEqual({ kind: 'fenced', why: 'lost' });
});

test('what is young, queued, or whose record waits to be read stays, and may start', async () => {
  const young = claim('aa', 29);
  const queued = claim('bb', 400);
  const recorded = claim('cc', 400);
  for (const key of recorded) jobs.writeRecord(key, 'record');
  await swept(queued);
  expect(left()).toEqual([...young, ...queued, ...recorded]);
  expect(jobs.list('logs').sort()).toEqual(['aa', 'bb', 'cc']);
  for (const key of [...young, ...queued]) expect(jobs.mark(key)).toBeUndefined();
});

test('one that started and left no record goes; its mark stays as long as it is young', async () => {
  const [first, second] = claim('aa', 31);
  writeFileSync(jobs.path('started', first!), 'started 1 1 b e\n');
  await swept([second!]);
  expect(left()).toEqual([second]);
  expect(jobs.mark(first!)?.kind).toBe('started');
});

test('a batch system that does not answer: everything stays until the next day', async () => {
  const keys = claim('aa', 31);
  await swept(new UnreachableError('slurmctld is away'));
  expect(left()).toEqual(keys);
  await swept();
  expect(asked).toBe(1);
  aged(jobs.path('swept'), 2);
  await swept();
  expect(left()).toEqual([]);
});

test('it is asked only where there is something old; an empty folder of a claim goes when it is old', async () => {
  claim('aa', 1);
  for (const [name, days] of [
    ['bb', 31],
    ['cc', 1],
  ] as const) {
    jobs.writeJobs(name, []);
    aged(jobs.path('jobs', name), days);
  }
  await swept();
  expect(asked).toBe(0);
  expect(jobs.list('jobs').sort()).toEqual(['aa', 'cc']);
});
