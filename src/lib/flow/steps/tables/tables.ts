// Run tables: masks that stored tables give, what was corrected, and the first pass: the jobs of each complete run, in the
// order of their needs. Loading, looking up and tags are in jobs/tables/.

import { firstPassJobs } from '../../../domain/firstpass/firstpass.ts';
import { runId } from '../../../domain/ids.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { TablesAway } from '../../../domain/tables/tablegates.ts';
import { together } from '../../../util/concurrency.ts';
import { batches } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import { views } from '../../../views/index.ts';
import { withDryRun } from '../../dry.ts';
import { isAway, statesNow, tablesAwayItem } from '../../jobs/tables/source.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { setMasks } from '../../switches/mask.ts';
import { firstPasses } from './firstpasses.ts';
import { newMasks, sweep } from './sweep.ts';

/** Runs whose tables are looked up together. */
const BATCH = 500;

/** The first pass: masks that stored RUN tables give, then the command for each complete run that lacks a required table. */
export function tables(ports: Ports, options: StepOptions = {}): Step {
  return withDryRun(ports, options, (on) => makeTables(on, options));
}

async function* makeTables(ports: Ports, options: StepOptions): Step {
  const jobs = firstPassJobs(ports.settings.tables);
  const [typed] = await ports.store.count(views.kinds, 0, { prefix: ['table', 'RUN'] });
  if (jobs.length === 0 && !typed?.value && !ports.ratdb) return;
  const runs = await unfinishedRuns(ports);
  const away = yield* masks(ports, runs);
  if (away && ports.ratdb) return yield tablesAwayItem(ports.ratdb, away, runs.size);
  yield* sweep(ports);
  if (jobs.length > 0) yield* firstPasses(ports, [...runs.keys()], options.limit);
}

/** Runs that are open, have no automatic passes yet, or have jobs of the first pass left, by run. */
async function unfinishedRuns(ports: Ports): Promise<Map<number, RunDoc>> {
  const rows = await together(
    ...(['open', 'todo'] as const).map((state) => ports.store.view(views.runs, { prefix: [state] })),
  );
  const left = await together(
    ...(['first-pass', 'nearline'] as const).map((way) => ports.store.view(views.standing, { prefix: [way] })),
  );
  const runs = new Set([...rows.map(({ key }) => key[1]), ...left.map(({ key }) => Number(key[2]))]);
  const sorted = [...runs].sort((a, b) => a - b);
  const docs = await ports.store.get<RunDoc>(sorted.map(runId));
  return new Map(sorted.flatMap((run) => (docs.get(runId(run)) ? [[run, have(docs, runId(run))]] : [])));
}

/** A RUN table may have been loaded before its run was registered. */
async function* masks(
  ports: Ports,
  runs: ReadonlyMap<number, RunDoc>,
): AsyncGenerator<Item, TablesAway | undefined, void> {
  const asked = [...runs.values()].filter((doc) => doc.mask === undefined || ports.ratdb).map((doc) => doc.run);
  for (const some of batches(asked, BATCH)) {
    const found = await statesNow(ports, some);
    if (isAway(found)) return found;
    yield* setMasks(ports, newMasks(found));
  }
  return undefined;
}
