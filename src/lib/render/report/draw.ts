// How a chart becomes an SVG that is complete by itself: title, legend, and colours for dark and light. Plot and its DOM are
// heavy; only who draws loads this file.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { escaped } from '../../util/text/xml.ts';

export interface Chart {
  /** Of its file: `copied`. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

/** Pixels: a card of the page on a desk; a phone shows it at three quarters, still readable. */
const WIDTH = 470;
const HEIGHT = 230;

/** Colours in order. Variables of the style, so that dark and light differ. */
export const SERIES = [
  'var(--c1)',
  'var(--c2)',
  'var(--c4)',
  'var(--c5)',
  'var(--c3)',
  'var(--good)',
  'var(--c6)',
  'var(--none)',
];

export const CHART_STYLE = `
.chart{--c1:#2f6fb2;--c2:#3f9ea8;--c3:#9aa7b5;--c4:#c98a1b;--c5:#8461b5;--c6:#a8577e;--good:#4b9a57;--bad:#c0342b;--bad2:#df8a6b;--none:#c4ccd4;color:#1f2328}
@media (prefers-color-scheme:dark){.chart{--c1:#6aa9e9;--c2:#5fc2cb;--c3:#76828f;--c4:#e0aa48;--c5:#b096de;--c6:#d58cb0;--good:#6bbf78;--bad:#f2685f;--bad2:#e59c80;--none:#4a525b;color:#e6edf3}}`;

declare global {
  /** The parts of an element that charts use. The types of React declare `Element` without members. */
  interface Element {
    outerHTML: string;
    getAttribute(name: string): string | null;
    setAttribute(name: string, value: string): void;
  }
}

export function drawn(
  name: string,
  title: string,
  legend: readonly string[],
  colours: readonly string[],
  options: Plot.PlotOptions,
): Chart {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const lines = legendLines(legend);
  const top = 34 + 18 * lines.length;
  const svg = Plot.plot({
    document,
    width: WIDTH,
    marginTop: top,
    marginLeft: 58,
    marginRight: 16,
    style: { fontSize: '12px', background: 'none', fontFamily: 'inherit' },
    ...options,
    height: (options.height ?? HEIGHT) + 18 * lines.length,
    x: { label: null, ...options.x },
    color: { domain: [...(legend.length > 0 ? legend : ['runs'])], range: [...colours] },
  });
  svg.setAttribute('class', `${svg.getAttribute('class') ?? ''} chart`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', title);
  const head = `<text class="chart-title" x="4" y="15" font-size="13" font-weight="600">${escaped(title)}</text>`;
  const keys = lines.map((keys, row) =>
    keys.map(({ word, x, index }) => {
      const y = 24 + 18 * row;
      return `<rect x="${x}" y="${y}" width="10" height="10" rx="2" fill="${colours[index % colours.length]}"/><text x="${x + 15}" y="${y + 9}" font-size="12">${escaped(word)}</text>`;
    }),
  );
  const group = `<g class="chart-head" fill="currentColor" stroke="none" text-anchor="start">${head}${keys.flat().join('')}</g>`;
  const text = svg.outerHTML.replace(/<\/svg>$/, `${group}</svg>`);
  return {
    name,
    title,
    svg: text.includes('xmlns=') ? text : text.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"'),
  };
}

interface Key {
  readonly word: string;
  readonly index: number;
  readonly x: number;
}

/** Names of the series in as many lines as they need. */
function legendLines(words: readonly string[]): Key[][] {
  const lines: Key[][] = [];
  let x = 4;
  for (const [index, word] of words.entries()) {
    const width = 32 + 7 * word.length;
    const line = x + width > WIDTH ? undefined : lines.at(-1);
    if (line) line.push({ word, index, x });
    else {
      x = 4;
      lines.push([{ word, index, x }]);
    }
    x += width;
  }
  return lines;
}
