// A request in words: the same on a terminal, in Markdown and in HTML.
import type { Progress } from '../../domain/jobs/requests/progress.ts';
import type { RequestPage } from '../../flow/reports/request/page.ts';
import { cpuTime } from '../../util/text/cputime.ts';
import { DAY, humanAge, humanLeft } from '../../util/time.ts';
import { humanCount, humanCounted, humanSize } from '../human.ts';

/** Whole percents of the passes that are completed. */
export function donePercent({ passes, completed }: Progress): number {
  return passes === 0 ? 0 : Math.floor((100 * completed) / passes);
}

/** `12 of 40 completed`, `2 failed`, ... */
export function progressParts(progress: Progress): string[] {
  const { passes, completed, failed, active, waiting, given, unmade } = progress;
  const some = (count: number, words: string): string[] => (count === 0 ? [] : [`${humanCount(count)} ${words}`]);
  return [
    `${humanCount(completed)} of ${humanCount(passes)} completed`,
    ...some(failed, 'failed'),
    ...some(active, 'at farms'),
    ...some(waiting, 'waiting'),
    ...some(given, 'canceled or deleted'),
    ...some(unmade, 'not made yet'),
  ];
}

export function rateText({ rate }: Progress): string {
  if (rate === undefined) return '';
  if (rate >= 10) return `${humanCount(Math.round(rate))} passes an hour`;
  return rate >= 1 ? `${rate.toFixed(1)} passes an hour` : `${(rate * 24).toFixed(1)} passes a day`;
}

/** The time left; empty where no pass is left. */
export function leftText({ progress, at }: Pick<RequestPage, 'progress' | 'at'>): string {
  const { state, left, expected, active, waiting, unmade, last } = progress;
  if (state === 'done' || state === 'ended' || active + waiting + unmade === 0) return '';
  if (left !== undefined) {
    const day = expected === undefined || left < DAY || left > 365 * DAY ? '' : `, on ${expected.slice(0, 10)}`;
    return `${humanLeft(left)} at this rate${day}`;
  }
  if (last === undefined) return 'not known: no pass has completed yet';
  return `not known: no pass has completed for ${humanAge(last, at)}`;
}

export function runsText({ runs: { count, first, last } }: Pick<RequestPage, 'runs'>): string {
  if (count === 1) return `run ${first}`;
  const between = first === undefined ? '' : `, ${first} to ${last}`;
  return `${humanCount(count)} runs${between}`;
}

/** `1.3 CPU-years in 4,812 jobs; 9,624 files of 1.2 TB`, and the time of failed tries. */
export function useText({ use: { sum } }: Pick<RequestPage, 'use'>): string {
  if (sum.jobs === 0 && sum.lost === 0) return '';
  const { jobs, cpu, outputs, bytes, lost } = sum;
  const wasted = lost === 0 ? '' : `; tries that failed took ${cpuTime(lost).replace('CPU', 'wall')}`;
  return `${cpuTime(cpu)} in ${humanCounted(jobs, 'job')}; ${humanCounted(outputs, 'file')} of ${humanSize(bytes)}${wasted}`;
}

export function estimateText({ estimate }: Pick<RequestPage, 'estimate'>): string {
  if (!estimate) return '';
  const { jobs, cpu, bytes, unmeasured } = estimate;
  if (cpu === 0 && bytes === 0) return unmeasured.length === 0 ? '' : 'nothing was measured before';
  const without = unmeasured.length === 0 ? '' : `, without ${unmeasured.join(', ')}`;
  return `${cpuTime(cpu)} in ${humanCounted(jobs, 'job')} and ${humanSize(bytes)}${without}`;
}
