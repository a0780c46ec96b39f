// Analysis40: events of Processing in, those with nhit >= 40 out, with a histogram, as JSON and as text.
// usage: node analysis40.mjs INPUT... HISTOGRAM.json HISTOGRAM.txt
import { readFileSync, writeFileSync } from 'node:fs';

const THRESHOLD = 40;
const WIDTH = 20; // nhit per bin

const args = process.argv.slice(2);
const [json, text] = args.splice(-2);
const events = args.flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line)),
);
const selected = events.filter((event) => event.nhit >= THRESHOLD);
const counts = new Map();
for (const { nhit } of selected) {
  const from = THRESHOLD + WIDTH * Math.floor((nhit - THRESHOLD) / WIDTH);
  counts.set(from, (counts.get(from) ?? 0) + 1);
}
const bins = [...counts].sort(([a], [b]) => a - b).map(([from, count]) => ({ from, to: from + WIDTH - 1, count }));
writeFileSync(
  json,
  `${JSON.stringify({ threshold: THRESHOLD, events: events.length, selected: selected.length, bins, list: selected })}\n`,
);

const most = Math.max(1, ...bins.map((bin) => bin.count));
const rows = bins.map(({ from, to, count }) => {
  const bar = '#'.repeat(Math.max(1, Math.round((40 * count) / most)));
  return `${`${from}-${to}`.padStart(11)} ${String(count).padStart(6)} ${bar}`;
});
const head = `nhit >= ${THRESHOLD}: ${selected.length} of ${events.length} events`;
writeFileSync(text, `${[head, ...rows].join('\n')}\n`);
process.stdout.write(`${head}\n`);
