// Numbers of the report as people read them.
import type { ReportElement, ReportRequest } from '../../flow/reports/report/page.ts';
import { shortTime } from '../../util/text/cputime.ts';
import { humanLeft, type Iso, ms } from '../../util/time.ts';
import { humanCount } from '../human.ts';

/** Hours of a day. */
const DAY = 24;

/** `40s`, `412 h`, `1.3 years`: CPU and wall-clock time. */
export function hours(seconds: number): string {
  const value = seconds / 3600;
  if (value >= 365.25 * DAY) return `${(value / (365.25 * DAY)).toFixed(1)} years`;
  if (value >= 10) return `${humanCount(Math.round(value))} h`;
  return value >= 1 ? `${value.toFixed(1)} h` : shortTime(seconds);
}

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** When a request ends: `in 3d`, `not known`, or the state that it ended in. */
export function endText({ state, expected }: Pick<ReportRequest, 'state' | 'expected'>, at: Iso): string {
  if (expected !== undefined) return `in ${humanLeft(ms(expected) - ms(at))}`;
  return state === 'open' ? 'not known' : state;
}

/** `97 % of 412`: copies that worked in the last 24 hours of which something is known. */
export function recent({ hours: all }: Pick<ReportElement, 'hours'>): string {
  const last = all.slice(-DAY);
  const ok = last.reduce((sum, one) => sum + one.ok, 0);
  const count = last.reduce((sum, one) => sum + one.ok + one.failed, 0);
  return count === 0 ? '-' : `${Math.floor((100 * ok) / count)} % of ${humanCount(count)}`;
}
