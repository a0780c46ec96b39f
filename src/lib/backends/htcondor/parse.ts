// What HTCondor's commands print, as facts. Pure; tested on recorded output.
import type { Status } from '../../backend.ts';
import { UnreachableError } from '../../util/errors.ts';

/** Attributes asked for; those that are not set are left out of the answer, or null. */
export const ATTRIBUTES = [
  'ClusterId',
  'ProcId',
  'DflowKey',
  'JobStatus',
  'HoldReasonCode',
  'HoldReasonSubCode',
  'HoldReason',
  'LastHoldReasonCode',
  'LastHoldReasonSubCode',
  'LastHoldReason',
  'RemoveReason',
  'NumShadowStarts',
  'ExitBySignal',
  'ExitSignal',
  'ExitCode',
  'RequestMemory',
  'RequestCpus',
].join(',');

/** One job as HTCondor tells of it. */
export interface Row {
  readonly key: string;
  /** `<cluster>.<proc>` */
  readonly id: string;
  readonly state: Status['state'];
  /** Absent for a job that merely waits, or runs. */
  readonly raw?: string;
  /** What a job that merely waits asks of a machine. */
  readonly wants?: Wants;
}

/** Memory in MiB. */
export interface Wants {
  readonly memory: number;
  readonly cpus: number;
}

type Ad = Readonly<Record<string, unknown>>;

/** JobStatus. */
const [IDLE, REMOVED, COMPLETED, HELD, SUSPENDED] = [1, 3, 4, 5, 7];
/** HoldReasonCode of `hold = true`. */
const ON_SUBMIT = 15;

/**
 * Ads of `condor_q -json` or `condor_history -json`; without a match the first prints nothing at all.
 * @throws UnreachableError the text is cut off or is none
 */
function parseAds(text: string): Ad[] {
  if (text.trim() === '') return [];
  try {
    const ads: unknown = JSON.parse(text);
    if (Array.isArray(ads) && ads.every((ad) => typeof ad === 'object' && ad !== null)) return ads as Ad[];
  } catch {
    // Said below.
  }
  throw new UnreachableError(`HTCondor printed no list of jobs: ${text.slice(0, 200)}`);
}

/** Jobs of the queue by key. Of two with one key the one that has not ended counts. */
export function parseQueue(text: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const ad of parseAds(text)) {
    const row = rowOf(ad, queued(ad));
    const known = row && rows.get(row.key);
    if (row && (!known || known.state === 'ended')) rows.set(row.key, row);
  }
  return rows;
}

/** Jobs that have left the queue, by key; the newest first wins. */
export function parseHistory(text: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const ad of parseAds(text)) {
    const row = rowOf(ad, { state: 'ended', raw: endOf(ad) });
    if (row && !rows.has(row.key)) rows.set(row.key, row);
  }
  return rows;
}

function rowOf(ad: Ad, status: Pick<Row, 'state' | 'raw' | 'wants'>): Row | undefined {
  const key = text(ad, 'DflowKey');
  return key === '' ? undefined : { key, id: `${number(ad, 'ClusterId')}.${number(ad, 'ProcId')}`, ...status };
}

function queued(ad: Ad): Pick<Row, 'state' | 'raw' | 'wants'> {
  const tried = number(ad, 'NumShadowStarts') > 0;
  switch (number(ad, 'JobStatus')) {
    case IDLE:
      // Nothing can start it again; HTCondor removes it in a moment.
      return tried ? { state: 'running', raw: 'EVICTED' } : { state: 'pending', wants: wantsOf(ad) };
    case HELD:
      if (number(ad, 'HoldReasonCode') === ON_SUBMIT) return { state: 'held' };
      // Somebody may release a job that has not been tried, and then it runs; the others never start again.
      return { state: tried ? 'ended' : 'pending', raw: holdOf(ad, 'Hold') };
    case COMPLETED:
      return { state: 'ended', raw: endOf(ad) };
    case REMOVED:
      // Its processes may still be there.
      return { state: 'running', raw: `REMOVED ${text(ad, 'RemoveReason')}`.trim() };
    case SUSPENDED:
      return { state: 'running', raw: 'SUSPENDED' };
    default:
      return { state: 'running' };
  }
}

