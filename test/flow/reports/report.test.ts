// dflow report: numbers from counts and daily samples, an honest page where there are none, and files that need nothing
// else. What a browser makes of the page is tested in test/systems/report.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type DayDoc, dayed } from '../../../src/lib/domain/day.ts';
import { unsound } from '../../../src/lib/domain/schemas.ts';
import { leaveDay } from '../../../src/lib/flow/copies/days.ts';
import type { ReportPage } from '../../../src/lib/flow/reports/report/page.ts';
import { report } from '../../../src/lib/flow/reports/report/report.ts';
import { daysUntilFull, moduleUsage, yearFrom } from '../../../src/lib/flow/reports/report/sums.ts';
import { charts } from '../../../src/lib/render/report/charts.ts';
import { reportHtml } from '../../../src/lib/render/report/html.ts';
import { reportMarkdown } from '../../../src/lib/render/report/markdown.ts';
import { idsWith } from '../../../src/lib/store.ts';
import { T0 } from '../../support/ports.ts';
import { runIn, setSubjob, standingWorld, type World } from '../../support/standing.ts';

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.remove();
});

async function made(...args: Parameters<typeof standingWorld>): Promise<World> {
  const world = await standingWorld(...args);
  worlds.push(world);
  return world;
}

const today = (world: World): string => world.ago(0).slice(0, 10);
/** The day on which the run of the world was seen and registered; it was copied today. */
const BEGIN = T0.slice(0, 10);
const pageOf = (world: World): Promise<ReportPage> => report(world, { from: BEGIN, yearFrom: today(world) });

const USAGE = { wall: 7200, cpu: 3600, maxRss: 900 * 1024, host: 'n1' };

test('days, elements, passes and modules: from views and from the sample that transfer left', async () => {
  const world = await made({});
  const lock = { site: 'here', epoch: 1, claim: 'c', index: 0 };
  await setSubjob(world, { name: 'completed', since: world.ago(0), lock, execution: 'e', outputs: [], usage: USAGE });
  const page = await pageOf(world);
  const [first, last] = [page.days[0]!, page.days.at(-1)!];
  expect([first.day, first.runs, last.day]).toEqual([BEGIN, 1, today(world)]);
  const bytes = first.registered.L1!;
  expect(bytes).toBeGreaterThan(0);
  expect(last.copied).toEqual({ a: bytes, b: bytes });
  expect(page.elements.map(({ name, files, missing }) => [name, files, missing])).toEqual([
    ['a', 1, 0],
    ['b', 1, 0],
  ]);
  expect(page.elements[0]!.days).toEqual([{ day: last.day, ok: 1, failed: 0 }]);
  expect(page.elements[0]!.space[0]!.total).toBeGreaterThan(0);
  expect(page.modules).toMatchObject([{ module: 'Count', version: '1.0', jobs: 1, cpu: 3600, wall: 7200 }]);
  expect(page.modules[0]!.memory).toEqual({ half: 2 ** 30, most: 2 ** 30, largest: 2 ** 30 });
  expect(page.unknown.join()).toContain('samples of two days');
  // Where Plot doubts its data it draws a sign, and writes to the terminal.
  for (const { svg } of charts(page)) expect(svg).not.toContain('⚠');
  const names = charts(page).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['runs', 'registered', 'copied', 'efficiency', 'space', 'cpu', 'memory']),
  );
});

test('a store without samples says what is not known yet; nothing of runs, files or passes is listed', async () => {
  const world = await made({}, { run: false });
  const ranges: string[] = [];
  const store = new Proxy(world.store, {
    get: (target, name) => {
      const own = Reflect.get(target, name, target);
      if (name !== 'range') return typeof own === 'function' ? own.bind(target) : own;
      return (range: { start: string }) => {
        ranges.push(range.start);
        return target.range(range as never);
      };
    },
  });
  const page = await pageOf({ ...world, store });
  expect(ranges.filter((start) => /^(run|data|job):/.test(start))).toEqual([]);
  expect(page.unknown).toHaveLength(3);
  const html = reportHtml(page);
  expect(html).toContain('Not known yet');
  expect(html).toContain('there is none yet');
  expect(charts(page)).toEqual([]);
  expect(reportMarkdown(page)).toContain('transfer and monitor leave a sample each day');
});

