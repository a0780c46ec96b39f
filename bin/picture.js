// A terminal's screen as SVG, for the documents.

const ADVANCE = 8.4;
const LINE = 19;
const MARGIN = 16;
const BAR = 34;
const COLOURS = {
  30: '#6e7681',
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#76e3ea',
};

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A colour, or text up to the next one. */
const ESC = String.fromCharCode(27);
const SGR = new RegExp(`${ESC}\\[([\\d;]*)m|([^${ESC}]+)`, 'g');

/** Runs of one line that look alike. */
function runsOf(line) {
  let style = {};
  let column = 0;
  const runs = [];
  for (const [, codes, text] of line.matchAll(SGR)) {
    if (text === undefined) {
      for (const code of codes.split(';').map(Number)) style = styled(style, code);
      continue;
    }
    runs.push({ column, text, style });
    column += [...text].length;
  }
  return { runs, width: column };
}

function styled(style, code) {
  if (code === 0) return {};
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, colour: undefined };
  const colour = COLOURS[code >= 90 ? code - 60 : code];
  return colour ? { ...style, colour } : style;
}

/** `screen`: text with the colours of a terminal. */
export function terminalPicture(title, screen) {
  const lines = screen.trimEnd().split('\n').map(runsOf);
  const width = Math.ceil(MARGIN * 2 + ADVANCE * Math.max(80, ...lines.map((line) => line.width)));
  const height = Math.ceil(BAR + MARGIN * 1.5 + LINE * lines.length);
  const text = lines.flatMap(({ runs }, row) =>
    runs.map(({ column, text: words, style }) => {
      const look = [`fill="${style.colour ?? '#e6edf3'}"`];
      if (style.bold) look.push('font-weight="700"');
      if (style.dim) look.push('opacity="0.65"');
      const [x, y] = [MARGIN + column * ADVANCE, BAR + MARGIN + row * LINE];
      const wide = `textLength="${([...words].length * ADVANCE).toFixed(1)}" lengthAdjust="spacingAndGlyphs"`;
      return `<text x="${x.toFixed(1)}" y="${y}" xml:space="preserve" ${wide} ${look.join(' ')}>${escaped(words)}</text>`;
    }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escaped(title)}">
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<circle cx="20" cy="17" r="5.5" fill="#ff5f57"/><circle cx="38" cy="17" r="5.5" fill="#febc2e"/><circle cx="56" cy="17" r="5.5" fill="#28c840"/>
<text x="${width / 2}" y="22" fill="#8b949e" font-family="system-ui, sans-serif" font-size="13" text-anchor="middle">${escaped(title)}</text>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">
${text.join('\n')}
</g>
</svg>
`;
}
