// store archive and unarchive of the built program over any store, killed wherever they are: each document is in the store,
// or its run is marked and the file has it, and in the end all are as they were.
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { folder, lines, must, start } from './cli.ts';
import { endedRun, runDoc, storedData } from './ended.ts';

export const BEFORE = '2026-08-01';
/** Whose documents stay: the newest run and its data. */
const NEWEST = 5000;

/** An experiment with so many runs that ended, and one that has not; `archive/` is there. */
export function endedExperiment(store: string, runs: number): string {
  const at = folder();
  for (const name of ['raw', 'disk', 'archive', 'db']) mkdirSync(join(at, name));
  const config = [
    'experiment: demo',
    `store: '${store}'`,
    'buffer: [{level: L1, path: raw, pattern: "run{run}_{subrun}.dat"}]',
    'storage: {disk: disk}',
    'copies: {raw: 1, purgeAfter: 1}',
  ];
  writeFileSync(join(at, 'dflow.yaml'), config.join('\n'));
  const ended = Array.from({ length: runs }, (_, index) => endedRun(1000 + index));
  const docs: Doc[] = [...ended.flat(), runDoc(NEWEST), storedData(NEWEST)];
  writeFileSync(join(at, 'docs.jsonl'), docs.map((doc) => JSON.stringify(doc)).join('\n'));
  must(at, ['store', 'setup']);
  must(at, ['store', 'import', 'docs.jsonl', '--quiet']);
  return at;
}

const exported = (at: string): string[] =>
  must(at, ['store', 'export'])
    .split('\n')
    .filter((line) => line !== '' && !line.includes('"kind":"lease"'))
    .sort();

/** Ids of documents in the files of the archive, whole ones only. */
function filed(at: string): Set<string> {
  const names = readdirSync(join(at, 'archive')).filter((name) => !name.startsWith('.'));
  const texts = names.map((name) =>
    readFileSync(join(at, 'archive', name), 'utf8')
      .trimEnd()
      .split('\n'),
  );
  return new Set(texts.flat().flatMap((line) => (JSON.parse(line) as Partial<Doc>)._id ?? []));
}

/** Nothing is in neither place, and no run is in the store by half without a mark. */
function nothingLost(at: string, before: readonly string[]): void {
  const now = exported(at).map((line) => JSON.parse(line) as JobDoc);
  const there = new Set(now.map(({ _id }) => _id));
  const marked = new Set(now.filter(({ kind }) => String(kind) === 'archived').map(({ run }) => run));
  const inFile = filed(at);
  const lost = before
    .map((line) => JSON.parse(line) as JobDoc)
    .filter(({ _id, run }) => !there.has(_id) && !(marked.has(run) && inFile.has(_id)));
  expect(lost.map(({ _id }) => _id)).toEqual([]);
}

/** Starts the command and kills it after so long. */
async function killedAfter(at: string, args: readonly string[], milliseconds: number): Promise<void> {
  const child = start(at, args);
  const exit = once(child, 'exit');
  await Promise.race([exit, wait(milliseconds)]);
  child.kill('SIGKILL');
  await exit;
}

/** Both ways `kills` times; `blow` happens to the store between the calls. */
export async function archiveKilled(
  at: string,
  runs: number,
  kills: number,
  blow: () => Promise<void> = async () => undefined,
): Promise<void> {
  const before = exported(at);
  expect(before).toHaveLength(4 * runs + 2);
  const archive = ['store', 'archive', '--before', BEFORE, 'archive/', '--yes'];
  const began = Date.now();
  must(at, archive);
  const whole = Date.now() - began;
  expect(exported(at)).toHaveLength(runs + 2);
  must(at, ['store', 'unarchive', '0-']);
  expect(exported(at)).toEqual(before);

  for (let kill = 1; kill <= kills; kill++) {
    await killedAfter(at, archive, (whole * kill) / (kills + 1));
    await blow();
    nothingLost(at, before);
  }
  const items = lines(must(at, [...archive, '--json']));
  expect(items.filter(({ failed }) => failed)).toEqual([]);
  expect(exported(at).filter((line) => !line.includes('"kind":"archived"'))).toHaveLength(2);
  must(at, ['store', 'check']);

  for (let kill = 1; kill <= kills; kill++) {
    await killedAfter(at, ['store', 'unarchive', '0-'], (whole * kill) / (kills + 1));
    await blow();
    nothingLost(at, before);
  }
  must(at, ['store', 'unarchive', '0-']);
  expect(exported(at)).toEqual(before);
  must(at, ['store', 'check']);
}
