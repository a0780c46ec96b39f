// The picture of the chain as one self-contained SVG: the same boxes as on a terminal, in the colours of the page around
// it or of the system (dark or light).
import type { FlowBox, FlowFact, FlowPicture } from '../../flow/reports/flow/picture.ts';
import { cleaned } from '../../util/text/terminal.ts';
import { escaped } from '../../util/text/xml.ts';
import { localTime, localTimes } from '../human.ts';
import { shortened, wrapped } from '../wrap.ts';
import { rateText, reasonsOf, rowsOf, valueText } from './words.ts';

/** Pixels. */
const BOX = 196;
const GAP = 30;
const LINE = 20;
const PAD = 12;
const TITLE = 30;
const TURN = 34;
const MARGIN = 8;
/** Characters that a line of a box holds. */
const FITS = 27;

export interface FlowSvgOptions {
  /** Boxes in a row. */
  readonly columns?: number;
  /** Without the head and the list of reasons: a page around it has both. */
  readonly bare?: boolean;
}

const STYLE = `
.flow{color:#1f2328;font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
.flow .box{fill:#f6f8fa;stroke:#c4ccd4}.flow .still .box{fill:#fff1f0;stroke:#c0342b;stroke-width:1.5}
.flow text{fill:currentColor}.flow .title{font-size:11px;font-weight:600;letter-spacing:.06em}
.flow .still .title,.flow .reason .title,.flow .bad{fill:#b3261e}.flow .dim{fill:#59636e}.flow .busy{fill:#0b5fae}.flow .good{fill:#1a7f37}
.flow .value{text-anchor:end;font-variant-numeric:tabular-nums}.flow .way{fill:none;stroke:#8c959f;stroke-width:1.5}
.flow .tip{fill:#8c959f}.flow .next{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:12px;fill:#0b5fae}
.flow .head{font-size:15px;font-weight:600}
@media (prefers-color-scheme:dark){.flow{color:#e6edf3}.flow .box{fill:#161b22;stroke:#3d444d}
.flow .still .box{fill:#2b1512;stroke:#f2685f}.flow .still .title,.flow .reason .title,.flow .bad{fill:#ff8f86}.flow .dim{fill:#9aa4af}
.flow .busy,.flow .next{fill:#79b8ff}.flow .good{fill:#6bd183}.flow .way{stroke:#6e7681}.flow .tip{fill:#6e7681}}`;

export function flowSvg(found: FlowPicture, { columns = 5, bare = false }: FlowSvgOptions = {}): string {
  const picture = cleaned(found);
  const shape = Array.from({ length: Math.ceil(picture.boxes.length / columns) }, () => columns);
  const rows = rowsOf(picture.boxes, shape);
  const width = 2 * MARGIN + columns * BOX + (columns - 1) * GAP;
  const top = bare ? MARGIN : 44;
  const drawn = drawRows(rows, top);
  const reasons = bare ? { text: '', height: 0 } : reasonList(picture, drawn.bottom + 26, width);
  const height = drawn.bottom + reasons.height + MARGIN;
  const background = bare ? '' : `<rect class="ground" width="${width}" height="${height}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" class="flow" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escaped(labelOf(picture))}">
<style>${STYLE}${bare ? '' : GROUND}</style>${background}
${bare ? '' : `<text class="head" x="${MARGIN}" y="26">${escaped(headOf(picture))}</text>\n`}${drawn.text}${reasons.text}
</svg>
`;
}

/** A file of its own brings its ground. */
const GROUND = '\n.flow .ground{fill:#fff}@media (prefers-color-scheme:dark){.flow .ground{fill:#0d1117}}';

function headOf({ experiment, at, run }: FlowPicture): string {
  return `${experiment}${run === undefined ? '' : `, run ${run}`}, ${localTime(at)}`;
}

/** For those who hear the page. */
function labelOf(picture: FlowPicture): string {
  const still = picture.boxes.filter(({ stands }) => stands.length > 0).map(({ title }) => title.toLowerCase());
  return `${headOf(picture)}: ${still.length === 0 ? 'nothing stands still' : `stands still at ${still.join(', ')}`}`;
}

