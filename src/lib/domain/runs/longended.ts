// Which runs may leave the store: those that ended before a date, and of which nothing is under way, awaited, or wrong.
// Pure: the first thing that keeps a run is named with what clears it.

import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { DataDoc, RawFile } from '../data/data.ts';
import { type Doc, isA } from '../doc.ts';
import { covers, type HoldDoc } from '../hold.ts';
import { refOf } from '../ids.ts';
import type { JobDoc, Subjob } from '../jobs/job.ts';
import { ENDED } from '../jobs/states.ts';
import type { RunDoc } from './run.ts';
import { isAutomatic } from './run.ts';

/** A run with all that the store has of it. */
export interface WholeRun {
  readonly run: RunDoc;
  readonly data: readonly DataDoc[];
  readonly jobs: readonly JobDoc[];
  /** Documents that cannot be read, with what is wrong. */
  readonly unread: readonly { readonly id: string; readonly wrong: string }[];
}

export interface EndRules {
  /** Nothing of the run has changed since. */
  readonly before: Iso;
  /** Runs from here on get automatic passes. */
  readonly automaticFrom?: number;
  /** The last one of them. */
  readonly automaticUntil?: number;
  /** Copies that raw files shall have. */
  readonly copies: number;
  /** Configured storage elements. */
  readonly storages: ReadonlySet<string>;
  /** Holds in force that name runs. */
  readonly holds: readonly HoldDoc[];
  /** What names the run and must be settled first, by run. */
  readonly named: ReadonlyMap<number, Kept>;
  /** What names a pass and must be settled first, by the id of the job. */
  readonly claimed: ReadonlyMap<string, Kept>;
  /** The newest runs, by which new ones are judged. */
  readonly newest: ReadonlySet<number>;
}

export interface Kept {
  readonly gate:
    | 'recent'
    | 'newest'
    | 'unreadable'
    | 'open'
    | 'late'
    | 'job'
    | 'output'
    | 'copies'
    | 'original'
    | 'held'
    | 'claim'
    | 'request'
    | 'quarantine'
    | 'notice'
    | 'first-pass';
  readonly text: string;
  readonly next: string;
}

/** What keeps the run in the store; `undefined`: it may leave. */
export function keptBy(whole: WholeRun, rules: EndRules): Kept | undefined {
  return (
    recent(whole, rules) ??
    newest(whole, rules) ??
    unreadable(whole) ??
    ofRun(whole, rules) ??
    ofJobs(whole, rules) ??
    ofData(whole, rules) ??
    held(whole, rules) ??
    rules.named.get(whole.run.run)
  );
}

const WAIT = 'nothing to do now; the same command with a later date';

function recent(whole: WholeRun, { before }: EndRules): Kept | undefined {
  const last = lastChange(whole);
  return last < before ? undefined : { gate: 'recent', text: `changed at ${last}`, next: WAIT };
}

/** When anything of the run last changed. A look at a copy changes nothing. */
export function lastChange({ run, data, jobs }: WholeRun): Iso {
  const times = [
    run.firstSeen,
    ...run.history.map(({ at }) => at),
    ...Object.values(run.levels).flatMap(({ lastFile, complete }) => [lastFile, complete?.at ?? '']),
    ...Object.values(run.automatic ?? {}).map(({ at }) => at),
    ...data.flatMap(({ history, files }) => [...history.map(({ at }) => at), ...files.flatMap(timesOfFile)]),
    ...jobs.flatMap(({ created, since, history, subjobs }) => [
      created,
      since,
      ...history.map(({ at }) => at),
      ...subjobs.map(({ state }) => state.since),
    ]),
  ];
  return times.reduce((a, b) => (a > b ? a : b));
}

function timesOfFile({ registered, original, replicas }: RawFile): Iso[] {
  const since = 'since' in original ? [original.since] : [];
  return [registered, ...since, ...Object.values(replicas).map((replica) => replica.since)];
}

function newest({ run }: WholeRun, rules: EndRules): Kept | undefined {
  if (!rules.newest.has(run.run)) return undefined;
  const text = 'the newest run stays, since new runs are judged by its number';
  return { gate: 'newest', text, next: 'nothing to do; it may go when a later run is registered' };
}

function unreadable({ unread }: WholeRun): Kept | undefined {
  const first = unread[0];
  return first && { gate: 'unreadable', text: `${first.id}: ${first.wrong}`, next: 'dflow store check' };
}

