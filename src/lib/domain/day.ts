// The state of the experiment at the end of a day, one document each: what documents of runs and passes do not tell later.
// Pure.
import type { Iso } from '../util/time.ts';
import { type Doc, SCHEMA } from './doc.ts';
import type { Hour, SampleDoc } from './storage/efficiency.ts';

/** One storage element on that day. */
interface DayOfElement {
  /** Copies of raw files that are verified. */
  readonly files: number;
  /** Copies made and failed on that day. */
  readonly ok: number;
  readonly failed: number;
  /** Bytes, where its server tells. */
  readonly total?: number;
  readonly free?: number;
}

export interface DayDoc extends Doc {
  readonly kind: 'day';
  /** `2026-07-14` */
  readonly day: string;
  readonly at: Iso;
  readonly host: string;
  /** When the elements were last asked how full they are. */
  readonly spaceAt?: Iso;
  /** Runs and passes by state. */
  readonly runs: Readonly<Record<string, number>>;
  readonly passes: Readonly<Record<string, number>>;
  readonly elements: Readonly<Record<string, DayOfElement>>;
  /** By level: what its buffer's disk said last. */
  readonly buffers: Readonly<Record<string, { readonly total: number; readonly free: number }>>;
}

export const dayId = (day: string): string => `day:${day}`;
export const dayOf = (at: Iso): string => at.slice(0, 10);

/** What is known at `at`; without `space` nobody asked now. */
export interface DayFacts extends Pick<DayDoc, 'host' | 'runs' | 'passes' | 'buffers'> {
  readonly files: Readonly<Record<string, number>>;
  readonly samples: readonly SampleDoc[];
  readonly space?: ReadonlyMap<string, { readonly total: number; readonly free: number }>;
}

/** The document of the day with what is known now; a space that nobody asked for stays as it was. */
export function dayed(doc: DayDoc | undefined, at: Iso, facts: DayFacts): DayDoc {
  const day = dayOf(at);
  const samples = new Map(facts.samples.map((one) => [one.name, one.hours]));
  const names = new Set([...Object.keys(facts.files), ...(facts.space?.keys() ?? []), ...samples.keys()]);
  const elements = [...names].sort().map((name) => {
    const { ok, failed } = sumOf((samples.get(name) ?? []).filter(({ hour }) => hour.startsWith(day)));
    const { total, free } = facts.space?.get(name) ?? doc?.elements[name] ?? {};
    const space = total === undefined || free === undefined ? {} : { total, free };
    return [name, { files: facts.files[name] ?? 0, ok, failed, ...space }] as const;
  });
  const { host, runs, passes, buffers } = facts;
  const head = doc ?? { _id: dayId(day), kind: 'day' as const, v: SCHEMA, day };
  const asked = facts.space ? { spaceAt: at } : {};
  return { ...head, at, host, ...asked, runs, passes, buffers, elements: Object.fromEntries(elements) };
}

/** Copies of some hours together. */
function sumOf(hours: readonly Hour[]): { ok: number; failed: number } {
  return hours.reduce((sum, { ok, failed }) => ({ ok: sum.ok + ok, failed: sum.failed + failed }), {
    ok: 0,
    failed: 0,
  });
}
