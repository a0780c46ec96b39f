// What Slurm prints, as facts. Pure; tested on recorded output. Never from --json: it ignores filters and says exit 0
// for exit 3.
import type { Status } from '../../backend.ts';
import { UnreachableError } from '../../util/errors.ts';
import { expand, parseName } from './arrays.ts';

/** What `scontrol show config` says that matters here. */
export interface SlurmConfig {
  readonly cluster: string;
  /** One more than the largest array task number. */
  readonly maxArraySize: number;
  /** Jobs the controller keeps at most, all users together. */
  readonly maxJobCount: number;
  /** Who remembers ended jobs. */
  readonly accounting: 'slurmdbd' | 'jobcomp' | 'none';
}

/** @throws UnreachableError the text is not such a listing */
export function parseConfig(text: string): SlurmConfig {
  const value = (name: string): string => new RegExp(`^${name}\\s*=\\s*(\\S+)`, 'm').exec(text)?.[1] ?? '';
  const number = (name: string): number => Number(/^\d+/.exec(value(name))?.[0]);
  const cluster = value('ClusterName');
  const [maxArraySize, maxJobCount] = [number('MaxArraySize'), number('MaxJobCount')];
  if (!cluster || !(maxArraySize > 0) || !(maxJobCount > 0)) {
    throw new UnreachableError(`scontrol show config said something unexpected: ${text.slice(0, 200)}`);
  }
  const accounting = value('AccountingStorageType').includes('slurmdbd')
    ? 'slurmdbd'
    : value('JobCompType').includes('filetxt')
      ? 'jobcomp'
      : 'none';
  return { cluster, maxArraySize, maxJobCount, accounting };
}

/** The job id that `sbatch --parsable` prints (`12`, or `12;cluster`); `undefined`: it printed none. */
export function parseSbatch(text: string): string | undefined {
  return /^(\d+)(?:;\S+)?$/m.exec(text.trim())?.[1];
}

/**
 * Words with which Slurm refuses a job for certain: nothing was taken. Anything else (a time-out, a lost reply, "temporarily
 * unable") is unknown.
 */
const REFUSALS = [
  'Requested node configuration is not available',
  'Memory specification can not be satisfied',
  'More processors requested than permitted',
  'Node count specification invalid',
  'Invalid partition name specified',
  'Invalid account or account/partition combination specified',
  'Invalid qos specification',
  'Invalid feature specification',
  'Invalid generic resource',
  'Requested time limit is invalid',
  'Requested operation not supported on this system',
  "User's group not permitted to use this partition",
  'Access/permission denied',
  'Job violates accounting/QOS policy',
  'Invalid job array specification',
  'Required partition not available',
  'unrecognized option',
  'Try "sbatch --help" for more information',
];

/** Why Slurm refused, or `undefined` when that is not certain. */
export function refusalOf(stderr: string): string | undefined {
  if (!REFUSALS.some((text) => stderr.includes(text))) return undefined;
  return lastWords(stderr);
}

/** Slurm's complaint on one line, without its own name. */
export function lastWords(stderr: string): string {
  const lines = stderr.split('\n').flatMap((line) => line.replace(/^\w+: (?:(?:fatal|error): )?/, '').trim() || []);
  return lines
    .filter((line) => !line.startsWith('Try "'))
    .slice(-3)
    .join('; ')
    .slice(0, 300);
}

/** One array task as Slurm tells of it. */
export interface Row {
  readonly key: string;
  /** `<array job>_<task>` */
  readonly id: string;
  readonly state: Status['state'];
  /** Absent for a job that merely waits for its turn. */
  readonly raw?: string;
  /** Slurm says itself that it will never start. */
  readonly hopeless?: boolean;
}

const PENDING = new Set(['PENDING', 'REQUEUED', 'REQUEUE_HOLD', 'REQUEUE_FED', 'SPECIAL_EXIT', 'RESV_DEL_HOLD']);
const ENDED = new Set([
  'COMPLETED',
  'FAILED',
  'TIMEOUT',
  'OUT_OF_MEMORY',
  'CANCELLED',
  'PREEMPTED',
  'NODE_FAIL',
  'BOOT_FAIL',
  'DEADLINE',
  'LAUNCH_FAILED',
  'RECONFIG_FAIL',
  'REVOKED',
]);

/**
 * The contract's word for Slurm's (`CANCELLED by 1000`, `CANCELLED+`). A word that is not known counts as running: unknown
 * is never ended. COMPLETING is running: its processes may still be there.
 */
export function stateOf(word: string, reason: string): Status['state'] {
  const name = /^[A-Z_]+/.exec(word)?.[0] ?? '';
  if (ENDED.has(name)) return 'ended';
  if (!PENDING.has(name)) return 'running';
  return reason === 'JobHeldUser' ? 'held' : 'pending';
}

