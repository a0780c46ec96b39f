// Some charts of the report side by side as one SVG: the picture of the README.
import type { ReportPage } from '../../flow/reports/report/page.ts';
import { charts } from './charts.ts';
import { CHART_STYLE } from './draw.ts';

/** Pixels of a chart with what is between two. */
const COLUMN = 490;
const ROW = 272;

export function reportPicture(page: ReportPage, names: readonly string[]): string {
  const all = charts(page);
  const chosen = names.flatMap((name) => all.find((chart) => chart.name === name) ?? []);
  const placed = chosen.map(({ svg }, at) =>
    svg.replace('<svg', `<svg x="${(at % 2) * COLUMN}" y="${Math.floor(at / 2) * ROW}"`),
  );
  const [width, height] = [2 * COLUMN - 20, Math.ceil(chosen.length / 2) * ROW];
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${width} ${height}" width="${width}" font-family="system-ui, sans-serif" role="img" aria-label="Charts of dflow report"><style>${CHART_STYLE}</style>
${placed.join('\n')}
</svg>
`;
}
