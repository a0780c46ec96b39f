// The charts of the report as SVG, each complete by itself: title, legend and colours for dark and light. Plot and its DOM
// are heavy; only who draws loads this file.
import * as Plot from '@observablehq/plot';
import type { ReportPage } from '../../flow/reports/report/page.ts';
import { DAY } from '../../util/time.ts';
import { humanSize } from '../human.ts';
import { CHART_STYLE, type Chart, drawn, SERIES } from './draw.ts';

/** By state, cause of colour; the others in order. Variables of the style, so that dark and light differ. */
const OF_STATE: Readonly<Record<string, string>> = {
  completed: 'var(--good)',
  running: 'var(--c1)',
  submitted: 'var(--c2)',
  submitting: 'var(--c2)',
  waiting: 'var(--c3)',
  held: 'var(--c4)',
  failed: 'var(--bad)',
  partFail: 'var(--bad2)',
  canceled: 'var(--none)',
  deleted: 'var(--none)',
};
/** The chart as a file of its own, with its colours. */
export function chartFile({ svg }: Chart): string {
  return `${svg.replace(/(<svg[^>]*>)/, `$1<style>${CHART_STYLE}</style>`)}\n`;
}

/** Every chart of which something is known. */
export function charts(page: ReportPage): Chart[] {
  const from = (day: string): Plot.ScaleOptions => ({ type: 'utc', domain: [dateOf(day), after(page.to)], ticks: 5 });
  const [time, year] = [from(page.from), from(page.yearFrom)];
  return [
    ...runs(page, time),
    ...bytes(
      'registered',
      'Registered, bytes a day',
      series(page.days, ({ registered }) => registered),
      time,
    ),
    ...bytes(
      'copied',
      'Copied to each storage element, bytes a day',
      series(page.days, ({ copied }) => copied),
      time,
      page.elements.map(({ name }) => name),
    ),
    ...efficiency(page, time),
    ...space(page, time),
    ...passes(page, time),
    ...cumulative(page, 'cpu', `CPU hours since ${page.yearFrom}`, year),
    ...cumulative(page, 'wall', `Wall-clock hours since ${page.yearFrom}`, year),
    ...memory(page),
    ...failures(page),
  ];
}

interface Point {
  readonly x: Date;
  readonly y: number;
  readonly of: string;
}

/** `0.002`, `40`, `12k` */
const short = (value: number): string => (value >= 10_000 ? `${value / 1000}k` : String(Number(value.toPrecision(3))));

const dateOf = (day: string): Date => new Date(`${day}T00:00:00Z`);
/** The colour of each series: an element has the same in every chart. */
function coloursOf(legend: readonly string[], first: readonly string[] = []): string[] {
  const place = (name: string): number => (first.includes(name) ? first.indexOf(name) : legend.indexOf(name));
  return legend.map((name) => SERIES[place(name) % SERIES.length] ?? 'currentColor');
}

/** The midnight that ends a day. */
const after = (day: string): Date => new Date(dateOf(day).getTime() + DAY);
/** Names of the series; those of `first` come first, so that an element has one colour in every chart. */
function names(points: readonly Point[], first: readonly string[] = []): string[] {
  const found = new Set(points.map(({ of }) => of));
  return [...first.filter((name) => found.has(name)), ...[...found].filter((name) => !first.includes(name))];
}

function series<T extends { readonly day: string }>(
  days: readonly T[],
  of: (day: T) => Readonly<Record<string, number>>,
) {
  return days.flatMap((one) =>
    Object.entries(of(one)).map(([name, y]): Point => ({ x: dateOf(one.day), y, of: name })),
  );
}

/** Bars of a day, or of a week where days would be too thin. */
const intervalOf = (days: number): 'day' | 'week' => (days > 120 ? 'week' : 'day');

function runs({ days }: ReportPage, x: Plot.ScaleOptions): Chart[] {
  if (days.every((one) => one.runs === 0)) return [];
  const points = days.map(({ day, runs: y }): Point => ({ x: dateOf(day), y, of: 'runs' }));
  return [bars('runs', `New runs a ${intervalOf(days.length)}`, points, [], { x, y: { tickFormat: 'd' } })];
}

