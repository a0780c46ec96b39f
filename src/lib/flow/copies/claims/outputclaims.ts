// Claims on copies of outputs, in the jobs that made them: one for each pass and element, whoever makes the copy.

import {
  claimOutputs,
  isBroken,
  isClaimed,
  isPublished,
  publishCopies,
  renewOutputs,
} from '../../../domain/data/outcopies.ts';
import type { CopyTask } from '../../../domain/data/replicas.ts';
import { isMade } from '../../../domain/data/slots.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { groupBy } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import type { Session } from '../session.ts';
import type { Claims } from './claims.ts';

/** Jobs as last read, by id. */
export type Jobs = Map<string, JobDoc>;

/** Claims that stand in these jobs, which are brought up to date. */
export function claimsIn({ ports }: Session, jobs: Jobs): Claims {
  const { store, settings } = ports;
  const change = async (
    tasks: readonly CopyTask[],
    make: (job: JobDoc, mine: readonly CopyTask[]) => JobDoc | undefined,
  ) => {
    const byJob = groupBy(tasks, ({ id }) => id);
    await store.bulk<JobDoc>(
      [...byJob].map(([id, mine]) => ({
        id,
        change: (job) => {
          const next = job && make(job, mine);
          return next ? { write: next } : { skip: 'it has changed meanwhile' };
        },
      })),
    );
    for (const [id, job] of await store.get<JobDoc>([...byJob.keys()])) jobs.set(id, job);
  };
  const isOurs = ({ id, to }: CopyTask, nonce: string): boolean => isClaimed(jobs.get(id), to, nonce);
  return {
    async claim(tasks, claim) {
      await change(tasks, (job, mine) => claimOutputs(job, mine, claim));
      const due = (task: CopyTask) => !task.repair || isBroken(jobs.get(task.id), task);
      return tasks.filter((task) => isOurs(task, claim.nonce) && due(task));
    },
    async renew(tasks, renewal) {
      await change(tasks, (job) => renewOutputs(job, renewal));
      return new Set(tasks.filter((task) => isOurs(task, renewal.nonce)));
    },
    async isOurs(task, nonce) {
      return isClaimed((await store.get<JobDoc>([task.id])).get(task.id), task.to, nonce);
    },
    async record(results, nonce) {
      const settling = { nonce, now: await store.now(), retry: settings.transfer.retry };
      const byTask = new Map(results.map((result) => [result.task, result]));
      await change([...byTask.keys()], (job, mine) =>
        publishCopies(
          job,
          mine.map((task) => have(byTask, task)),
          settling,
        ),
      );
      return new Set(results.filter((result) => !isMade(result) || isPublished(jobs.get(result.task.id), result.task)));
    },
  };
}