/** Reasons of a pending job that is in nobody's way. */
const ORDINARY = new Set(['None', 'Priority', 'Resources', '']);
/** Reasons of a pending job that no waiting will mend: it asks for more than there is. */
const HOPELESS = new Set(['BadConstraints', 'DependencyNeverSatisfied', 'InvalidAccount', 'InvalidQOS']);
/**
 * The same of one that asks for more than its partition allows. That an administrator may change the partition is no reason
 * to let it wait for ever unseen; then it is retried. Of several partitions, where Slurm says the reason of the one it tried
 * last, another may take it. PartitionNodeLimit is none of these: it is also said while nodes are down or drained.
 */
const NOT_HERE = new Set(['PartitionConfig', 'PartitionTimeLimit']);

function isHopeless(reason: string, partitions: string): boolean {
  return HOPELESS.has(reason) || (NOT_HERE.has(reason) && !partitions.includes(','));
}

/** `FAILED 3:0 NonZeroExitCode`: what is kept on the subjob and what policy rules look at. */
function rawOf(word: string, exit: string, reason: string): string {
  return [word, exit, reason].filter((part) => part !== '' && part !== 'None').join(' ');
}

/** The format for `squeue -o`. The partitions are all that a pending job may run in: `short,long`. */
export const SQUEUE_FORMAT = '%F|%K|%T|%j|%r|%P';

/** What squeue listed of one farm. */
export interface Queue {
  readonly rows: ReadonlyMap<string, Row>;
  /** Claims of which tasks were cancelled before they started: squeue then no longer says which tasks. */
  readonly cancelled: ReadonlyMap<string, string>;
}

/**
 * Our rows of `squeue -h -o SQUEUE_FORMAT`. Task lists are expanded here: `squeue -r` leaves out the last task of
 * `0-98:2` (seen on 22.05).
 */
export function parseSqueue(text: string, prefix: string): Queue {
  const rows = new Map<string, Row>();
  const cancelled = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [job = '', task = '', word = '', name = '', reason = '', partitions = ''] = line.split('|');
    const ours = parseName(prefix, name);
    if (!ours) continue;
    const state = stateOf(word, reason);
    const raw = rawOf(word, '', reason);
    const words = state === 'pending' && ORDINARY.has(reason) ? {} : { raw };
    const hopeless = state === 'pending' && isHopeless(reason, partitions) ? { hopeless: true } : {};
    if (!/^\d/.test(task) && state === 'ended') cancelled.set(ours.claim, raw);
    for (const number of expand(task)) {
      const key = `${ours.claim}.${ours.base + number}`;
      const known = rows.get(key);
      if (!known || known.state === 'ended')
        rows.set(key, { key, id: `${job}_${number}`, state, ...words, ...hopeless });
    }
  }
  return { rows, cancelled };
}

/** The format for `squeue -O` that has exit codes; not lists of tasks, which it would cut off. */
export const EXIT_FORMAT = 'ArrayJobID:20,ArrayTaskID:20,exit_code:20';

/** Exit of each ended task, `<array job>_<task>` -> `3:0`, of `squeue -h -O EXIT_FORMAT`. */
export function parseExits(text: string): Map<string, string> {
  const rows = text.split('\n').flatMap((line) => {
    const [job, task, status] = line.trim().split(/\s+/);
    return status === undefined ? [] : [[`${job}_${task}`, exitOf(Number(status))] as const];
  });
  return new Map(rows);
}

/** `FAILED NonZeroExitCode` with an exit code -> `FAILED 3:0 NonZeroExitCode`. */
export function withExit(row: Row, exit: string | undefined): Row {
  const [word = '', ...rest] = (row.raw ?? '').split(' ');
  return exit === undefined ? row : { ...row, raw: [word, exit, ...rest].join(' ') };
}

/** A wait status as sacct writes it: `3:0`, `0:11`. */
function exitOf(status: number): string {
  return Number.isFinite(status) ? `${(status >> 8) & 0xff}:${status & 0x7f}` : '';
}

/**
 * Our rows of `sacct -X -n -P -o jobid,jobname,state,exitcode,reason`: ended ones, and those that it says run. It lags,
 * so what squeue no longer has and sacct calls pending says nothing.
 */
export function parseSacct(text: string, prefix: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of text.split('\n')) {
    const [id = '', name = '', word = '', exit = '', reason = ''] = line.split('|');
    const ours = parseName(prefix, name);
    const match = /^(\d+)_(?:\[(.*)\]|(\d+))$/.exec(id);
    const state = stateOf(word, '');
    if (!ours || !match || (state !== 'ended' && state !== 'running')) continue;
    for (const task of expand(match[2] ?? match[3] ?? '')) {
      const key = `${ours.claim}.${ours.base + task}`;
      if (state === 'ended' || !rows.has(key))
        rows.set(key, { key, id: `${match[1]}_${task}`, state, raw: rawOf(word, exit, reason) });
    }
  }
  return rows;
}

/** Rows of `sacct -c -n -P -o jobid,state,exitcode` (jobcomp): by job id, since it knows no array tasks. */
export function parseJobcomp(text: string): Map<string, string> {
  const rows = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [id = '', word = '', exit = ''] = line.split('|');
    if (/^\d+$/.test(id) && stateOf(word, '') === 'ended') rows.set(id, rawOf(word, exit, ''));
  }
  return rows;
}
