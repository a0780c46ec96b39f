// The table of docs/performance.md: a line for each thing measured, and when and where that was.
const HEAD = ['benchmark', 'measured', 'dflow', 'yardstick', 'ratio', 'target', 'when and where'];
const [BEGIN, END] = ['<!-- measured -->', '<!-- /measured -->'];

const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/** A value with its unit: seconds without one. */
function shown(value, unit = 's') {
  return value === undefined ? '' : `${digits(value)} ${unit}`;
}

/** The ratio that counts: how many times as fast as the yardstick, or how many times as much. */
export function ratioOf({ value, yardstick, ratio }) {
  if (ratio !== undefined || yardstick === undefined) return ratio;
  return yardstick.value / value;
}

/** What a row may aim at, and whether it is met: parts of `target`, in words. */
const AIMS = {
  atLeast: { met: (row, aim) => ratioOf(row) >= aim, text: (aim) => `at least ${aim}x` },
  atMost: { met: (row, aim) => ratioOf(row) <= aim, text: (aim) => `at most ${aim}x` },
  under: { met: (row, aim) => row.value <= aim, text: (aim, row) => `at most ${aim} ${row.unit ?? 's'}` },
  mib: { met: (row, aim) => row.mib <= aim, text: (aim) => `at most ${aim} MiB` },
  first: { met: (row, aim) => row.first <= aim, text: (aim) => `first row in ${aim} s` },
};
const aims = (row) => Object.entries(row.target ?? {}).filter(([, aim]) => aim !== undefined);

/** True or false where the row has a target. */
export function met(row) {
  const all = aims(row);
  return all.length === 0 ? undefined : all.every(([name, aim]) => AIMS[name].met(row, aim));
}

function targetText(row) {
  const words = aims(row).map(([name, aim]) => AIMS[name].text(aim, row));
  return words.length === 0 ? '' : `${words.join(', ')}: ${met(row) ? 'met' : 'missed'}`;
}

export function cells(bench, row, where) {
  const ratio = ratioOf(row);
  const ours = [shown(row.value, row.unit), row.also].filter(Boolean).join('; ');
  const theirs = row.yardstick && `${row.yardstick.name} ${shown(row.yardstick.value, row.unit)}`;
  return [bench, row.what, ours, theirs ?? '', ratio === undefined ? '' : `${digits(ratio)}x`, targetText(row), where];
}

const line = (all) => `| ${all.map((cell) => cell.replaceAll('|', '/')).join(' | ')} |`;

/** The text of the page with these lines: the same benchmark and the same words replace what was measured before. */
export function written(page, lines) {
  const [before, rest] = page.split(`${BEGIN}\n`);
  const [table, after] = (rest ?? '').split(END);
  if (after === undefined) throw new Error(`docs/performance.md has no table between ${BEGIN} and ${END}`);
  const key = (all) => all.slice(0, 2).join('|');
  const old = table
    .split('\n')
    .slice(3)
    .filter((one) => one.startsWith('|'))
    .map((one) =>
      one
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const fresh = new Map(lines.map((all) => [key(all), all]));
  const all = [...old.map((one) => fresh.get(key(one)) ?? one)];
  const known = new Set(old.map(key));
  for (const one of lines) if (!known.has(key(one))) all.push(one);
  const text = [HEAD, HEAD.map(() => '---'), ...all].map(line).join('\n');
  return `${before}${BEGIN}\n\n${text}\n\n${END}${after}`;
}
