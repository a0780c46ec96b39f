// Which last passes of runs and modules are stale: what `reprocess --stale-tables` makes again.
import { JOB } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { spansOfRuns } from '../../../store.ts';
import { UnreachableError } from '../../../util/errors.ts';
import { batches } from '../../../util/values/group.ts';
import type { ReadPorts } from '../../ports.ts';
import { lastPasses } from '../notices.ts';
import { isAway } from '../tables/source.ts';
import { supersededTables } from './superseded.ts';

/** Runs whose passes are read together. */
const BATCH = 500;

/** `RUN/MODULE` of each. @throws UnreachableError the database of run tables does not answer */
export async function stalePasses(
  ports: ReadPorts,
  runs: readonly number[],
  modules: readonly string[],
): Promise<Set<string>> {
  const stale = new Set<string>();
  for (const some of batches(runs, BATCH)) {
    const jobs = await ports.store.ranges<JobDoc>(spansOfRuns(JOB, some));
    const last = lastPasses(jobs).filter(({ module }) => modules.includes(module));
    const found = await supersededTables(ports, last);
    if (isAway(found)) throw new UnreachableError(found.text, { hint: found.next });
    for (const { _id, run, module } of last) if (found.has(_id)) stale.add(`${run}/${module}`);
  }
  return stale;
}
