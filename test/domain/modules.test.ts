// The demo's raw files and example modules: the files decode as made, the scripts agree with the reader in domain/,
// damage ends with its place, and the real sample of the detector goes through both.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeExperiment } from '../../src/lib/cli/demo/experiment.ts';
import { RUNS } from '../../src/lib/cli/demo/runs.ts';
import { parseRatdb } from '../../src/lib/domain/formats/ratdb.ts';
import { events, parseRunHeader, RECORD_BYTES } from '../../src/lib/domain/formats/zdab.ts';

const sample = resolve(import.meta.dirname, '../../../shared/data/Demo_Events.zdab');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-modules-'));
  makeExperiment(folder, { seed: 1 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const raw = (name: string): string => join(folder, 'raw/l1', name);

/** Runs one of the modules as a job would; answers the text of each output. */
function run(script: string, inputs: readonly string[], outputs: readonly string[]): string[] {
  const paths = outputs.map((name) => join(folder, name));
  execFileSync('node', [join(folder, 'modules', script), ...inputs, ...paths], { stdio: 'pipe' });
  return paths.map((path) => readFileSync(path, 'utf8'));
}

test('the raw files are true ZDAB: run, mask and events, over record boundaries', () => {
  const names = readdirSync(join(folder, 'raw/l1')).filter((name) => name.endsWith('.zdab'));
  expect(names.length).toBeGreaterThan(40);
  for (const name of names.filter((file) => file !== 'SNOP_0000109134_001.zdab')) {
    const bytes = readFileSync(raw(name));
    const number = Number(name.slice(5, 15));
    expect(bytes.length % RECORD_BYTES, name).toBe(0);
    expect(bytes.length, name).toBeGreaterThan(RECORD_BYTES);
    expect(parseRunHeader(bytes)?.run, name).toBe(number);
    const read = [...events(bytes)];
    expect(read.length, name).toBeGreaterThanOrEqual(40);
    expect(new Set(read.map((event) => event.run)), name).toEqual(new Set([number]));
  }
  expect(parseRunHeader(readFileSync(raw('SNOP_0000109133_000.zdab')))?.mask).toBe(0b10000100);
  expect(parseRunHeader(readFileSync(raw('SNOP_0000109137_000.zdab')))?.mask).toBe(0b100000);
});

test('all is there that the demo is to show', () => {
  const there = (path: string): boolean => existsSync(join(folder, path));
  expect(there('raw/l1/SNOP_0000109129_001.zdab')).toBe(false);
  expect(there('raw/l1/SNOP_0000109140_001.zdab') && !there('raw/l1/SNOP_0000109140_001.zdab_closed')).toBe(true);
  expect(there('raw/l1/SNOP_2147480000_000.zdab_closed')).toBe(true);
  expect(there('later/RUN_0000109128.ratdb') && !there('ratdb/RUN_0000109128.ratdb')).toBe(true);
  const tables = readdirSync(join(folder, 'ratdb')).flatMap((name) =>
    parseRatdb(readFileSync(join(folder, 'ratdb', name), 'utf8')),
  );
  expect(tables).toHaveLength(RUNS.length - 2);
  expect(tables.find((table) => table.fields.run_range && table.ranges[0]?.[0] === 109137)?.fields.runtype).toBe(32);
});

test('the same seed makes the same bytes, another seed others; a folder of something else is refused', () => {
  const [again, other] = [mkdtempSync(join(tmpdir(), 'dflow-a-')), mkdtempSync(join(tmpdir(), 'dflow-b-'))];
  try {
    makeExperiment(again, { seed: 1 });
    makeExperiment(again, { seed: 1 });
    makeExperiment(other, { seed: 2 });
    const bytes = (where: string): Buffer => readFileSync(join(where, 'raw/l1/SNOP_0000109120_000.zdab'));
    expect(bytes(again).equals(bytes(folder))).toBe(true);
    expect(bytes(other).equals(bytes(folder))).toBe(false);
    rmSync(join(other, '.dflow-demo'));
    expect(() => makeExperiment(other, { seed: 1 })).toThrow(/does not hold a demo/);
    expect(existsSync(join(other, 'raw/l1'))).toBe(true);
  } finally {
    for (const path of [again, other]) rmSync(path, { recursive: true, force: true });
  }
});

test('Processing decodes what the reader decodes; Analysis40 keeps nhit >= 40 and bins them', () => {
  const files = ['SNOP_0000109120_000.zdab', 'SNOP_0000109120_001.zdab'].map(raw);
  const [lines = ''] = run('processing.mjs', files, ['out.jsonl']);
  const expected = files.flatMap((file) => [...events(readFileSync(file))]);
  const read = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(read).toEqual(expected);
  const [json = '', text = ''] = run('analysis40.mjs', [join(folder, 'out.jsonl')], ['h.json', 'h.txt']);
  const histogram = JSON.parse(json);
  const kept = expected.filter((event) => event.nhit >= 40);
  expect(kept.length).toBeGreaterThan(0);
  expect(histogram).toMatchObject({ threshold: 40, events: expected.length, selected: kept.length, list: kept });
  for (const { from, to, count } of histogram.bins) {
    expect(kept.filter((event) => event.nhit >= from && event.nhit <= to)).toHaveLength(count);
  }
  expect(histogram.bins.reduce((sum: number, bin: { count: number }) => sum + bin.count, 0)).toBe(kept.length);
  expect(text).toContain(`${kept.length} of ${expected.length} events`);
});

test.each([
  ['a damaged event', () => raw('SNOP_0000109134_001.zdab')],
  ['a file cut short', () => cut(20_000)],
  ['an empty file', () => cut(0)],
  ['a text', () => written(Buffer.alloc(RECORD_BYTES, 'run 12 '))],
])('Processing ends with exit 2, the file and the same offset as the reader: %s', (_what, make) => {
  const file = make();
  let offset: unknown;
  try {
    [...events(readFileSync(file))];
  } catch (error) {
    offset = (error as { offset: number }).offset;
  }
  const ended = spawnSync('node', [join(folder, 'modules/processing.mjs'), file, join(folder, 'none.jsonl')], {
    encoding: 'utf8',
  });
  expect(ended.status).toBe(2);
  expect(ended.stderr).toMatch(`${file}: offset ${offset}: `);
  expect(existsSync(join(folder, 'none.jsonl'))).toBe(false);
});

function cut(length: number): string {
  return written(readFileSync(raw('SNOP_0000109120_000.zdab')).subarray(0, length));
}
function written(bytes: Buffer): string {
  const path = join(folder, 'broken.zdab');
  writeFileSync(path, bytes);
  return path;
}

test.skipIf(!existsSync(sample))(`both modules work on ${sample}: three events, nhit 364 each`, () => {
  const [lines = ''] = run('processing.mjs', [sample], ['sample.jsonl']);
  const read = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(read.map((event) => [event.run, event.nhit])).toEqual(Array(3).fill([3510, 364]));
  const [json = '', text = ''] = run('analysis40.mjs', [join(folder, 'sample.jsonl')], ['s.json', 's.txt']);
  expect(JSON.parse(json)).toMatchObject({ events: 3, selected: 3, bins: [{ from: 360, to: 379, count: 3 }] });
  expect(text).toContain('360-379');
});
