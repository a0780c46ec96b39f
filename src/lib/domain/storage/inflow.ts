// How fast a buffer fills, and how long it lasts. Pure.
import { DAY, HOUR, type Iso, iso, ms } from '../../util/time.ts';

/** Bytes registered in each hour (`2026-07-14T06`). */
export type Hours = ReadonlyMap<string, number>;

/** The first hour that counts at `now`: the last full day, so that day and night, runs and breaks even out. */
export function sinceHour(now: Iso): string {
  return iso(ms(now) - DAY + HOUR).slice(0, 13);
}

/** Bytes a day at `now`, over the last day. */
export function inflow(hours: Hours, now: Iso): number {
  const from = sinceHour(now);
  return [...hours].reduce((sum, [hour, bytes]) => sum + (hour >= from ? bytes : 0), 0);
}

/** Days until `free` bytes are written at `perDay`; `undefined` when nothing comes in. */
export function daysLeft(free: number, perDay: number): number | undefined {
  return perDay > 0 ? free / perDay : undefined;
}

/** `less than an hour`, `1.3 days`, `40 days`, `more than a year`: as exact as a rate of the last day allows. */
export function daysText(days: number): string {
  if (days > 365) return 'more than a year';
  if (days < 1 / 24) return 'less than an hour';
  const number = days < 10 ? Math.max(0.1, days).toFixed(1) : String(Math.round(days));
  return `${number} ${number === '1.0' ? 'day' : 'days'}`;
}
