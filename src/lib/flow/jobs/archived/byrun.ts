// Documents of many runs, one of each run: where most runs are neighbours as ranges, which a server reads twice as fast as
// ids, and which cost nothing where nothing is.
import type { Doc } from '../../../domain/doc.ts';
import { runPad } from '../../../domain/ids.ts';
import { denseSpansOfRuns, type ReadStore } from '../../../store.ts';

/** What exists of the documents `prefix` + run. Other documents whose ids only begin so are left out. */
export async function docsByRun<D extends Doc>(
  store: ReadStore,
  prefix: string,
  runs: Iterable<number>,
): Promise<Map<string, D>> {
  const all = [...new Set(runs)];
  const ids = all.map((run) => `${prefix}${runPad(run)}`);
  const spans = denseSpansOfRuns(prefix, all);
  if (!spans || ids.length === 0) return store.get<D>(ids);
  const asked = new Set(ids);
  const found = await store.ranges<D>(spans);
  return new Map(found.flatMap((doc) => (asked.has(doc._id) ? [[doc._id, doc]] : [])));
}