function drawRows(rows: readonly (readonly FlowBox[])[], top: number): { text: string; bottom: number } {
  const parts: string[] = [];
  let y = top;
  for (const [at, row] of rows.entries()) {
    const height = TITLE + PAD + LINE * Math.max(1, ...row.map(lineCount));
    for (const [index, box] of row.entries()) {
      const x = MARGIN + index * (BOX + GAP);
      parts.push(drawBox(box, x, y, height));
      if (index + 1 < row.length) parts.push(arrow(x + BOX, y + TITLE + LINE / 2));
    }
    y += height;
    if (at + 1 === rows.length) break;
    parts.push(turn(MARGIN + (row.length - 1) * (BOX + GAP) + BOX / 2, y));
    y += TURN;
  }
  return { text: parts.join('\n'), bottom: y };
}

const lineCount = ({ about, facts, rates }: FlowBox): number =>
  (about === undefined ? 0 : 1) + facts.length + rates.length;

function drawBox(box: FlowBox, x: number, y: number, height: number): string {
  const still = box.stands.length > 0;
  const lines = [
    ...(box.about === undefined ? [] : [dimLine(box.about)]),
    ...box.facts.map(factLine),
    ...box.rates.map((rate) => dimLine(rateText(rate))),
  ];
  const placed = lines.map((draw, at) => draw(x, y + TITLE + 14 + at * LINE));
  const told = box.stands.map(({ text, next }) => `${text} (${next})`).join('\n');
  return `<g${still ? ' class="still"' : ''}>${still ? `<title>${escaped(told)}</title>` : ''}<rect class="box" x="${x}" y="${y}" width="${BOX}" height="${height}" rx="7"/>
<text class="title" x="${x + PAD}" y="${y + 20}">${still ? '! ' : ''}${escaped(box.title)}</text>
${placed.join('')}</g>`;
}

type Draw = (x: number, y: number) => string;

function dimLine(text: string): Draw {
  return (x, y) => `<text class="dim" x="${x + PAD}" y="${y}">${escaped(shortened(text, FITS))}</text>`;
}

function factLine(fact: FlowFact): Draw {
  const value = shortened(valueText(fact), FITS - 4);
  const name = shortened(fact.name, value === '' ? FITS : Math.max(3, FITS - value.length));
  const look = value === '' ? ' class="dim"' : '';
  return (x, y) =>
    `<text${look} x="${x + PAD}" y="${y}">${escaped(name)}</text>${
      value === ''
        ? ''
        : `<text class="value${fact.look ? ` ${fact.look}` : ''}" x="${x + BOX - PAD}" y="${y}">${escaped(value)}</text>`
    }`;
}

function arrow(x: number, y: number): string {
  return `<path class="way" d="M${x + 3} ${y}h${GAP - 12}"/><path class="tip" d="M${x + GAP - 3} ${y}l-7 -4v8z"/>`;
}

/** From under the last box of a row to above the first of the next one. */
function turn(from: number, y: number): string {
  const to = MARGIN + BOX / 2;
  const middle = y + TURN / 2;
  return `<path class="way" d="M${from} ${y + 3}V${middle - 6}q0 6 -6 6H${to + 6}q-6 0 -6 6V${y + TURN - 9}"/><path class="tip" d="M${to} ${y + TURN - 3}l-4 -7h8z"/>`;
}

function reasonList(picture: FlowPicture, top: number, width: number): { text: string; height: number } {
  const all = reasonsOf(picture);
  const columns = Math.floor((width - 170) / 6.6);
  const parts: string[] = [];
  let y = top;
  for (const { title, text, next } of all) {
    parts.push(`<g class="reason"><text class="title" x="${MARGIN}" y="${y}">! ${escaped(title)}</text></g>`);
    for (const line of wrapped(localTimes(text), columns)) {
      parts.push(`<text x="${MARGIN + 150}" y="${y}">${escaped(line.trim())}</text>`);
      y += LINE - 2;
    }
    for (const command of next.split(/; (?=dflow )/)) {
      parts.push(`<text class="next" x="${MARGIN + 150}" y="${y}">${escaped(command)}</text>`);
      y += LINE - 2;
    }
    y += 8;
  }
  return { text: `\n${parts.join('\n')}`, height: all.length === 0 ? 0 : y - top + 8 };
}
