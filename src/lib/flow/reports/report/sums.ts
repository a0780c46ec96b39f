// What the report makes of counts and daily samples. Pure.
import { type DayDoc, dayOf } from '../../../domain/day.ts';
import type { Group } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import { DAY, type Iso, iso, ms } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import type { ReportDay, ReportElement, ReportModule } from './page.ts';

type Counted = readonly Group<[string, string, string]>[];

/** `2026-07-14`, ... up to and with `to`. */
export function daysBetween(from: string, to: string): string[] {
  const count = Math.round((ms(`${to}T00:00:00.000Z`) - ms(`${from}T00:00:00.000Z`)) / DAY);
  return Array.from({ length: Math.max(0, count) + 1 }, (_, at) =>
    iso(ms(`${from}T00:00:00.000Z`) + at * DAY).slice(0, 10),
  );
}

/** The last day before `now` that is `MM-DD`. @throws UsageError it is not a day of a year */
export function yearFrom(text: string, now: Iso): string {
  const year = Number(now.slice(0, 4));
  const day = (of: number): string => `${of}-${text}`;
  // 29 February is not a day of every year.
  if (!/^\d\d-\d\d$/.test(text) || !isDay(day(2025)))
    throw new UsageError(`--year: '${text}' is not a day of every year (examples: 01-01, 04-01)`, {
      hint: 'the same command with --year 01-01',
    });
  return day(year) <= dayOf(now) ? day(year) : day(year - 1);
}

/** True for a day that is in the calendar. */
function isDay(day: string): boolean {
  const time = ms(`${day}T00:00:00.000Z`);
  return !Number.isNaN(time) && iso(time).slice(0, 10) === day;
}

/** Every day of the time, also those on which nothing came. */
export function reportDays(days: readonly string[], runs: Counted, registered: Counted, copied: Counted): ReportDay[] {
  const of = (groups: Counted, day: string): Record<string, number> =>
    Object.fromEntries(groups.flatMap(({ key, value }) => (key[2] === day ? [[key[1], value]] : [])));
  return days.map((day) => ({
    day,
    runs: of(runs, day)[''] ?? 0,
    registered: of(registered, day),
    copied: of(copied, day),
  }));
}

/** Copies and space of one element, from the samples of the days. */
export function elementDays(docs: readonly DayDoc[], name: string): Pick<ReportElement, 'days' | 'space' | 'daysLeft'> {
  const known = docs.flatMap(({ day, elements }) => (elements[name] ? [{ day, ...elements[name] }] : []));
  const space = known.flatMap(({ day, total, free }) =>
    total === undefined || free === undefined ? [] : [{ day, total, free }],
  );
  const days = known.map(({ day, ok, failed }) => ({ day, ok, failed }));
  return { days, space, ...given({ daysLeft: daysUntilFull(space) }) };
}

/** At the rate at which it has filled; `undefined` where that is not known, or where it does not fill. */
export function daysUntilFull(space: ReportElement['space']): number | undefined {
  const [first, last] = [space[0], space.at(-1)];
  if (!first || !last || first.day === last.day) return undefined;
  const days = (ms(`${last.day}T00:00:00.000Z`) - ms(`${first.day}T00:00:00.000Z`)) / DAY;
  const perDay = (first.free - last.free) / days;
  return perDay > 0 ? last.free / perDay : undefined;
}

/** Bytes of one step of the view's memory. */
const STEP = 256 * 2 ** 20;

export interface ModuleCounts {
  readonly jobs: Counted;
  readonly cpu: Counted;
  readonly wall: Counted;
  readonly memory: Counted;
}

/** The modules that took most CPU first. */
export function moduleUsage({ jobs, cpu, wall, memory }: ModuleCounts): ReportModule[] {
  const names = [...new Set([...jobs, ...cpu, ...wall].map(({ key }) => key[1]))];
  const found = names.map((name): ReportModule => {
    const own = (groups: Counted) => groups.filter(({ key }) => key[1] === name);
    const sum = (groups: Counted): number => own(groups).reduce((total, { value }) => total + value, 0);
    const cut = name.indexOf(' ');
    const days = [...new Set([...own(cpu), ...own(wall)].map(({ key }) => key[2]))].sort();
    const on = (groups: Counted, day: string): number => own(groups).find(({ key }) => key[2] === day)?.value ?? 0;
    return {
      module: name.slice(0, cut),
      version: name.slice(cut + 1),
      jobs: sum(jobs),
      cpu: sum(cpu),
      wall: sum(wall),
      ...given({ memory: memoryOf(own(memory)) }),
      days: days.map((day) => ({ day, cpu: on(cpu, day), wall: on(wall, day) })),
    };
  });
  return found.sort((a, b) => b.cpu - a.cpu || (a.module < b.module ? -1 : 1));
}

function memoryOf(groups: Counted): ReportModule['memory'] {
  const steps = groups.map(({ key, value }) => [Number(key[2]) * STEP, value] as const).sort((a, b) => a[0] - b[0]);
  const all = steps.reduce((sum, [, count]) => sum + count, 0);
  if (all === 0) return undefined;
  const under = (share: number): number => {
    let seen = 0;
    for (const [bytes, count] of steps) {
      seen += count;
      if (seen >= share * all) return bytes;
    }
    return 0;
  };
  return { half: under(0.5), most: under(0.95), largest: steps.at(-1)?.[0] ?? 0 };
}
