// The verdict of `why`: one sentence that says whether it goes on by itself, and if not, what stops it. Pure.
import type { DataDoc, RawFile } from '../../../domain/data/data.ts';
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc, Subjob } from '../../../domain/jobs/job.ts';
import { firstUnmet, type Gate } from '../../../domain/jobs/readiness.ts';
import { ENDED, type Failure } from '../../../domain/jobs/states.ts';
import { shown } from '../../../util/text/names.ts';
import { groupBy } from '../../../util/values/group.ts';

/** What stops a pass at the end of the line: the prerequisite that nobody else waits before, and its raw files. */
export interface Root {
  readonly job: JobDoc;
  readonly data: DataDoc | undefined;
}

/** Of a pass. `root`: where another pass stops it. */
export function passVerdict(job: JobDoc, gates: readonly Gate[], root: Root | undefined, own?: DataDoc): string {
  switch (job.state) {
    case 'completed':
      return 'done';
    case 'canceled':
    case 'deleted':
      return `${job.state} by a person; it does not run again by itself`;
    case 'failed':
    case 'partFail':
      return failureText('', job, own);
    case 'held':
      return heldText(job);
    default:
      return waitingText(job, gates, root);
  }
}

function waitingText(job: JobDoc, gates: readonly Gate[], root: Root | undefined): string {
  if (root && ENDED.has(root.job.state) && root.job.state !== 'completed') {
    const of = root.job.run === job.run ? root.job.module : refOf(root.job.run, root.job.module, root.job.pass);
    return `will not start: ${failureText(`${of} `, root.job, root.data)}`;
  }
  const unmet = firstUnmet(gates);
  if (root && job.state === 'waiting')
    return `waits for ${refOf(root.job.run, root.job.module, root.job.pass)}, which is ${root.job.state}`;
  if (unmet) return `${job.state === 'waiting' ? 'does not start' : 'does not go on'}: ${unmet.text}`;
  if (job.state === 'waiting')
    return (
      gates
        .find(({ gate }) => gate === 'slots')
        ?.text.split('; ')
        .at(-1) ?? 'ready'
    );
  return `${job.state === 'running' ? 'runs' : job.state}; nothing is wrong`;
}

function heldText(job: JobDoc): string {
  const held = job.subjobs.flatMap(({ state }) => (state.name === 'held' ? state : []));
  const [first] = held;
  const until = held.map((state) => state.until).toSorted()[0];
  const why = first?.failure?.cause ?? first?.reason ?? '';
  return until === undefined ? `held until a person acts (${why})` : `held, next try ${until} (${why})`;
}

/** `Processing failed on 1 of 3 files (damaged, the same bytes in all 3 copies)` */
function failureText(name: string, job: JobDoc, data: DataDoc | undefined): string {
  const total = job.subjobs.length;
  const failed = job.subjobs.filter(({ state }) => state.name === 'failed' || state.name === 'held');
  if (failed.length === 0) return `${name}${job.state === 'deleted' ? 'was deleted' : job.state}`;
  const files = job.subjobs.every(({ inputs }) => inputs.length === 1 && inputs[0]?.kind === 'raw');
  const one = files ? 'file' : 'subjob';
  const where = total === 1 ? '' : ` on ${failed.length} of ${total} ${one}s`;
  const causes = groupBy(failed.flatMap(failureOf), ({ cause }) => cause);
  const text = [...causes].map(([cause, some]) => (causes.size === 1 ? cause : `${some.length} ${cause}`)).join(', ');
  const copies = failed.length === 1 && failed[0] ? copiesText(failed[0], data) : '';
  const reason = copies === '' && causes.size === 1 ? `: ${[...causes.values()][0]?.[0]?.reason ?? ''}` : '';
  return `${name}failed${where} (${text}${copies}${shown(reason)})`;
}

function failureOf({ state }: Subjob): Failure[] {
  return 'failure' in state && state.failure ? [state.failure] : [];
}

/** Causes that a better copy of the same file would mend. */
const DAMAGED = /damag|corrupt|truncat|checksum/;

/** What the copies of a damaged file say: whether another one may be whole. */
function copiesText(subjob: Subjob, data: DataDoc | undefined): string {
  const [failure] = failureOf(subjob);
  const [input] = subjob.inputs;
  if (!failure || !DAMAGED.test(failure.cause) || input?.kind !== 'raw') return '';
  const file: RawFile | undefined = data?.files.find(({ name }) => name === input.name);
  const copies = Object.values(file?.replicas ?? {});
  const same = copies.filter(({ state }) => state === 'verified').length;
  if (same < 2) return '';
  return same === copies.length
    ? `, the same bytes in all ${same} copies`
    : `, the same bytes in ${same} of ${copies.length} copies`;
}

/** Of anything else that has gates. */
export function gateVerdict(gates: readonly Gate[], well: string, otherwise = ''): string {
  const unmet = firstUnmet(gates);
  return unmet ? `${otherwise}${unmet.text}` : well;
}
