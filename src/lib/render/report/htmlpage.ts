// A page of HTML that needs nothing else: no script, no font, no picture from elsewhere. Dark and light as the system is; a
// phone shows one column.
import { escaped } from '../../util/text/xml.ts';
import { humanCount } from '../human.ts';

const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--text:#1f2328;--dim:#59636e;--line:#d6dce2;--card:#f6f8fa;--bad:#b3261e;--warn:#9a6700;--good:#1a7f37;--code:#0b5fae}
@media (prefers-color-scheme:dark){:root{--ground:#0d1117;--text:#e6edf3;--dim:#9aa4af;--line:#30363d;--card:#161b22;--bad:#ff8f86;--warn:#e0aa48;--good:#6bd183;--code:#79b8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
main{max-width:1060px;margin:0 auto;padding:24px 20px 48px}
h1{font-size:24px;margin:0}h2{font-size:16px;margin:36px 0 10px;padding-bottom:6px;border-bottom:1px solid var(--line)}
.sub{color:var(--dim);margin:2px 0 0}.bad{color:var(--bad)}.warn{color:var(--warn)}.good{color:var(--good)}.dim{color:var(--dim)}
ul.needs{list-style:none;margin:0;padding:0}ul.needs{border-left:3px solid var(--bad);padding-left:14px}ul.needs li{padding:4px 0;line-height:1.4}
code{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;color:var(--code);overflow-wrap:anywhere}
svg{display:block;max-width:100%;height:auto}.narrow{display:none}
.charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:20px;align-items:start}
.charts figure{margin:0;padding:12px;background:var(--card);border:1px solid var(--line);border-radius:8px}
.charts svg{width:100%}
.wide-table{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:6px 16px 6px 0;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:top}
th{font-size:12px;color:var(--dim);font-weight:600}td.number,th.number{text-align:right}td.text{white-space:normal;min-width:220px}
.bar{display:inline-block;width:90px;height:8px;background:var(--line);border-radius:4px;overflow:hidden;vertical-align:middle}
.bar i{display:block;height:100%;background:var(--good)}
@media (max-width:720px){main{padding:16px 14px 32px}.charts{grid-template-columns:minmax(0,1fr);gap:14px}.charts figure{padding:8px}.wide{display:none}.narrow{display:block}}
@media print{.charts figure{break-inside:avoid}}`;

/** A whole page of HTML; empty parts are left out. */
export function htmlPage(title: string, parts: readonly string[], style = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escaped(title)}</title>
<style>${STYLE}${style}</style>
</head>
<body>
<main>
${parts.filter((part) => part !== '').join('\n')}
</main>
</body>
</html>
`;
}

export function section(title: string, body: string): string {
  return body === '' ? '' : `<section><h2>${title}</h2>\n${body}</section>`;
}

export type Cell = string | { readonly number: string } | { readonly html: string };

/** A title that begins with `#` heads a column of numbers. */
export function table(titles: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '';
  const heads = titles.map((title) =>
    title.startsWith('#') ? `<th class="number">${escaped(title.slice(1))}</th>` : `<th>${escaped(title)}</th>`,
  );
  const lines = rows.map((row) => `<tr>${row.map(cellHtml).join('')}</tr>`);
  return `<div class="wide-table"><table><thead><tr>${heads.join('')}</tr></thead><tbody>${lines.join('\n')}</tbody></table></div>`;
}

function cellHtml(cell: Cell): string {
  if (typeof cell === 'string') return `<td>${escaped(cell)}</td>`;
  if ('number' in cell) return `<td class="number">${escaped(cell.number)}</td>`;
  return `<td class="text">${cell.html}</td>`;
}

export const number = (value: number): Cell => ({ number: humanCount(value) });
