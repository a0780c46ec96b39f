// Selections: what an operator names, the same in every command. REFs, run sets, piped lines, and which jobs match.
// Pure: files and standard input are read at the edge, documents in flow/select.

import type { Iso } from '../util/time.ts';
import { field } from '../util/values/field.ts';
import { globMatch } from './hold.ts';
import { MAX_RUN, parseJobId } from './ids.ts';
import type { JobDoc } from './jobs/job.ts';
import { causeOf, lockOf, PASS_STATES, type PassState } from './jobs/states.ts';
import { hasLabel } from './runs/labels.ts';

/** What a REF or a piped line names: a run, a module of it, a pass, a subjob, or a document that is none of these. */
export interface JobRef {
  /** As it was written. */
  readonly text: string;
  readonly run?: number;
  readonly module?: string;
  readonly pass?: number;
  readonly subjob?: number;
  /** Document id. */
  readonly id?: string;
  /** The state that a piped JSON line said: a job that is no longer in it is refused. */
  readonly expected?: PassState;
}

/** Runs in ranges; `listed` are those named one by one, which must exist. */
export interface RunSet {
  /** Inclusive. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly listed: readonly number[];
}

/** Different fields: and. Several values of one field: or. An absent field selects everything, an empty one nothing. */
export interface Selection {
  readonly refs?: readonly JobRef[];
  readonly runs?: RunSet;
  readonly modules?: readonly string[];
  readonly versions?: readonly string[];
  /** Absent: all. */
  readonly states?: readonly PassState[];
  readonly pass: 'last' | 'all' | number;
  readonly labels?: readonly string[];
  readonly requests?: readonly string[];
  readonly tags?: readonly string[];
  readonly causes?: readonly string[];
  readonly sites?: readonly string[];
  readonly levels?: readonly string[];
  /** Last change of state at or after. */
  readonly since?: Iso;
}

/** Names for several states at once. */
export const STATE_SETS: Readonly<Record<'active' | 'open' | 'all', readonly PassState[]>> = {
  active: ['waiting', 'submitting', 'submitted', 'running', 'held'],
  open: PASS_STATES.filter((state) => state !== 'completed' && state !== 'canceled' && state !== 'deleted'),
  all: PASS_STATES,
};

/** `109134`, `109134/Analysis40`, `109134/Analysis40/2`, `109134/Analysis40/2.007`, a document id; else `undefined`. */
export function parseRef(text: string): JobRef | undefined {
  const match = /^(\d{1,10})(?:\/([A-Za-z0-9][A-Za-z0-9_.-]*)(?:\/(\d+)(?:\.(\d+))?)?)?$/.exec(text);
  if (match) {
    return {
      text,
      run: Number(match[1]),
      ...(match[2] === undefined ? {} : { module: match[2] }),
      ...(match[3] === undefined ? {} : { pass: Number(match[3]) }),
      ...(match[4] === undefined ? {} : { subjob: Number(match[4]) }),
    };
  }
  if (!/^[a-z]+:./.test(text)) return undefined;
  const run = /^run:(\d{10})$/.exec(text);
  return { text, id: text, ...parseJobId(text), ...(run ? { run: Number(run[1]) } : {}) };
}

/** A line of standard input or of a file: a REF, a JSON line of a listing, or `module run pass`; else `undefined`. */
export function parseLine(line: string): JobRef | undefined {
  const text = line.trim();
  if (text.startsWith('{')) return parseJsonLine(text);
  const exactly = /^([A-Za-z0-9][A-Za-z0-9_.-]*)\s+(\d{1,10})\s+(\d+)$/.exec(text);
  if (exactly) return { text, module: exactly[1] ?? '', run: Number(exactly[2]), pass: Number(exactly[3]) };
  return parseRef(text);
}

function parseJsonLine(text: string): JobRef | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  const said = field(line, 'ref');
  if (typeof said !== 'string') return undefined;
  const ref = parseRef(said);
  const state = PASS_STATES.find((name) => name === field(line, 'state'));
  return ref && state ? { ...ref, expected: state } : ref;
}

