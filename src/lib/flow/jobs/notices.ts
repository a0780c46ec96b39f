// Notices: what happened to the files of a run that a person must look at once, kept until somebody has. They hold nothing
// back. A run's passes that were made from content that is no longer registered; a copy that was interrupted and finished.
import { type Doc, SCHEMA } from '../../domain/doc.ts';
import { jobPrefix, refOf, runPad } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/jobs/job.ts';
import type { Gate } from '../../domain/jobs/readiness.ts';
import { idsWith } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import type { Ports, ReadPorts } from '../ports.ts';

export interface NoticeDoc extends Doc {
  readonly kind: 'notice';
  /** `stale`: passes made before `since` have other content; `interrupted`: compare the file with its source. */
  readonly what: 'stale' | 'interrupted';
  readonly run: number;
  readonly name: string;
  readonly text: string;
  readonly since: Iso;
}

const noticeId = (what: NoticeDoc['what'], run: number, name: string): string =>
  `notice:${runPad(run)}:${what}:${name}`;

/** Passes of a run that count: those that were canceled or deleted do not. */
async function passesOf({ store }: ReadPorts, run: number): Promise<JobDoc[]> {
  const jobs = await store.range<JobDoc>(idsWith(jobPrefix(run)));
  return jobs.filter(({ state }) => state !== 'canceled' && state !== 'deleted');
}

export async function hasPasses(ports: Ports, run: number): Promise<boolean> {
  return (await passesOf(ports, run)).length > 0;
}

/** Writes a notice down, the last one of its kind. */
export async function giveNotice(ports: Ports, notice: Omit<NoticeDoc, '_id' | 'kind' | 'v'>): Promise<void> {
  const id = noticeId(notice.what, notice.run, notice.name);
  await ports.store.update<NoticeDoc>(id, () => ({ write: { ...notice, _id: id, kind: 'notice', v: SCHEMA } }));
}

/** Notices of a run, or all, that nobody has dealt with. */
export async function openNotices(ports: ReadPorts, run?: number): Promise<NoticeDoc[]> {
  const prefix = run === undefined ? 'notice:' : `notice:${runPad(run)}:`;
  const docs = await ports.store.range<NoticeDoc>(idsWith(prefix));
  const open = await Promise.all(docs.map((doc) => doc.what !== 'stale' || isStale(ports, doc)));
  return docs.filter((_, at) => open[at]);
}

/** Until each module of the run has a pass that was made since. */
async function isStale(ports: ReadPorts, { run, since }: NoticeDoc): Promise<boolean> {
  const last = new Map<string, JobDoc>();
  for (const job of await passesOf(ports, run)) last.set(job.module, job);
  return [...last.values()].some(({ history }) => (history[0]?.at ?? since) < since);
}

/** What a person types. */
export function noticeNext({ what, run, name }: NoticeDoc): string {
  return what === 'stale'
    ? `dflow reprocess --request accepted-${run} --module NAME --run ${refOf(run)}`
    : `dflow register --accept '${name}' --why TEXT`;
}

export async function noticeGates(ports: ReadPorts, run: number): Promise<Gate[]> {
  const notices = await openNotices(ports, run);
  return notices.map((doc) => ({ gate: doc.what, ok: false, text: doc.text, since: doc.since, next: noticeNext(doc) }));
}
