// `why --all` and `status` on a store of many passes in which twelve causes are planted: every cause must be told with its
// count, else the benchmark fails.
import { asked, dflow, used, withFolder } from './shared/experiment.mjs';
import { expected, plant } from './shared/planted.mjs';

/** @throws Error a planted cause is not told, or with another count */
function checked(folder, made, say) {
  const rows = asked(folder, ['why', '--all', '--json'])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const lost = expected(made).filter(
    ([words, count]) => !rows.some((one) => one.text.startsWith(words) && one.count === count),
  );
  for (const [words, count] of lost) say(`not told: ${count} ${words}`);
  if (lost.length > 0) throw new Error(`${lost.length} planted causes are not told by why --all`);
}

export default {
  about: 'why --all and status where twelve causes are planted among many passes',
  options: { passes: { fallback: '100000', about: 'how many passes' } },
  async *run({ passes, say }) {
    yield* await withFolder(async (folder) => {
      const made = plant(folder, Number(passes));
      const start = Math.min(...[1, 2, 3].map(() => dflow(folder, ['list', 'holds'])));
      const yardstick = { name: 'list holds', value: start };
      checked(folder, made, say);
      const why = await used(folder, ['why', '--all']);
      const status = await used(folder, ['status'], [0, 1]);
      return [
        { what: `why --all, ${passes} passes`, value: why.seconds, yardstick, target: { under: 3 } },
        { what: `status, ${passes} passes`, value: status.seconds, yardstick, target: { under: 0.5 } },
        { what: `why --all, ${passes} passes, memory`, value: why.mib, unit: 'MiB', target: { under: 250 } },
      ];
    });
  },
};
