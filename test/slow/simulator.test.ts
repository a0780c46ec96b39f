// The interleaving simulator over the real flow: thousands of seeds, each a small experiment with everything going
// wrong. DFLOW_SIM_SEED=17 replays one with its trace; DFLOW_SIM_SEEDS=1..20000 plays a range.
import { expect, test } from 'vitest';
import { type Played, play } from '../simulator/run.ts';

const one = process.env.DFLOW_SIM_SEED;
const [from = 1, to = 1500] = (process.env.DFLOW_SIM_SEEDS ?? '1..2000').split('..').map(Number);

/** Adds the counters of one played seed to the sum. */
function add(totals: Map<string, number>, played: Played): void {
  const counters = [...played.faults, ...Object.entries(played.counts), ['calls', played.calls] as const];
  for (const [name, count] of counters) totals.set(name, (totals.get(name) ?? 0) + count);
}

if (one !== undefined) {
  test('one seed, with its trace', async () => {
    const played = await play(Number(one), { trace: true });
    console.log(played.trace.join('\n'));
    expect(played.violations).toEqual([]);
  });
} else {
  test(
    `seeds ${from}..${to}: no invariant is violated, and peace brings every job to its end`,
    async () => {
      const totals = new Map<string, number>();
      const bad: string[] = [];
      for (let seed = from; seed <= to; seed++) {
        const played = await play(seed);
        add(totals, played);
        if (played.violations[0] !== undefined) bad.push(`DFLOW_SIM_SEED=${seed}: ${played.violations[0]}`);
      }
      console.log(`${to - from + 1} seeds`, Object.fromEntries([...totals].sort()));
      expect(bad).toEqual([]);
      // A world in which nothing happened proves nothing.
      for (const kind of [
        'kill',
        'pause',
        'pauseAfter',
        'lost',
        'late',
        'fail',
        'partial',
        'stale',
        'givenUp',
        'completions',
      ]) {
        expect(totals.get(kind) ?? 0, kind).toBeGreaterThan((to - from) / 50);
      }
    },
    60 * 60_000,
  );
}

test('a seed is a whole history: played twice, it is the same to the last line', async () => {
  for (const seed of [3, 14, 159]) {
    const [first, second] = [await play(seed, { trace: true }), await play(seed, { trace: true })];
    expect(first.trace.length).toBeGreaterThan(100);
    expect(second.trace).toEqual(first.trace);
  }
});

test.each([
  ['a store that lets the last writer win', 'last-writer-wins', /started at|not in the transition table|key/],
  ['a batch system that starts jobs at once instead of holding them', 'no-hold', /released, but never recorded/],
  ['a batch system that forgets what it runs', 'forgets', /started at .* while .* is running/],
  ['a batch system that cancels nothing', 'deaf', /is held/],
] as const)('%s is found out', async (_what, sabotage, expected) => {
  const found: string[] = [];
  for (let seed = 1; seed <= 200 && !found.some((text) => expected.test(text)); seed++) {
    found.push(...(await play(seed, { sabotage })).violations);
  }
  expect(found.join('\n')).toMatch(expected);
});
