// Notices of passes whose run tables were superseded: given when a table is replaced, and by the sweep of `tables`.
import { JOB, refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { spansOfRuns } from '../../../store.ts';
import { have } from '../../../util/values/have.ts';
import type { Ports, Step } from '../../ports.ts';
import { giveNotices, lastPasses, type NoticeDoc, noticeId, noticeNext } from '../notices.ts';
import { isAway } from '../tables/source.ts';
import { supersededTables, supersededText } from './superseded.ts';

const nameOf = ({ module, pass }: JobDoc): string => `${module}/${pass}`;
const idOf = (job: JobDoc): string => noticeId('stale-tables', job.run, nameOf(job));

/** Gives one notice for each last pass of these runs whose run tables have new contents. */
export async function* noteStale(ports: Ports, runs: readonly number[]): Step {
  if (runs.length === 0) return;
  const jobs = lastPasses(await ports.store.ranges<JobDoc>(spansOfRuns(JOB, runs)));
  const found = await supersededTables(ports, jobs);
  if (isAway(found) || found.size === 0) return;
  const since = await ports.store.now();
  const stale = jobs.filter(({ _id }) => found.has(_id));
  const given = await ports.store.get<NoticeDoc>(stale.map(idOf));
  const fresh = stale.flatMap((job) => {
    const ref = refOf(job.run, job.module, job.pass);
    const text = `${ref} was made with run tables that have changed since: ${supersededText(have(found, job._id))}`;
    const notice = { what: 'stale-tables', run: job.run, name: nameOf(job), text, since } as const;
    return given.get(idOf(job))?.text === text ? [] : [{ ref, notice }];
  });
  await giveNotices(
    ports,
    fresh.map(({ notice }) => notice),
  );
  for (const { ref, notice } of fresh) {
    const { run, name, text } = notice;
    yield { kind: 'notice', ref, did: 'changed', run, name, text, next: noticeNext(notice) };
  }
}
