// Passes that were made with run tables that have other contents now. Reads, never writes.
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { TablesAway } from '../../../domain/tables/tablegates.ts';
import { groupBy } from '../../../util/values/group.ts';
import type { ReadPorts } from '../../ports.ts';
import { isAway, revisionsNow } from '../tables/source.ts';

/** A table that a pass was made with, and what has taken its place. */
export interface Superseded {
  readonly name: string;
  readonly used: string;
  readonly now: string;
}

/** The superseded tables of completed passes, by job id; passes without any are left out. */
export async function supersededTables(
  ports: Pick<ReadPorts, 'store' | 'ratdb'>,
  jobs: readonly JobDoc[],
): Promise<Map<string, readonly Superseded[]> | TablesAway> {
  const found = new Map<string, readonly Superseded[]>();
  const completed = jobs.filter(({ state, tables }) => state === 'completed' && Object.keys(tables).length > 0);
  for (const [tag, some] of groupBy(completed, (job) => job.tag)) {
    const names = [...new Set(some.flatMap(({ tables }) => Object.keys(tables)))];
    const runs = [...new Set(some.map(({ run }) => run))];
    const now = await revisionsNow(ports, names, runs, tag);
    if (isAway(now)) return now;
    for (const job of some) {
      const changed = changedSince(job, now.get(job.run) ?? {});
      if (changed.length > 0) found.set(job._id, changed);
    }
  }
  return found;
}

/** A table that was removed does not make a pass stale. */
function changedSince({ tables }: JobDoc, current: Readonly<Record<string, string | undefined>>): Superseded[] {
  return Object.entries(tables).flatMap(([name, used]) => {
    const now = current[name];
    return now === undefined || contentOf(now) === contentOf(used) ? [] : [{ name, used, now }];
  });
}

/** The part of a revision that names the contents, behind the count: equal contents are not a change. */
const contentOf = (revision: string): string => revision.slice(revision.indexOf('-') + 1);

/** `RUN (1.0-3f2a now 1.1-90c4)`. */
export function supersededText(tables: readonly Superseded[]): string {
  return tables.map(({ name, used, now }) => `${name} (${used} now ${now})`).join(', ');
}
