// What somebody wants to be told, how, and when not.
import { covers } from '../hold.ts';
import type { Problem, Trouble } from './problem.ts';

/** Minutes of the day, in this host's zone; `to` before `from` goes over midnight. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
}

export interface NotifyRule {
  readonly name: string;
  readonly on: readonly Trouble[];
  /** Inclusive run ranges. */
  readonly runs?: readonly (readonly [number, number])[];
  /** Globs. */
  readonly modules?: readonly string[];
  readonly farms?: readonly string[];
  /** Mail addresses; or a command that gets JSON lines on standard input. A rule has only one, so each is retried alone. */
  readonly mail: readonly string[];
  readonly command?: string;
  readonly quiet?: QuietHours;
  /** Told in quiet hours, too. */
  readonly urgent: readonly Trouble[];
  /** Milliseconds between two messages at least. */
  readonly every: number;
  /** Milliseconds after which a problem that lasts is told again. */
  readonly repeat: number;
  /** A buffer with less than so many days left is a problem. */
  readonly days?: number;
}

/** The name of the rule for the command, where a rule of the configuration says mail and command. */
export const commandRule = (name: string): string => `${name}.command`;

/** A rule for `silent` also hears of `store`: without the store, no other silence is noticed. */
export function hears({ on }: NotifyRule, kind: Trouble): boolean {
  return on.includes(kind) || (kind === 'store' && on.includes('silent'));
}

/**
 * Whether the rule wants to hear of the problem. A selection narrows problems that are about runs, modules or farms; one
 * that is about none of them (a buffer) passes.
 */
export function concerns(rule: NotifyRule, problem: Problem): boolean {
  if (!hears(rule, problem.kind)) return false;
  if (problem.daysLeft !== undefined && !(rule.days !== undefined && problem.daysLeft < rule.days)) return false;
  const { runs, modules, farms } = rule;
  const may = (about: readonly unknown[], test: (at: number) => boolean): boolean =>
    about.length === 0 || about.some((_, at) => test(at));
  return (
    may(problem.runs, (at) => covers(runs ? { runs } : {}, { run: problem.runs[at] ?? -1 })) &&
    may(problem.modules, (at) => covers(modules ? { modules } : {}, { module: problem.modules[at] ?? '' })) &&
    may(problem.farms, (at) => covers(farms ? { sites: farms } : {}, { site: problem.farms[at] ?? '' }))
  );
}

/** True where the minute of the day is within the quiet hours. */
export function isQuiet({ from, to }: QuietHours, minute: number): boolean {
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** `22:00-07:00`; `undefined` for anything else. */
export function parseQuiet(text: string): QuietHours | undefined {
  const match = /^\s*([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)\s*$/.exec(text);
  if (!match) return undefined;
  const [from, to] = [Number(match[1]) * 60 + Number(match[2]), Number(match[3]) * 60 + Number(match[4])];
  return from === to ? undefined : { from, to };
}

/** `07:00` */
export function clockText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}
