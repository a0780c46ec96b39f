// What attempts printed: the last one of each subjob, or an earlier one. The batch systems keep logs by the attempt's key.
import { refOf } from '../../domain/ids.ts';
import type { JobDoc, Subjob } from '../../domain/jobs/job.ts';
import { keyOf, lockOf } from '../../domain/jobs/states.ts';
import { given } from '../../util/values/given.ts';
import { groupBy } from '../../util/values/group.ts';
import type { ReadPorts } from '../ports.ts';

/** The end of the output of one attempt. */
export interface JobLog {
  readonly ref: string;
  readonly site: string;
  readonly key: string;
  /** Number of the attempt. */
  readonly try: number;
  /** State of the subjob, or the cause for which an earlier attempt ended. */
  readonly state: string;
  /** The end of what it printed; absent where the batch system has no output. */
  readonly text?: string;
}

export interface LogChoice {
  readonly subjobs?: readonly number[] | undefined;
  /** At most so many bytes of each, from the end. */
  readonly bytes: number;
  /** Number of the attempt; the last one that ran without it. */
  readonly try?: number | undefined;
  /** Only attempts that failed, the last of each subjob. */
  readonly failed?: boolean | undefined;
}

type Attempt = Omit<JobLog, 'text'>;

/** Output of one attempt of each subjob; those without such an attempt are left out. */
export async function logsOf(ports: ReadPorts, job: JobDoc, choice: LogChoice): Promise<JobLog[]> {
  const attempts = attemptsOf(job, choice);
  const texts = new Map<string, string>();
  for (const [site, some] of groupBy(attempts, ({ site }) => site)) {
    const backend = await ports.backend(site);
    const keys = some.map(({ key }) => key);
    for (const [key, text] of await backend.logs(keys, choice.bytes)) texts.set(key, text);
  }
  return attempts.map((attempt) => ({ ...attempt, ...given({ text: texts.get(attempt.key) }) }));
}

/** The chosen attempt of each subjob. Pure. */
export function attemptsOf(job: JobDoc, { subjobs, failed, ...choice }: LogChoice): Attempt[] {
  const wanted = job.subjobs.filter(({ index }) => subjobs === undefined || subjobs.includes(index));
  return wanted.flatMap((subjob) => {
    const all = allOf(job, subjob).filter((one) => !failed || one.failed);
    const found = choice.try === undefined ? all.at(-1) : all.find((one) => one.try === choice.try);
    if (!found) return [];
    const { failed: _, ...attempt } = found;
    return attempt;
  });
}

/** Every attempt of a subjob of which the batch system's name is known, the last one last. */
function allOf({ run, module, pass }: JobDoc, subjob: Subjob): (Attempt & { readonly failed: boolean })[] {
  const { state, tries = [], attempt, index } = subjob;
  const ref = refOf(run, module, pass, index);
  const ended = tries.map(({ site, key, cause, reason, attempt: number }) => {
    return { ref, site, key, try: number, state: cause ?? reason ?? 'ended', failed: cause !== undefined };
  });
  const lock = lockOf(state);
  if (!lock || state.name === 'submitting') return ended;
  const last = {
    ref,
    site: lock.site,
    key: keyOf(lock),
    try: attempt,
    state: state.name,
    failed: state.name === 'failed',
  };
  return [...ended.filter(({ key }) => key !== last.key), last];
}
