// Times are RFC 3339 UTC strings with milliseconds (`2026-07-14T02:41:07.000Z`): they sort as text,
// in a document, a view key and a directory listing alike. Nothing here reads a clock.

/** RFC 3339 UTC with milliseconds. */
export type Iso = string;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export function iso(ms: number): Iso {
  return new Date(ms).toISOString();
}

export function ms(at: Iso): number {
  return Date.parse(at);
}

/** Minutes since midnight, in the zone of this host. */
export function minuteOfDay(at: Iso): number {
  const date = new Date(at);
  return 60 * date.getHours() + date.getMinutes();
}

/** `at` plus `milliseconds`. */
export function plus(at: Iso, milliseconds: number): Iso {
  return iso(ms(at) + milliseconds);
}

/** Milliseconds from `from` to `to`. */
export function between(from: Iso, to: Iso): number {
  return ms(to) - ms(from);
}

/**
 * How far beyond the store's clock a stamp may be and still be believed. Hosts with NTP differ by milliseconds, servers of
 * one CouchDB by seconds; a clock that is wrong is wrong by more. Nothing here waits for less than these two minutes.
 */
export const SKEW = 2 * MINUTE;

/** True for a stamp of a wrong clock: nothing can have happened so far beyond now. */
export function isAhead(at: Iso, now: Iso): boolean {
  return between(now, at) > SKEW;
}

/** True when `at` is less than `milliseconds` ago, and not beyond now. */
export function isRecent(at: Iso, now: Iso, milliseconds: number): boolean {
  return !isAhead(at, now) && between(at, now) < milliseconds;
}

const UNITS: Record<string, number> = { ms: 1, s: SECOND, m: MINUTE, min: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };

/** A longer time leads out of the years of four digits, which is how times sort as text. */
const LONGEST = 365_000 * DAY;

/** A timer that is set to more than this ends at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Milliseconds of `90s`, `10 min`, `2h`, `1d`, and of `0`; `undefined` for anything else: a bare number has no unit, and
 * what is longer than 1000 years was mistyped.
 */
export function parseDuration(text: string): number | undefined {
  const time = amountOf(text);
  return time !== undefined && time <= LONGEST ? time : undefined;
}

function amountOf(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d|w)?\s*$/.exec(text);
  const amount = Number(match?.[1]);
  if (amount === 0) return 0;
  const unit = UNITS[match?.[2] ?? ''];
  return unit === undefined ? undefined : amount * unit;
}

/** What is wrong with a text that is not a duration. */
export function notDuration(text: string): string {
  const bare = text.trim();
  if (/^\d+(\.\d+)?$/.test(bare)) return `'${bare}' has no unit: write ${bare}s, ${bare}m, ${bare}h or ${bare}d`;
  if (amountOf(bare) !== undefined) return `'${bare}' is longer than 1000 years`;
  if (/^-\s*\d/.test(bare)) return `'${bare}' is negative, and a duration is not`;
  const lower = bare.toLowerCase();
  if (parseDuration(lower) !== undefined) return `'${bare}' is not a duration: units are lower case, write ${lower}`;
  return `'${text}' is not a duration (examples: 90s, 30m, 12h, 2d)`;
}

/**
 * `90s`, `10m`, `24h`: the same duration as the configuration takes it, to the millisecond. `least`: of a unit; with 1 it
 * is `1m`, not `60s`.
 */
export function exactDuration(milliseconds: number, least = 2): string {
  const [unit, size] = EXACT.find(([, of]) => milliseconds >= least * of && milliseconds % of === 0) ?? ['ms', 1];
  return milliseconds === 0 ? '0' : `${milliseconds / size}${unit}`;
}

const EXACT = [
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
] as const;

/** `2m`, `10 h`, `3 d`: one unit, the way a shifter says it. */
export function humanDuration(milliseconds: number): string {
  const abs = Math.abs(milliseconds);
  if (abs < MINUTE) return `${Math.round(abs / SECOND)}s`;
  if (abs < 2 * HOUR) return `${Math.round(abs / MINUTE)}m`;
  if (abs < 2 * DAY) return `${Math.round(abs / HOUR)}h`;
  return `${Math.round(abs / DAY)}d`;
}

/** How long ago `at` was; what is dated beyond now counts as now. */
export function humanAge(at: Iso, now: Iso): string {
  return humanDuration(Math.max(0, between(at, now)));
}

/** Time that is left, or over; beyond a year nobody counts days. */
export function humanLeft(milliseconds: number): string {
  return Math.abs(milliseconds) > 365 * DAY ? 'more than a year' : humanDuration(milliseconds);
}