function ofRun({ run }: WholeRun, { automaticFrom, automaticUntil }: EndRules): Kept | undefined {
  const ref = refOf(run.run);
  const levels = Object.entries(run.levels);
  const open = levels.find(([, { complete }]) => !complete);
  if (open || levels.length === 0) {
    return { gate: 'open', text: `${open?.[0] ?? 'the run'} is not complete`, next: `dflow why ${ref}` };
  }
  const next = `dflow why ${ref}`;
  const late = levels.flatMap(([, level]) => level.late);
  if (late.length > 0) return { gate: 'late', text: `${late.join(', ')} came after the run was complete`, next };
  const span = automaticFrom === undefined ? undefined : { from: automaticFrom, ...given({ until: automaticUntil }) };
  if (!span || !isAutomatic(span, run.run) || run.automatic) return undefined;
  return { gate: 'job', text: 'its automatic passes are not made', next };
}

function ofJobs({ jobs }: WholeRun, rules: EndRules): Kept | undefined {
  for (const job of jobs) {
    const kept = ofJob(job) ?? rules.claimed.get(job._id);
    if (kept) return kept;
  }
  return undefined;
}

function ofJob(job: JobDoc): Kept | undefined {
  const ref = refOf(job.run, job.module, job.pass);
  if (!ENDED.has(job.state) || !job.subjobs.every(({ state }) => ENDED.has(state.name))) {
    return { gate: 'job', text: `${ref} is ${job.state}`, next: `dflow why ${ref}` };
  }
  if (job.subjobs.some(({ wanted }) => wanted)) {
    return { gate: 'job', text: `${ref} is asked to be stopped`, next: `dflow why ${ref}` };
  }
  const bad = job.subjobs.flatMap(badOutput)[0];
  if (bad !== undefined)
    return { gate: 'output', text: `${ref}: ${bad}`, next: `dflow verify --repair --run ${job.run}` };
  const [copying] = Object.keys(job.copies ?? {});
  if (copying !== undefined) {
    return {
      gate: 'output',
      text: `${ref}: a copy to ${copying} is due or under way`,
      next: `dflow transfer --run ${job.run}`,
    };
  }
  const [left] = Object.keys(job.undeleted ?? {});
  if (left === undefined) return undefined;
  return {
    gate: 'output',
    text: `${ref}: deleted outputs are left at ${left}`,
    next: `dflow delete --state deleted ${ref}`,
  };
}

function badOutput({ state }: Subjob): string[] {
  if (state.name !== 'completed') return [];
  return state.outputs.flatMap(({ name, storage, bad }) => (bad === undefined ? [] : `${name} at ${storage}: ${bad}`));
}

function ofData({ data }: WholeRun, rules: EndRules): Kept | undefined {
  for (const doc of data) {
    for (const file of doc.files) {
      const kept = ofFile(doc, file, rules);
      if (kept) return kept;
    }
  }
  return undefined;
}

function ofFile({ run, level, keep }: DataDoc, file: RawFile, rules: EndRules): Kept | undefined {
  if (file.original.state !== 'purged') {
    const text = `${file.name} is on the buffer (${file.original.state})`;
    return { gate: 'original', text, next: `dflow purge --level ${level} --run ${run}` };
  }
  const slots = Object.entries(file.replicas);
  const unsettled = slots.find(
    ([name, { state }]) => state === 'copying' || (state !== 'verified' && rules.storages.has(name)),
  );
  const next = `dflow transfer --level ${level} --run ${run}`;
  if (unsettled) {
    const [name, { state }] = unsettled;
    const mend = state === 'bad' ? `dflow verify --repair --storage ${name} --run ${run}` : next;
    return { gate: 'copies', text: `${file.name}: the copy at ${name} is ${state}`, next: mend };
  }
  const good = slots.filter(([, { state }]) => state === 'verified').length;
  if (!keep.kept || good >= rules.copies) return undefined;
  return { gate: 'copies', text: `${file.name} has ${good} of ${rules.copies} copies`, next };
}

function held({ run, data, jobs }: WholeRun, { holds }: EndRules): Kept | undefined {
  const subjects = [
    { run: run.run },
    ...data.map(({ level }) => ({ run: run.run, level })),
    ...jobs.map(({ module, version, level, labels, request }) => ({
      ...{ run: run.run, module, version, level, labels, automatic: request === undefined },
      ...(request === undefined ? {} : { request }),
    })),
  ];
  const hold = holds.find(({ scope }) => subjects.some((subject) => covers(scope, subject)));
  return hold && { gate: 'held', text: `${hold.what}: ${hold.why}`, next: `dflow resume ${hold._id} --why TEXT` };
}

/** Documents of the run that can be read. */
export function docsOf({ run, data, jobs }: WholeRun): Doc[] {
  return [run, ...data, ...jobs];
}

/** The parts of a run among its documents. */
export function wholeRun(run: RunDoc, docs: readonly Doc[], unread: WholeRun['unread']): WholeRun {
  return {
    run,
    data: docs.filter((doc) => isA<DataDoc>(doc, 'data')),
    jobs: docs.filter((doc) => isA<JobDoc>(doc, 'job')),
    unread,
  };
}
