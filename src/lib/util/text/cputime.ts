// Seconds of jobs as a person reads them.
import { humanDuration, MINUTE, SECOND } from '../time.ts';

const HOUR = 3600;
const YEAR = 365.25 * 24 * HOUR;

/** `40s of CPU`, `412 CPU-hours`, `1.3 CPU-years`. */
export function cpuTime(seconds: number): string {
  if (seconds >= YEAR) return `${(seconds / YEAR).toFixed(1)} CPU-years`;
  if (seconds < HOUR) return `${shortTime(seconds)} of CPU`;
  const hours = seconds / HOUR;
  return `${hours >= 10 ? Math.round(hours).toLocaleString('en') : hours.toFixed(1)} CPU-hours`;
}

/** `0.3s`, `12s`, `2h 4m`: what is short is not nothing. */
export function shortTime(seconds: number): string {
  if (seconds <= 0 || seconds * SECOND >= MINUTE) return humanDuration(seconds * SECOND);
  if (seconds < 0.01) return 'under 0.01s';
  return `${seconds < 10 ? Number(seconds.toFixed(seconds < 1 ? 2 : 1)) : Math.round(seconds)}s`;
}
