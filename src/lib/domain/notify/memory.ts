// What a rule has said, and what it says now. The document is the lock, too: of several notifiers one sends. Pure changes.
import { between, type Iso, isAhead, MINUTE, plus } from '../../util/time.ts';
import { type Doc, SCHEMA } from '../doc.ts';
import type { Problem, Trouble } from './problem.ts';
import { clockText, concerns, isQuiet, type NotifyRule } from './rule.ts';

/** A problem that was told. */
export interface Told {
  readonly kind: Trouble;
  readonly text: string;
  /** First time and last time. */
  readonly since: Iso;
  readonly at: Iso;
  readonly count: number;
  readonly once?: true;
}

export interface NotifyDoc extends Doc {
  readonly kind: 'notify';
  readonly rule: string;
  /** By the key of the problem. */
  readonly said: Readonly<Record<string, Told>>;
  /** When the last message went out. */
  readonly at?: Iso;
  /** Who sends now; counts as dead after that time. */
  readonly sending?: { readonly nonce: string; readonly by: string; readonly until: Iso };
}

export const notifyId = (rule: string): string => `notify:${rule}`;

/** What is to be told. */
export interface Plan {
  readonly fresh: readonly Problem[];
  /** Told before, and still there. */
  readonly again: readonly Problem[];
  readonly ended: readonly (readonly [string, Told])[];
  /** Happened before the rule existed: remembered, not told. */
  readonly before: readonly Problem[];
  /** Why nothing is told now, though there is something. */
  readonly wait?: string;
}

export const isEmpty = ({ fresh, again, ended }: Plan): boolean => fresh.length + again.length + ended.length === 0;

/** A sending that takes longer has died. */
const SENDING = 5 * MINUTE;
/** So many times as many is news. */
const SURGE = 10;

/** The moment: the store's clock, and the minute of the day where people sleep. */
export interface Moment {
  readonly now: Iso;
  readonly minute: number;
  /** The store was away a moment ago: farms and loops could not write heartbeats, so silence is not told yet. */
  readonly calm?: boolean;
}

export function planOf(
  doc: NotifyDoc | undefined,
  problems: readonly Problem[],
  rule: NotifyRule,
  { now, minute, calm }: Moment,
): Plan {
  const mine = problems.filter((problem) => concerns(rule, problem));
  const said = doc?.said ?? {};
  const keys = new Set(mine.map(({ key }) => key));
  const before = doc ? [] : mine.filter(({ once }) => once);
  const whole: Plan = {
    fresh: mine
      .filter(({ key, kind }) => !said[key] && !(calm && kind === 'silent'))
      .filter((problem) => !before.includes(problem)),
    again: mine.filter(({ key, once, count }) => {
      const last = said[key];
      return last && !once && (between(last.at, now) >= rule.repeat || count >= SURGE * Math.max(1, last.count));
    }),
    ended: Object.entries(said).filter(([key, { once }]) => !keys.has(key) && !once),
    before,
  };
  if (isEmpty(whole)) return whole;
  if (doc?.at !== undefined && !isAhead(doc.at, now) && between(doc.at, now) < rule.every)
    return { ...NOTHING, before, wait: `the next message may go at ${plus(doc.at, rule.every)}` };
  if (!rule.quiet || !isQuiet(rule.quiet, minute)) return whole;
  const isUrgent = ({ kind }: { readonly kind: Trouble }): boolean => rule.urgent.includes(kind);
  const urgent = {
    fresh: whole.fresh.filter(isUrgent),
    again: whole.again.filter(isUrgent),
    ended: whole.ended.filter(([, told]) => isUrgent(told)),
    before,
  };
  return isEmpty(urgent) ? { ...NOTHING, before, wait: `quiet until ${clockText(rule.quiet.to)}` } : urgent;
}

const NOTHING = { fresh: [], again: [], ended: [] };

/** The claim on sending; a text says why not. */
export function claimed(
  doc: NotifyDoc | undefined,
  rule: NotifyRule,
  { nonce, by, now }: { readonly nonce: string; readonly by: string; readonly now: Iso },
): NotifyDoc | string {
  const other = doc?.sending;
  if (other && other.until > now && !isAhead(other.until, plus(now, SENDING))) return `${other.by} is sending it`;
  return { ...base(doc, rule), sending: { nonce, by, until: plus(now, SENDING) } };
}

function base(doc: NotifyDoc | undefined, { name }: NotifyRule): NotifyDoc {
  return doc ?? { _id: notifyId(name), kind: 'notify', v: SCHEMA, rule: name, said: {} };
}

/** The document after the message has gone out. */
export function told(doc: NotifyDoc, plan: Plan, problems: readonly Problem[], now: Iso): NotifyDoc {
  const { sending: _, ...rest } = doc;
  const gone = new Set(plan.ended.map(([key]) => key));
  const there = new Set(problems.map(({ key }) => key));
  const kept = Object.entries(doc.said).filter(([key, { once }]) => !gone.has(key) && (!once || there.has(key)));
  const entry = ({ key, kind, text, count, once }: Problem): [string, Told] => {
    const since = doc.said[key]?.since ?? now;
    return [key, { kind, text, since, at: now, count, ...(once ? { once } : {}) }];
  };
  const said = Object.fromEntries([...kept, ...[...plan.fresh, ...plan.again, ...plan.before].map(entry)]);
  return { ...rest, said, ...(isEmpty(plan) ? {} : { at: now }) };
}

/** The document after sending failed: nothing was said. */
export function released(doc: NotifyDoc): NotifyDoc {
  const { sending: _, ...rest } = doc;
  return rest;
}
