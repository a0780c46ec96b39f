// Notices: what happened to the files of a run that a person must look at once, kept until somebody has. They hold nothing
// back. A run's passes that were made from content that is no longer registered; a copy that was interrupted and finished.
import { type Doc, SCHEMA } from '../../domain/doc.ts';
import { JOB, jobPrefix, refOf, runPad } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/jobs/job.ts';
import type { Gate } from '../../domain/jobs/readiness.ts';
import { idsWith, spansOfRuns } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import { groupBy } from '../../util/values/group.ts';
import type { Ports, ReadPorts } from '../ports.ts';

export interface NoticeDoc extends Doc {
  readonly kind: 'notice';
  /**
   * `stale`: passes made before `since` have other content; `interrupted`: compare the file with its source;
   * `stale-tables`: the pass of its name was made with run tables that have changed since.
   */
  readonly what: 'stale' | 'interrupted' | 'stale-tables';
  readonly run: number;
  readonly name: string;
  readonly text: string;
  readonly since: Iso;
}

export const noticeId = (what: NoticeDoc['what'], run: number, name: string): string =>
  `notice:${runPad(run)}:${what}:${name}`;

/** Passes of a run that count: those that were canceled or deleted do not. */
async function passesOf({ store }: ReadPorts, run: number): Promise<JobDoc[]> {
  const jobs = await store.range<JobDoc>(idsWith(jobPrefix(run)));
  return jobs.filter(counts);
}

const counts = ({ state }: JobDoc): boolean => state !== 'canceled' && state !== 'deleted';

/** The last pass of each run and module, of those that count; passes come in the order of their ids. */
export function lastPasses(jobs: readonly JobDoc[]): JobDoc[] {
  const last = new Map<string, JobDoc>();
  for (const job of jobs) if (counts(job)) last.set(`${job.run}/${job.module}`, job);
  return [...last.values()];
}

export async function hasPasses(ports: Ports, run: number): Promise<boolean> {
  return (await passesOf(ports, run)).length > 0;
}

/** Writes notices; a notice replaces an earlier one of its kind, run and name. */
export async function giveNotices(
  { store }: Ports,
  notices: readonly Omit<NoticeDoc, '_id' | 'kind' | 'v'>[],
): Promise<void> {
  const docs = notices.map((notice): NoticeDoc => {
    return { ...notice, _id: noticeId(notice.what, notice.run, notice.name), kind: 'notice', v: SCHEMA };
  });
  if (docs.length > 0)
    await store.bulk<NoticeDoc>(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
}

/** Notices of a run, or all, that nobody has dealt with. */
export async function openNotices(ports: ReadPorts, run?: number): Promise<NoticeDoc[]> {
  const prefix = run === undefined ? 'notice:' : `notice:${runPad(run)}:`;
  const docs = await ports.store.range<NoticeDoc>({ ...idsWith(prefix), limit: NOTICES });
  const runs = [...new Set(docs.filter(({ what }) => what !== 'interrupted').map((doc) => doc.run))];
  const jobs = await ports.store.ranges<JobDoc>(spansOfRuns(JOB, runs));
  const last = groupBy(lastPasses(jobs), (job) => job.run);
  return docs.filter((doc) => isOpen(doc, last.get(doc.run) ?? []));
}

/** Notices read: a table of a wide range concerns the passes of many runs. */
export const NOTICES = 500;

/** Until each module of the run has a pass that was made since, or the named pass is not the last one any more. */
function isOpen({ what, name, since }: NoticeDoc, last: readonly JobDoc[]): boolean {
  if (what === 'interrupted') return true;
  if (what === 'stale-tables') return last.some(({ module, pass }) => `${module}/${pass}` === name);
  return last.some(({ history }) => (history[0]?.at ?? since) < since);
}

/** What a person types. */
export function noticeNext({ what, run, name }: Pick<NoticeDoc, 'what' | 'run' | 'name'>): string {
  const [module] = name.split('/');
  if (what === 'stale-tables')
    return `dflow reprocess --stale-tables --request tables-${run} --module ${module} --run ${refOf(run)}`;
  return what === 'stale'
    ? `dflow reprocess --request accepted-${run} --module NAME --run ${refOf(run)}`
    : `dflow register --accept '${name}' --why TEXT`;
}

export async function noticeGates(ports: ReadPorts, run: number): Promise<Gate[]> {
  const notices = await openNotices(ports, run);
  return notices.map((doc) => ({ gate: doc.what, ok: false, text: doc.text, since: doc.since, next: noticeNext(doc) }));
}
