// The first pass of a run: the jobs that make its tables on site, and how far each of them is. Pure.
import { DAY, type Iso, isAhead, MINUTE, plus } from '../../util/time.ts';
import type { Doc, HistoryEntry } from '../doc.ts';
import { runPad } from '../ids.ts';
import type { Settings } from '../settings.ts';
import { requiredTables } from '../tables/tablegates.ts';
import type { FirstPassJob } from './firstpassjob.ts';

/** The job that `tables.command` stands for; its document and its items have the run alone as their name. */
export const COMMAND_JOB = 'first-pass';

export const TIMEOUT = 30 * MINUTE;

/** One job of one run. `until`: when the claim lapses, or when the next try is due. */
export interface FirstPassDoc extends Doc {
  readonly kind: 'firstpass';
  readonly run: number;
  /** Absent: the job of `tables.command`. */
  readonly job?: string;
  /** `loading`: it has ended well, and what it printed is not loaded yet. */
  readonly state: 'waiting' | 'running' | 'loading' | 'failed' | 'completed';
  readonly nonce: string;
  /** Times that it was started. */
  readonly tries: number;
  /** Failures since it was last put back; absent in older documents, where each try failed. */
  readonly failures?: number;
  readonly until: Iso;
  /** When it came into its state. */
  readonly since?: Iso;
  /** How the last try failed. */
  readonly why?: string;
  /** Where it ran; its log is there. */
  readonly host?: string;
  /** The process that runs it, for who shares its machine. */
  readonly holder?: string;
  readonly history?: readonly HistoryEntry[];
}

export function firstPassId(run: number, job: string = COMMAND_JOB): string {
  return `firstpass:${runPad(run)}${job === COMMAND_JOB ? '' : `:${job}`}`;
}

export const jobOf = ({ job = COMMAND_JOB }: Pick<FirstPassDoc, 'job'>): string => job;

/** The jobs of the configuration, each after those that it needs. */
export function firstPassJobs({ jobs, command }: Settings['tables']): readonly FirstPassJob[] {
  if (jobs) return jobs;
  if (command === undefined) return [];
  const alone = { needs: [], required: true, timeout: TIMEOUT, makes: 'required' } as const;
  return [{ name: COMMAND_JOB, run: command, ...alone }];
}

/** The same jobs, each after those that it needs; in a circle of needs the order is as written. */
export function firstPassOrder(jobs: readonly FirstPassJob[]): FirstPassJob[] {
  const found = new Set<FirstPassJob>();
  const add = (job: FirstPassJob, trail: readonly FirstPassJob[]): void => {
    if (trail.includes(job)) return;
    for (const other of jobs) if (job.needs.includes(other.name)) add(other, [...trail, job]);
    found.add(job);
  };
  for (const job of jobs) add(job, []);
  return [...found];
}

/** Tables that any job must print. */
export function tablesMade(tables: Settings['tables']): string[] {
  return firstPassJobs(tables).flatMap(({ makes }) => (makes === 'required' ? [] : makes));
}

/** What is known of the first pass of one run. */
export interface FirstPassFacts {
  readonly run: number;
  readonly types: readonly string[];
  readonly docs: ReadonlyMap<string, FirstPassDoc>;
  /** Table name -> revision; a table that is not there has none. */
  readonly tables: Readonly<Record<string, string | undefined>>;
  readonly now: Iso;
}

/** How far one job of one run is. */
export interface FirstPassState {
  readonly job: FirstPassJob;
  readonly doc?: FirstPassDoc;
  /** `held`: it has failed and is tried again at `until`; `failed`: it is given up. */
  readonly state: 'waiting' | 'running' | 'loading' | 'held' | 'failed' | 'completed';
  /** Jobs that must be completed first and are not. */
  readonly waitsFor: readonly string[];
  /** Tables that it must print and that are missing. */
  readonly missing: readonly string[];
  /** It can be started, or tried again, now. */
  readonly due: boolean;
}

/** The jobs that a run of these types needs, in order, each with its state. */
export function firstPassStates(tables: Settings['tables'], facts: FirstPassFacts): FirstPassState[] {
  const asked = firstPassJobs(tables).filter(
    ({ when }) => when === undefined || when.some((t) => facts.types.includes(t)),
  );
  const found: FirstPassState[] = [];
  for (const job of asked) {
    const doc = facts.docs.get(job.name);
    const made = job.makes === 'required' ? requiredTables(tables, facts.types) : job.makes;
    const missing = made.filter((name) => facts.tables[name] === undefined);
    const isMade = made.length > 0 || job.makes === 'required' ? missing.length === 0 : undefined;
    const waitsFor = job.needs.filter((need) =>
      found.some((one) => one.job.name === need && one.state !== 'completed'),
    );
    const state = stateOf(job, doc, isMade, facts.now);
    const open = state === 'waiting' || state === 'loading' || state === 'held';
    const waits = doc !== undefined && doc.state !== 'waiting' && isStanding(doc, facts.now, longestOf(job));
    found.push({
      job,
      ...(doc ? { doc } : {}),
      state,
      waitsFor,
      missing,
      due: open && waitsFor.length === 0 && !waits,
    });
  }
  return found;
}

/** A job that makes tables is completed when they are there, whoever loaded them. */
function stateOf(job: FirstPassJob, doc: FirstPassDoc | undefined, isMade: boolean | undefined, now: Iso) {
  if (doc?.state === 'running' && isStanding(doc, now, longestOf(job))) return 'running';
  if (doc?.state === 'loading') return 'loading';
  if (isMade ?? doc?.state === 'completed') return 'completed';
  if (doc?.state !== 'failed') return 'waiting';
  return isGivenUp(job, doc) ? 'failed' : 'held';
}

export const failuresOf = ({ failures, tries }: FirstPassDoc): number => failures ?? tries;

/** A job that makes tables and whose tables are asked for again is not given up by failures of before. */
export const isGivenUp = ({ tries }: FirstPassJob, doc: FirstPassDoc): boolean =>
  tries !== undefined && failuresOf(doc) >= tries;

/** The longest that a try, or the wait for the next one, can take. */
const longestOf = ({ timeout }: FirstPassJob): number => Math.max(DAY, timeout + MINUTE);

/** A try is under way, or waits for its time. A time that is further away than `longest` does not count. */
function isStanding({ until }: FirstPassDoc, now: Iso, longest: number): boolean {
  return until > now && !isAhead(until, plus(now, longest));
}

/** What a try left on its host, below the folder of the configuration: its log, or the tables that it printed. */
export function firstPassFile(run: number, job: string, number: number, what: 'log' | 'tables'): string {
  return `.dflow/first-pass/${runPad(run)}/${job}.${number}.${what}`;
}
