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
  'Requested partition configuration not available now',
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
  readonly raw: string;
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

/** `FAILED 3:0 NonZeroExitCode`: what is kept on the subjob and what policy rules look at. */
function rawOf(word: string, exit: string, reason: string): string {
  return [word, exit, reason].filter((part) => part !== '' && part !== 'None').join(' ');
}

/** Columns of squeue, with their widths; the reason is last, since it may have blanks. */
const COLUMNS = [
  ['ArrayJobID', 20],
  ['ArrayTaskID', 12],
  ['State', 20],
  ['exit_code', 12],
  ['Name', 100],
  ['Reason', 80],
] as const;

/** The format for `squeue -r -O`. */
export const SQUEUE_FORMAT = COLUMNS.map(([name, width]) => `${name}:${width}`).join(',');

/** What squeue listed of one farm. */
export interface Queue {
  readonly rows: ReadonlyMap<string, Row>;
  /** Claims of which tasks were cancelled before they started: squeue then no longer says which tasks. */
  readonly cancelled: ReadonlyMap<string, string>;
}

/** Our rows of `squeue -h -r -O SQUEUE_FORMAT`. */
export function parseSqueue(text: string, prefix: string): Queue {
  const rows = new Map<string, Row>();
  const cancelled = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [job = '', task = '', word = '', status = '', name = '', reason = ''] = cells(line);
    const ours = parseName(prefix, name);
    if (!ours) continue;
    const state = stateOf(word, reason);
    const raw = rawOf(word, state === 'ended' ? exitOf(Number(status)) : '', reason);
    if (!/^\d/.test(task) && state === 'ended') cancelled.set(ours.claim, raw);
    for (const number of expand(task)) {
      const key = `${ours.claim}.${ours.base + number}`;
      const known = rows.get(key);
      if (!known || known.state === 'ended') rows.set(key, { key, id: `${job}_${number}`, state, raw });
    }
  }
  return { rows, cancelled };
}

function cells(line: string): string[] {
  let at = 0;
  return COLUMNS.map(([, width]) => {
    const cell = line.slice(at, at + width).trim();
    at += width;
    return cell;
  });
}

/** A wait status as sacct writes it: `3:0`, `0:11`. */
function exitOf(status: number): string {
  return Number.isFinite(status) ? `${(status >> 8) & 0xff}:${status & 0x7f}` : '';
}

/** Our rows of `sacct -X -n -P -o jobid,jobname,state,exitcode,reason`; those that it does not call ended are left out. */
export function parseSacct(text: string, prefix: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of text.split('\n')) {
    const [id = '', name = '', word = '', exit = '', reason = ''] = line.split('|');
    const ours = parseName(prefix, name);
    const match = /^(\d+)_(?:\[(.*)\]|(\d+))$/.exec(id);
    // sacct lags: what squeue no longer has and sacct calls running or pending says nothing.
    if (!ours || !match || stateOf(word, '') !== 'ended') continue;
    for (const task of expand(match[2] ?? match[3] ?? '')) {
      const key = `${ours.claim}.${ours.base + task}`;
      rows.set(key, { key, id: `${match[1]}_${task}`, state: 'ended', raw: rawOf(word, exit, reason) });
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