test('the sample of a day: one document, valid, at most every ten minutes; a dry run leaves none', async () => {
  const world = await made({});
  const docs = () => world.store.range<DayDoc>(idsWith('day:'));
  const [first] = await docs();
  expect(first).toMatchObject({ kind: 'day', day: today(world), runs: { todo: 1 }, elements: { a: { ok: 1 } } });
  expect(unsound(first!)).toBeUndefined();
  await leaveDay(world, { space: true });
  expect((await docs()).map(({ _rev }) => _rev)).toEqual([first!._rev]);
});

test('a host that does not ask for the space keeps what another one said; copies are those of the day', () => {
  const facts = { host: 'one', runs: {}, passes: {}, buffers: {}, files: { ral: 3 } };
  const samples = [
    {
      _id: 'sample:ral',
      kind: 'sample' as const,
      v: 1,
      name: 'ral',
      hours: [
        { hour: '2026-07-13T23', ok: 50, failed: 9 },
        { hour: '2026-07-14T01', ok: 4, failed: 1 },
        { hour: '2026-07-14T02', ok: 5, failed: 0 },
      ],
    },
  ];
  const space = new Map([['ral', { total: 10, free: 4 }]]);
  const first = dayed(undefined, '2026-07-14T02:10:00.000Z', { ...facts, samples, space });
  const next = dayed(first, '2026-07-14T02:30:00.000Z', { ...facts, samples });
  expect(next.elements).toEqual({ ral: { files: 3, ok: 9, failed: 1, total: 10, free: 4 } });
  expect(next.spaceAt).toBe('2026-07-14T02:10:00.000Z');
});

describe('sums', () => {
  test('days until an element is full, where it fills', () => {
    const space = (day: string, free: number) => ({ day, total: 100, free });
    expect(daysUntilFull([space('2026-07-01', 60), space('2026-07-11', 40)])).toBe(20);
    expect(daysUntilFull([space('2026-07-01', 40), space('2026-07-11', 60)])).toBeUndefined();
    expect(daysUntilFull([space('2026-07-01', 40)])).toBeUndefined();
  });

  test('the year begins where it is said, and only on a day that every year has', () => {
    const now = '2026-03-05T00:00:00.000Z';
    expect(yearFrom('01-01', now)).toBe('2026-01-01');
    expect(yearFrom('04-01', now)).toBe('2025-04-01');
    for (const wrong of ['02-30', '02-29', '4-1', 'april', '13-01'])
      expect(() => yearFrom(wrong, now)).toThrow('is not a day of every year');
  });

  test('the memory of half, of 95 of 100, and of the largest job', () => {
    const groups = (...steps: [string, number][]) =>
      steps.map(([step, value]) => ({ key: ['memory', 'M 1', step] as [string, string, string], value }));
    const jobs = [{ key: ['jobs', 'M 1', '2026-07-14'] as [string, string, string], value: 100 }];
    const [one] = moduleUsage({
      jobs,
      cpu: [],
      wall: [],
      memory: groups(['000002', 60], ['000004', 39], ['000016', 1]),
    });
    const MIB = 2 ** 20;
    expect(one!.memory).toEqual({ half: 512 * MIB, most: 1024 * MIB, largest: 4096 * MIB });
  });
});