/** `109134`, `109100-109200`, `109100-`; `undefined` if it is none of these or runs backwards. */
export function parseRuns(text: string): RunSet | undefined {
  const match = /^(\d{1,10})(?:(-)(\d{1,10})?)?$/.exec(text.trim());
  if (!match) return undefined;
  const first = Number(match[1]);
  if (match[2] === undefined) return { ranges: [[first, first]], listed: [first] };
  const last = match[3] === undefined ? MAX_RUN : Number(match[3]);
  return last < first ? undefined : { ranges: [[first, last]], listed: [] };
}

/** All of several run sets. */
export function unionRuns(sets: readonly RunSet[]): RunSet {
  const ranges = sets.flatMap((set) => set.ranges).toSorted(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [first, last] of ranges) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return { ranges: merged, listed: [...new Set(sets.flatMap((set) => set.listed))] };
}

export function hasRun(set: RunSet, run: number): boolean {
  return set.ranges.some(([first, last]) => run >= first && run <= last);
}

/** True when the REF names this job, one of its subjobs, its run or its module. */
export function refers(ref: JobRef, job: JobDoc): boolean {
  if (ref.id !== undefined && ref.run === undefined) return ref.id === job._id;
  const module = ref.module === undefined || ref.module === job.module;
  const subjob = ref.subjob === undefined || job.subjobs[ref.subjob] !== undefined;
  return ref.run === job.run && module && (ref.pass === undefined || ref.pass === job.pass) && subjob;
}

/** True when the selection names a pass number itself, so that `last` does not apply to this job. */
export function namesPass(selection: Selection, job: JobDoc): boolean {
  return selection.refs?.some((ref) => ref.pass !== undefined && refers(ref, job)) ?? false;
}

/** True when the job has every property that the selection asks for, other than its state and being the last pass. */
export function matches(selection: Selection, job: JobDoc): boolean {
  const { refs, runs, modules, versions, pass } = selection;
  return (
    (refs === undefined || refs.some((ref) => refers(ref, job))) &&
    (runs === undefined || hasRun(runs, job.run)) &&
    globs(modules, job.module) &&
    globs(versions, job.version) &&
    (typeof pass !== 'number' || pass === job.pass) &&
    hasLabel(selection.labels, job.labels) &&
    oneOf(selection.requests, job.request) &&
    oneOf(selection.tags, job.tag) &&
    oneOf(selection.levels, job.level) &&
    (selection.since === undefined || job.since >= selection.since) &&
    some(selection.sites, sitesOf(job)) &&
    some(selection.causes, causesOf(job))
  );
}

function globs(patterns: readonly string[] | undefined, value: string): boolean {
  return patterns === undefined || patterns.some((pattern) => globMatch(pattern, value));
}

function oneOf(values: readonly string[] | undefined, value: string | undefined): boolean {
  return values === undefined || (value !== undefined && values.some((pattern) => globMatch(pattern, value)));
}

function some(wanted: readonly string[] | undefined, has: readonly string[]): boolean {
  return wanted === undefined || has.some((value) => wanted.includes(value));
}

/** Sites that the subjobs are locked to or failed at. */
export function sitesOf(job: JobDoc): string[] {
  const sites = job.subjobs.flatMap(({ state }) => {
    const failure = 'failure' in state ? state.failure?.site : undefined;
    return lockOf(state)?.site ?? failure ?? [];
  });
  return [...new Set(sites)];
}

/** Causes of the failures that its subjobs show now. */
export function causesOf(job: JobDoc): string[] {
  const causes = job.subjobs.flatMap(({ state }) => causeOf(state) ?? []);
  return [...new Set(causes)];
}

/** Ends from which a dependent pass cannot become ready by itself. */
const BROKEN: ReadonlySet<PassState> = new Set(['failed', 'partFail', 'canceled', 'deleted', 'unsatisfied']);

/** The state as shown: a waiting pass whose prerequisite has failed is unsatisfied. `of` answers a prerequisite's own. */
export function shownState(job: JobDoc, of: (id: string) => PassState | undefined): PassState {
  if (job.state !== 'waiting') return job.state;
  const broken = job.needs.some((need) => BROKEN.has(of(need.job) ?? 'waiting'));
  return broken ? 'unsatisfied' : 'waiting';
}