function bytes(
  name: string,
  title: string,
  points: readonly Point[],
  x: Plot.ScaleOptions,
  first: readonly string[] = [],
): Chart[] {
  if (points.length === 0) return [];
  return [
    bars(name, title, points, names(points, first), { x, y: { tickFormat: (value: number) => humanSize(value) } }),
  ];
}

interface BarOptions {
  readonly x: Plot.ScaleOptions;
  readonly y: Plot.ScaleOptions;
  readonly colours?: readonly string[];
}

function bars(
  name: string,
  title: string,
  points: readonly Point[],
  legend: readonly string[],
  { x, y, colours = SERIES }: BarOptions,
): Chart {
  const days = new Set(points.map((point) => point.x.getTime())).size;
  const channels = {
    x: 'x',
    y: 'y',
    fill: 'of',
    interval: intervalOf(days),
    order: legend.length > 0 ? [...legend] : null,
  };
  const bins = Plot.binX({ y: 'sum' }, channels);
  return drawn(name, title, legend, colours, {
    x,
    y: { ...y, ticks: 4, grid: true, label: null },
    marks: [Plot.rectY(points, { ...bins, insetLeft: 0.5, insetRight: 0.5 }), Plot.ruleY([0])],
  });
}

/** The share of copies that worked, by day; the alarm below which a person is told is a line. */
function efficiency({ elements, alarm }: ReportPage, x: Plot.ScaleOptions): Chart[] {
  const order = elements.map(({ name }) => name);
  const points = elements.flatMap(({ name, days }) =>
    days.flatMap(({ day, ok, failed }): Point[] =>
      ok + failed === 0 ? [] : [{ x: dateOf(day), y: ok / (ok + failed), of: name }],
    ),
  );
  if (points.length === 0) return [];
  return [
    drawn('efficiency', 'Share of copies that worked', names(points), coloursOf(names(points), order), {
      x,
      y: {
        domain: [Math.min(0.7, ...points.map(({ y }) => y)), 1],
        ticks: 4,
        grid: true,
        label: null,
        tickFormat: '.0%',
      },
      marks: [
        Plot.ruleY([alarm], { stroke: 'var(--bad)', strokeDasharray: '4 3' }),
        Plot.lineY(points, { x: 'x', y: 'y', stroke: 'of', z: 'of', strokeWidth: 2 }),
        Plot.dot(points, { x: 'x', y: 'y', fill: 'of', r: 2.5 }),
      ],
    }),
  ];
}

function space({ elements }: ReportPage, x: Plot.ScaleOptions): Chart[] {
  const order = elements.map(({ name }) => name);
  const points = elements.flatMap(({ name, space: days }) =>
    days.map(({ day, total, free }): Point => ({ x: dateOf(day), y: 1 - free / total, of: name })),
  );
  if (points.length === 0) return [];
  return [
    drawn('space', 'Storage elements, share that is full', names(points), coloursOf(names(points), order), {
      x,
      y: { domain: [0, 1], ticks: 4, grid: true, label: null, tickFormat: '.0%' },
      marks: [
        Plot.lineY(points, { x: 'x', y: 'y', stroke: 'of', z: 'of', strokeWidth: 2 }),
        Plot.dot(points, { x: 'x', y: 'y', fill: 'of', r: 2.5 }),
        Plot.ruleY([0]),
      ],
    }),
  ];
}

function passes({ passes: days }: ReportPage, x: Plot.ScaleOptions): Chart[] {
  const found = series(days, ({ states }) => states);
  if (found.length === 0) return [];
  const states = Object.keys(OF_STATE).filter((state) => found.some(({ of }) => of === state));
  const colours = states.map((state) => OF_STATE[state] ?? 'var(--none)');
  const points = found.filter(({ of }) => states.includes(of));
  return [
    drawn('passes', 'Passes by state', states, colours, {
      x,
      y: { ticks: 4, grid: true, label: null, tickFormat: 'd' },
      marks: [
        Plot.rectY(points, {
          x: 'x',
          y: 'y',
          fill: 'of',
          interval: 'day',
          order: states,
          insetLeft: 0.5,
          insetRight: 0.5,
        }),
        Plot.ruleY([0]),
      ],
    }),
  ];
}