test('the page needs nothing else, and text from outside is only text', async () => {
  const page = await pageOf(await made({}));
  const evil = '<img src=x onerror=alert(1)>';
  const html = reportHtml({
    ...page,
    experiment: evil,
    needYou: [{ way: 'x', text: evil, next: 'dflow why --all' }],
    failures: [{ cause: evil, site: 'here', how: 'failed', subjobs: 3 }],
  });
  expect(html).not.toMatch(/<img|<script/);
  expect(html.replaceAll('http://www.w3.org/', '')).not.toMatch(/(https?:)?\/\/\w|url\(/);
  expect(html.match(/<figure/g)!.length).toBeGreaterThan(2);
});

test('as a file, as Markdown, as JSON and as charts; a wrong request is named', async () => {
  const world = await made({});
  const at = (name: string): string => join(world.folder, name);
  await runIn(world, ['report', '--week', '--out', at('report.html')]);
  expect(readFileSync(at('report.html'), 'utf8')).toMatch(/^<!doctype html>.*<\/html>\n$/s);
  await runIn(world, ['report', '--svg', at('charts'), '--since', BEGIN]);
  const files = readdirSync(at('charts'));
  expect(files).toEqual(expect.arrayContaining(['copied.svg', 'flow.svg', 'runs.svg']));
  for (const file of files) expect(readFileSync(join(at('charts'), file), 'utf8')).toMatch(/^<svg .*xmlns=.*<style>/s);
  const { kind, from } = JSON.parse((await runIn(world, ['report', '--since', '2026-01-01', '--json'])).out);
  expect([kind, from]).toEqual(['report', '2026-01-01']);
  expect((await runIn(world, ['report', '--md'])).out).toContain('## Storage elements');
  await expect(runIn(world, ['report', '--md', '--request', 'none'])).rejects.toMatchObject({ exit: 2 });
});

test('what draws charts is loaded by report alone: other commands start as before', () => {
  const root = resolve(import.meta.dirname, '../../../src');
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const importing = (what: RegExp): string[] =>
    sources.filter((name) => what.test(readFileSync(join(root, name), 'utf8'))).sort();
  expect(importing(/from '(@observablehq\/plot|linkedom)'/)).toEqual([
    'lib/render/report/charts.ts',
    'lib/render/report/draw.ts',
  ]);
  const drawing = ['lib/render/report/html.ts', 'lib/render/report/picture.ts'];
  expect(importing(/from '[^']*\/charts\.ts'/)).toEqual(drawing);
  expect(importing(/from '[^']*\/draw\.ts'/)).toEqual(['lib/render/report/charts.ts', ...drawing]);
  // Only what makes documents, and is no part of a command, draws the picture of the README.
  expect(importing(/from '[^']*report\/picture\.ts'/)).toEqual(['lib/cli/output/reference.ts']);
  expect(importing(/from '[^']*report\/html\.ts'/)).toEqual([]);
});

test('notes that people wrote in the time shown: the newest first, on the page, as Markdown and as data', async () => {
  const world = await made({});
  const note = (at: string, text: string, refs: string[] = []) =>
    world.put({ _id: `note:${at}:n`, kind: 'note', at, by: 'anna@login', text, refs });
  await note('1999-01-01T00:00:00.000Z', 'long ago');
  await note(world.ago(2 * 3_600_000), 'cedar is slow');
  await note(world.ago(3_600_000), 'optics <odd>', ['1/Count/1']);
  const page = await pageOf(world);
  expect(page.notes.map(({ by, text }) => `${by}: ${text}`)).toEqual([
    'anna@login: optics <odd> (1/Count/1)',
    'anna@login: cedar is slow',
  ]);
  expect(reportMarkdown(page)).toMatch(
    /## Notes\n\n\| written \| by \| note \|\n.*\n\| .* \| anna@login \| optics <odd> \(1\/Count\/1\) \|/,
  );
  const html = reportHtml(page);
  expect(html).toMatch(/<h2[^>]*>Notes<\/h2>/);
  expect(html).toContain('optics &lt;odd&gt; (1/Count/1)');
  expect(html).not.toContain('long ago');
});
