// Notices of passes whose run tables were superseded: given when a table is replaced, and by the sweep of `tables`.
import { jobPrefix, refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { idsWith } from '../../../store.ts';
import { have } from '../../../util/values/have.ts';
import type { Ports, Step } from '../../ports.ts';
import { giveNotice, lastPasses, type NoticeDoc, noticeId, noticeNext } from '../notices.ts';
import { isAway } from '../tables/source.ts';
import { supersededTables, supersededText } from './superseded.ts';

const nameOf = ({ module, pass }: JobDoc): string => `${module}/${pass}`;
const idOf = (job: JobDoc): string => noticeId('stale-tables', job.run, nameOf(job));

/** Gives notice of each last pass of these runs that was made with a table of other contents; once. */
export async function* noteStale(ports: Ports, runs: readonly number[]): Step {
  if (runs.length === 0) return;
  const jobs = lastPasses(await ports.store.ranges<JobDoc>(runs.map((run) => idsWith(jobPrefix(run)))));
  const found = await supersededTables(ports, jobs);
  if (isAway(found) || found.size === 0) return;
  const since = await ports.store.now();
  const stale = jobs.filter(({ _id }) => found.has(_id));
  const given = await ports.store.get<NoticeDoc>(stale.map(idOf));
  for (const job of stale) {
    const ref = refOf(job.run, job.module, job.pass);
    const text = `${ref} was made with run tables that have changed since: ${supersededText(have(found, job._id))}`;
    if (given.get(idOf(job))?.text === text) continue;
    const name = nameOf(job);
    await giveNotice(ports, { what: 'stale-tables', run: job.run, name, text, since });
    yield {
      kind: 'notice',
      ref,
      did: 'changed',
      run: job.run,
      name,
      text,
      next: noticeNext({ what: 'stale-tables', run: job.run, name }),
    };
  }
}
