// The pages of dflow in a real browser (Chromium, headless): no complaint, nothing wider than the screen of a phone, every
// chart drawn, in dark and in light. DFLOW_TEST_PICTURES=FOLDER keeps what was seen.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { T0 } from '../support/ports.ts';
import { runIn, setSubjob, standingWorld, type World } from '../support/standing.ts';
import { Browser } from './browser.ts';

let world: World;
let browser: Browser;

beforeAll(async () => {
  world = await standingWorld({});
  const lock = { site: 'here', epoch: 1, claim: 'c', index: 0 };
  const usage = { wall: 7200, cpu: 3600, maxRss: 900 * 1024, host: 'n1' };
  await setSubjob(world, { name: 'completed', since: world.ago(0), lock, execution: 'e', outputs: [], usage });
  await runIn(world, ['report', '--out', join(world.folder, 'report.html'), '--since', T0]);
  await runIn(world, ['report', '--svg', join(world.folder, 'charts'), '--since', T0]);
  browser = await Browser.start();
});

afterAll(async () => {
  await browser?.close();
  await world?.remove();
});

function keep(name: string, png: string): void {
  const folder = process.env.DFLOW_TEST_PICTURES;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.png`), Buffer.from(png, 'base64'));
}

const ASK = `({
  wide: document.documentElement.scrollWidth,
  ground: getComputedStyle(document.body).backgroundColor,
  charts: [...document.querySelectorAll('figure svg')].map((svg) => svg.getBoundingClientRect()).map(({ width, height }) => [width, height]),
  marks: document.querySelectorAll('figure svg rect, figure svg path, figure svg circle').length,
  titles: [...document.querySelectorAll('.chart-title')].map((text) => text.getBoundingClientRect().left - text.closest('svg').getBoundingClientRect().left),
  flow: [...document.querySelectorAll('svg.flow')].filter((svg) => svg.getBoundingClientRect().width > 0).length,
})`;

interface Seen {
  readonly wide: number;
  readonly ground: string;
  readonly charts: readonly (readonly [number, number])[];
  readonly marks: number;
  readonly titles: readonly number[];
  readonly flow: number;
}

test.each([
  ['light', { width: 1100 }, 'rgb(255, 255, 255)'],
  ['dark', { width: 1100, dark: true }, 'rgb(13, 17, 23)'],
  ['phone', { width: 390, height: 844, dark: true }, 'rgb(13, 17, 23)'],
] as const)('the report, %s', async (name, look, ground) => {
  const { value, complaints, png } = await browser.open(join(world.folder, 'report.html'), look, ASK);
  const seen = value as Seen;
  keep(`report-${name}`, png);
  expect(complaints).toEqual([]);
  expect(seen.wide).toBeLessThanOrEqual(look.width);
  expect(seen.ground).toBe(ground);
  expect(seen.charts.length).toBeGreaterThanOrEqual(6);
  for (const [width, height] of seen.charts) expect([width > 250, height > 60]).toEqual([true, true]);
  expect(seen.marks).toBeGreaterThan(seen.charts.length);
  // A title that is cut off at the left is not read.
  for (const left of seen.titles) expect(left).toBeGreaterThanOrEqual(0);
  // One of the two pictures of the chain: the wide or the narrow one.
  expect(seen.flow).toBe(1);
});

test.each(['flow', 'copied', 'cpu'])('the file of one chart: %s', async (name) => {
  const ask = `document.querySelectorAll('rect, path').length`;
  const { value, complaints, png } = await browser.open(
    join(world.folder, 'charts', `${name}.svg`),
    { width: 1200 },
    ask,
  );
  keep(`chart-${name}`, png);
  expect(complaints).toEqual([]);
  expect(Number(value)).toBeGreaterThan(1);
});
