// Plays seeds outside vitest, for long hunts: sums up the kinds of violations, or prints the trace of one seed.
//   npx esbuild test/simulator/replay.ts --bundle --platform=node --format=esm --loader:.sh=text --outfile=/tmp/sim.mjs
//   DFLOW_SIM_SEEDS=1..20000 node /tmp/sim.mjs      DFLOW_SIM_SEED=17 DFLOW_SIM_GREP='VIOL|submit' node /tmp/sim.mjs
import { play } from './run.ts';

const one = process.env.DFLOW_SIM_SEED;
const [from = 1, to = 1000] = (process.env.DFLOW_SIM_SEEDS ?? '1..1000').split('..').map(Number);

if (one !== undefined) {
  const played = await play(Number(one), { trace: true });
  const only = process.env.DFLOW_SIM_GREP;
  const lines = only === undefined ? played.trace : played.trace.filter((line) => new RegExp(only).test(line));
  console.log(lines.join('\n'));
  console.log(played.violations.join('\n') || 'no violation');
} else {
  const totals = new Map<string, number>();
  const kinds = new Map<string, number[]>();
  const began = performance.now();
  for (let seed = from; seed <= to; seed++) {
    const played = await play(seed);
    for (const [kind, count] of [
      ...played.faults,
      ...Object.entries(played.counts),
      ['calls', played.calls] as const,
    ]) {
      totals.set(kind, (totals.get(kind) ?? 0) + count);
    }
    const first = played.violations[0];
    if (first === undefined) continue;
    const shape = first
      .slice(25)
      .replace(/\bn0[0-9a-z]{3,}/g, 'N')
      .replace(/\d+/g, '#')
      .slice(0, Number(process.env.DFLOW_SIM_WIDTH ?? 160));
    kinds.set(shape, [...(kinds.get(shape) ?? []), seed]);
  }
  const seconds = (performance.now() - began) / 1000;
  for (const [shape, seeds] of [...kinds].sort((a, b) => b[1].length - a[1].length)) {
    console.log(`${String(seeds.length).padStart(5)}  ${shape}\n       seeds ${seeds.slice(0, 8).join(' ')}`);
  }
  console.log(Object.fromEntries(totals));
  console.log(`${to - from + 1} seeds in ${seconds.toFixed(1)} s, ${Math.round((to - from + 1) / seconds)} seeds/s`);
}
