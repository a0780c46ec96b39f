// Holds: calibration, pause, drain, quarantine... are one kind of document with why, who and until.

import { type Iso, isAhead } from '../util/time.ts';
import type { Doc } from './doc.ts';
import { holdId, MAX_RUN } from './ids.ts';

export type HoldWhat = 'calibration' | 'pause' | 'drain' | 'quarantine' | 'transfer' | 'storage' | 'primary';

/** What a hold covers; absent fields cover everything, present ones must all match. */
export interface HoldScope {
  /** Inclusive run ranges. */
  readonly runs?: readonly (readonly [number, number])[];
  readonly modules?: readonly string[];
  readonly versions?: readonly string[];
  readonly sites?: readonly string[];
  readonly storages?: readonly string[];
  readonly levels?: readonly string[];
  readonly requests?: readonly string[];
  readonly labels?: readonly string[];
  /** Only automatic passes (a calibration hold). */
  readonly automatic?: boolean;
}

export interface HoldDoc extends Doc {
  readonly kind: 'hold';
  readonly what: HoldWhat;
  readonly scope: HoldScope;
  readonly why: string;
  readonly by: string;
  readonly since: Iso;
  /** It ends by itself at this time. */
  readonly until?: Iso;
  readonly ended?: { readonly at: Iso; readonly by: string; readonly why?: string };
}

/** The field by which a scope covers nothing at all: an empty list, or an empty name. */
export function emptyField(scope: HoldScope): string | undefined {
  const lists = Object.entries(scope).filter(([, values]) => Array.isArray(values));
  return lists.find(([, values]: [string, readonly unknown[]]) => values.length === 0 || values.includes(''))?.[0];
}

/** Fields of a scope as people call one of them. */
const NOUNS: Readonly<Record<string, string>> = {
  modules: 'module',
  versions: 'version',
  sites: 'farm',
  storages: 'storage element',
  levels: 'level',
  requests: 'request',
  labels: 'label',
};

/** `runs 109121- automatic`, `version 7.0.8`, `everything` */
export function coverText(scope: HoldScope): string {
  const { runs: spans, automatic, ...names } = scope;
  const last = (end: number): string => (end >= MAX_RUN ? '' : String(end));
  const words = [
    ...(spans ?? []).map(([first, end]) => (first === end ? `run ${first}` : `runs ${first}-${last(end)}`)),
    ...Object.entries(names).map(([field, values]) => {
      const noun = NOUNS[field] ?? field;
      if (values.length === 1 && values[0] === '*') return `every ${noun}`;
      return `${noun}${values.length === 1 ? '' : 's'} ${values.join(',')}`;
    }),
    ...(automatic ? ['automatic'] : []),
  ];
  return words.join(' ') || 'everything';
}

/** `, until 2026-07-15T08:00:00.000Z`; nothing for one that somebody must end. */
export function endText({ until }: Pick<HoldDoc, 'until'>): string {
  return until === undefined ? '' : `, until ${until}`;
}

/** What is asked of a hold: the facts of a job, a file or a site. */
export interface HoldSubject {
  readonly run?: number;
  readonly module?: string;
  readonly version?: string;
  readonly site?: string;
  readonly storage?: string;
  readonly level?: string;
  readonly request?: string;
  readonly labels?: readonly string[];
  /** Made by automatic processing, of a run that is not a calibration run. */
  readonly automatic?: boolean;
}

/**
 * True while the hold is in force at `now`. One that ends by itself and was put later than now came from a wrong clock:
 * its end is as wrong, so it keeps nothing. One that a person must end holds whatever its date.
 */
export function inForce(hold: HoldDoc, now: Iso): boolean {
  if (hold.ended) return false;
  return hold.until === undefined || (hold.until > now && !isAhead(hold.since, now));
}

/** True when the scope covers the subject: every field that the scope names must be there and match. */
export function covers(scope: HoldScope, subject: HoldSubject): boolean {
  const run = subject.run;
  const within = !scope.runs || (run !== undefined && scope.runs.some(([first, last]) => run >= first && run <= last));
  return (
    within &&
    matches(scope.modules, subject.module) &&
    matches(scope.versions, subject.version) &&
    matches(scope.sites, subject.site) &&
    matches(scope.storages, subject.storage) &&
    matches(scope.levels, subject.level) &&
    matches(scope.requests, subject.request) &&
    (!scope.labels || scope.labels.some((label) => subject.labels?.includes(label))) &&
    (!scope.automatic || subject.automatic === true)
  );
}

/** The hold that keeps everything from a site: a drain, or a pause of the site. Those in force are asked. */
export function drainOf(holds: readonly HoldDoc[], site: string): HoldDoc | undefined {
  return holds.find(({ scope }) => scope.sites && covers(scope, { site }));
}

function matches(patterns: readonly string[] | undefined, value: string | undefined): boolean {
  return !patterns || (value !== undefined && patterns.some((pattern) => globMatch(pattern, value)));
}

/**
 * Shell-like `*` and `?` on names. No regular expression: those of many stars take for ever. Here only the last star
 * ever takes one more character, so the time is that of both lengths multiplied at most.
 */
export function globMatch(pattern: string, value: string): boolean {
  let at = 0;
  let star = -1;
  let taken = 0;
  for (let place = 0; place < value.length; ) {
    if (pattern[at] === '*') {
      star = at++;
      taken = place;
    } else if (pattern[at] === '?' || pattern[at] === value[place]) {
      at++;
      place++;
    } else if (star >= 0) {
      at = star + 1;
      place = ++taken;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** How the ids of holds begin that were put because most attempts of a kind failed at a site. */
export const FAULT_SLUG = 'fault-';

/** Whether a hold was put because most attempts failed. */
export function isFaultHold(id: string): boolean {
  return id.startsWith(holdId(FAULT_SLUG));
}