/** Lines of a chart at most. */
const LINES = 7;

function cumulative({ modules, to }: ReportPage, what: 'cpu' | 'wall', title: string, x: Plot.ScaleOptions): Chart[] {
  const points = modules.slice(0, LINES).flatMap(({ module, version, days }): Point[] => {
    let sum = 0;
    const all = days.map((day): Point => {
      sum += day[what] / 3600;
      return { x: dateOf(day.day), y: sum, of: `${module} ${version}` };
    });
    const last = all.at(-1);
    // What does not grow any more goes on as a flat line.
    return last ? [...all, { ...last, x: after(to) }] : [];
  });
  if (points.every(({ y }) => y === 0)) return [];
  return [
    drawn(what, title, names(points), SERIES, {
      x,
      y: { ticks: 4, grid: true, label: null, tickFormat: short },
      marks: [
        Plot.lineY(points, { x: 'x', y: 'y', stroke: 'of', z: 'of', strokeWidth: 2, curve: 'step-after' }),
        Plot.dot(points, { x: 'x', y: 'y', fill: 'of', r: 2 }),
        Plot.ruleY([0]),
      ],
    }),
  ];
}

/** From what half of the jobs took to what the largest took. */
function memory({ modules }: ReportPage): Chart[] {
  const rows = modules
    .slice(0, LINES)
    .flatMap(({ module, version, memory: one }) => (one ? [{ of: `${module} ${version}`, ...one }] : []));
  if (rows.length === 0) return [];
  return [
    drawn('memory', 'Memory of jobs: half, 95 of 100, the largest', [], SERIES, {
      height: 70 + 34 * rows.length,
      marginLeft: marginFor(rows),
      x: {
        ticks: 4,
        grid: true,
        label: null,
        tickFormat: (value: number) => humanSize(value),
        domain: [0, Math.max(...rows.map((one) => one.largest))],
      },
      y: { label: null, domain: rows.map(({ of }) => of), tickSize: 0 },
      marks: [
        Plot.ruleY(rows, { y: 'of', x1: 'half', x2: 'largest', stroke: 'var(--c3)', strokeWidth: 2 }),
        Plot.dot(rows, { y: 'of', x: 'half', fill: 'var(--c1)', r: 4 }),
        Plot.dot(rows, { y: 'of', x: 'most', fill: 'var(--c4)', r: 4 }),
        Plot.dot(rows, { y: 'of', x: 'largest', fill: 'var(--bad)', r: 4 }),
      ],
    }),
  ];
}

function failures({ failures: all }: ReportPage): Chart[] {
  const sums = new Map<string, number>();
  for (const { cause, subjobs } of all) sums.set(cause, (sums.get(cause) ?? 0) + subjobs);
  const rows = [...sums]
    .map(([of, y]) => ({ of, y }))
    .sort((a, b) => b.y - a.y)
    .slice(0, 12);
  if (rows.length === 0) return [];
  return [
    drawn('failures', 'Failed subjobs by cause', [], SERIES, {
      height: 62 + 26 * rows.length,
      marginLeft: marginFor(rows),
      marginRight: 46,
      x: { axis: null },
      y: { label: null, domain: rows.map(({ of }) => of), tickSize: 0 },
      marks: [
        Plot.barX(rows, { y: 'of', x: 'y', fill: 'var(--bad)', insetTop: 3, insetBottom: 3 }),
        Plot.text(rows, { y: 'of', x: 'y', text: 'y', dx: 6, textAnchor: 'start', fill: 'currentColor' }),
      ],
    }),
  ];
}

const marginFor = (rows: readonly { readonly of: string }[]): number =>
  Math.min(190, 20 + 7 * Math.max(...rows.map(({ of }) => of.length)));