/** `COMPLETED exit 3`, `COMPLETED signal 9`, `REMOVED via condor_rm (by user x)`, `HOLD 3/101 memory: ...`. */
function endOf(ad: Ad): string {
  if (number(ad, 'JobStatus') === COMPLETED) {
    return ad.ExitBySignal === true
      ? `COMPLETED signal ${number(ad, 'ExitSignal')}`
      : `COMPLETED exit ${number(ad, 'ExitCode')}`;
  }
  const held = number(ad, 'HoldReasonCode') > 0 ? 'Hold' : 'LastHold';
  const code = number(ad, `${held}ReasonCode`);
  // Why it was held is why it ended; that it was removed then is only the cleaning up.
  if (code > 0 && code !== ON_SUBMIT && number(ad, 'NumShadowStarts') > 0) return holdOf(ad, held);
  return `REMOVED ${text(ad, 'RemoveReason')}`.trim();
}

/** A request that is an expression counts as none. */
function wantsOf(ad: Ad): Wants {
  return { memory: number(ad, 'RequestMemory'), cpus: number(ad, 'RequestCpus') };
}

function holdOf(ad: Ad, which: 'Hold' | 'LastHold'): string {
  const [code, subcode] = [number(ad, `${which}ReasonCode`), number(ad, `${which}ReasonSubCode`)];
  return `HOLD ${code}/${subcode} ${text(ad, `${which}Reason`)}`.trim();
}

function number(ad: Ad, name: string): number {
  const value = ad[name];
  return typeof value === 'number' ? value : 0;
}

function text(ad: Ad, name: string): string {
  const value = ad[name];
  return typeof value === 'string' ? value.replace(/\s+/g, ' ').slice(0, 300) : '';
}

/** Ids from `condor_submit -terse` (`12.0 - 12.499`); `undefined`: it printed something else. */
export function parseSubmit(output: string): { cluster: number; first: number; last: number } | undefined {
  const match = /^(\d+)\.(\d+) - (\d+)\.(\d+)\s*$/m.exec(output);
  if (!match || match[1] !== match[3]) return undefined;
  return { cluster: Number(match[1]), first: Number(match[2]), last: Number(match[4]) };
}

/** Words with which HTCondor refuses for certain: the whole submission is one transaction, so nothing was taken. */
const REFUSALS = [
  /Parse error in expression/,
  /Failed to parse command file/,
  /Invalid accounting_group/,
  /Number of submitted jobs would exceed MAX_JOBS/,
  // A SUBMIT_REQUIREMENT of the schedd, with its reason; a lost connection gives none.
  /Failed to commit job submission into the queue\.\s+ERROR: (?!.*(?:connect|timed? ?out|communicat))/i,
];

/** Why HTCondor refused, or `undefined` when that is not certain. */
export function refusalOf(stderr: string): string | undefined {
  return REFUSALS.some((words) => words.test(stderr)) ? lastWords(stderr) : undefined;
}

/** HTCondor's complaint on one line. */
export function lastWords(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.replace(/^(?:-- |ERROR: )/, '').trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('WARNING'))
    .slice(-3)
    .join('; ')
    .slice(0, 300);
}

/** The schedd's name in the heading of `condor_q`: `-- Schedd: NAME : <address> @ date`. */
export function parseSchedd(output: string): string | undefined {
  return /^-- Schedd: (\S+) : </m.exec(output)?.[1];
}

/** Whom the schedd took us for, in what `condor_ping` prints. */
export function parseUser(output: string): string | undefined {
  return /succeeded as (\S+) to /.exec(output)?.[1];
}

/** Limits of the schedd, jobs. */
export interface Limits {
  /** In one submission. */
  readonly submission: number;
  /** Of one owner. */
  readonly owner: number;
  /** Of everybody. */
  readonly all: number;
}

/** What `condor_config_val` prints for LIMIT_NAMES, a line each; a limit that is not defined is none. */
export const LIMIT_NAMES = ['MAX_JOBS_PER_SUBMISSION', 'MAX_JOBS_PER_OWNER', 'MAX_JOBS_SUBMITTED'];

export function parseLimits(output: string): Limits {
  const [submission = '', owner = '', all = ''] = output.split('\n').map((line) => line.trim());
  const limit = (word: string): number => (/^\d+$/.test(word) ? Number(word) : Number.POSITIVE_INFINITY);
  return { submission: limit(submission), owner: limit(owner), all: limit(all) };
}
