// How many transfers to a storage element work, by the hour; and the alarms of SNO+ on it: under 0.90 for three hours
// running, or a mean of six hours under 0.75. Pure.
import type { Iso } from '../../util/time.ts';
import { HOUR, iso, ms } from '../../util/time.ts';
import { type Doc, SCHEMA } from '../doc.ts';

export interface Hour {
  /** `2026-07-14T06` */
  readonly hour: string;
  readonly ok: number;
  readonly failed: number;
}

export interface SampleDoc extends Doc {
  readonly kind: 'sample';
  readonly name: string;
  /** Ascending; the last two days. */
  readonly hours: readonly Hour[];
}

export const sampleId = (name: string): string => `sample:${name}`;

/** Hours kept. */
const KEPT = 48;

/** The document with what one round of transfer has done. */
export function sampled(
  doc: SampleDoc | undefined,
  name: string,
  { ok, failed }: Omit<Hour, 'hour'>,
  now: Iso,
): SampleDoc {
  const hour = now.slice(0, 13);
  const last = doc?.hours.find((one) => one.hour === hour) ?? { hour, ok: 0, failed: 0 };
  const others = (doc?.hours ?? []).filter((one) => one.hour !== hour);
  const hours = [...others, { hour, ok: last.ok + ok, failed: last.failed + failed }];
  const sorted = hours.sort((a, b) => (a.hour < b.hour ? -1 : 1)).slice(-KEPT);
  return { ...(doc ?? { _id: sampleId(name), kind: 'sample', v: SCHEMA, name }), hours: sorted };
}

export interface EfficiencyRules {
  /** Each of so many hours running below `low`. */
  readonly hours: number;
  readonly low: number;
  /** The mean of so many hours below `mean`. */
  readonly meanHours: number;
  readonly mean: number;
}

/** Fewer transfers in an hour say nothing. */
const ENOUGH = 5;

/** What is wrong with an element's transfers, in words; `undefined`: nothing. Whole hours count, and the present one not. */
export function lowEfficiency({ hours }: SampleDoc, rules: EfficiencyRules, now: Iso): string | undefined {
  const of = (back: number): Hour => {
    const hour = iso(ms(now) - back * HOUR).slice(0, 13);
    return hours.find((one) => one.hour === hour) ?? { hour, ok: 0, failed: 0 };
  };
  const last = (count: number): Hour[] => Array.from({ length: count }, (_, at) => of(at + 1));
  const running = last(rules.hours);
  const isLow = (hour: Hour): boolean => hour.ok + hour.failed >= ENOUGH && rateOf([hour]) < rules.low;
  if (running.length > 0 && running.every(isLow))
    return `${percent(rateOf(running))} of the transfers worked in the last ${rules.hours} hours, each hour under ${percent(rules.low)}`;
  const some = last(rules.meanHours);
  const all = some.reduce((sum, { ok, failed }) => sum + ok + failed, 0);
  if (all < ENOUGH || rateOf(some) >= rules.mean) return undefined;
  return `${percent(rateOf(some))} of ${all} transfers worked in the last ${rules.meanHours} hours, under ${percent(rules.mean)}`;
}

/** Share of the transfers that worked. */
function rateOf(hours: readonly Hour[]): number {
  const ok = hours.reduce((sum, hour) => sum + hour.ok, 0);
  const all = ok + hours.reduce((sum, hour) => sum + hour.failed, 0);
  return all === 0 ? 1 : ok / all;
}

const percent = (share: number): string => `${Math.floor(100 * share)} %`;
