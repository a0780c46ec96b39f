// report: the experiment over some time, from counts of views and the samples that transfer and monitor leave by the day.
// No document of a run or a pass is read.
import { type DayDoc, dayId, dayOf } from '../../../domain/day.ts';
import { lowEfficiency, type SampleDoc } from '../../../domain/storage/efficiency.ts';
import { idsWith } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import type { Daily } from '../../../views/daily.ts';
import { views } from '../../../views/index.ts';
import { followed } from '../../jobs/requests/requestuse.ts';
import type { ReadPorts } from '../../ports.ts';
import { noteLine, notesSince } from '../../switches/notes.ts';
import { flow } from '../flow/flow.ts';
import type { StatusPage } from '../status/page.ts';
import { status } from '../status/status.ts';
import type { ReportElement, ReportPage, ReportRequest } from './page.ts';
import { daysBetween, elementDays, moduleUsage, reportDays } from './sums.ts';

export interface ReportOptions {
  /** The first day shown. */
  readonly from: string;
  /** The first day that CPU and wall time are counted from. */
  readonly yearFrom: string;
}

export async function report(ports: ReadPorts, { from, yearFrom }: ReportOptions): Promise<ReportPage> {
  const { store } = ports;
  const at = await store.now();
  const to = dayOf(at);
  const [page, picture, counts, docs, samples, causes, requests, notes] = await Promise.all([
    status(ports),
    flow(ports),
    dailyCounts(ports, from, yearFrom),
    store.range<DayDoc>({ ...idsWith('day:'), start: dayId(from) }),
    store.range<SampleDoc>(idsWith('sample:')),
    store.count(views.causes, 3),
    requestRows(ports, at),
    notesSince(store, from),
  ]);
  const elements = page.storage.map((one) => elementOf(ports, one, docs, samples, at));
  const failures = causes.map(({ key: [cause, site, how], value }) => ({ cause, site, how, subjobs: value }));
  const modules = moduleUsage(counts);
  return {
    experiment: page.experiment,
    at,
    from,
    to,
    yearFrom,
    flow: picture,
    needYou: page.needYou,
    days: reportDays(daysBetween(from, to), counts.runs, counts.in, counts.copied),
    alarm: ports.settings.efficiency.low,
    elements,
    passes: docs.map(({ day, passes }) => ({ day, states: passes })),
    modules,
    failures: failures.sort((a, b) => b.subjobs - a.subjobs),
    requests,
    holds: page.holds.map(({ what, why, by, since, until }) => ({ what, why, by, since, ...given({ until }) })),
    notes: notes.map(noteLine).reverse(),
    unknown: unknownOf(docs, elements, modules.length > 0),
  };
}

async function dailyCounts({ store }: ReadPorts, from: string, yearFrom: string) {
  const of = async (what: Daily, since: string) => {
    const groups = await store.count(views.daily, 3, { prefix: [what] });
    return groups.filter(({ key }) => key[2] >= since);
  };
  const [runs, into, copied, jobs, cpu, wall, memory] = await Promise.all([
    of('runs', from),
    of('in', from),
    of('copied', from),
    of('jobs', yearFrom),
    of('cpu', yearFrom),
    of('wall', yearFrom),
    of('memory', ''),
  ]);
  return { runs, in: into, copied, jobs, cpu, wall, memory };
}

function elementOf(
  { settings }: ReadPorts,
  { name, primary, states, missing }: StatusPage['storage'][number],
  docs: readonly DayDoc[],
  samples: readonly SampleDoc[],
  at: Iso,
): ReportElement {
  const sample = samples.find((one) => one.name === name);
  const low = sample && lowEfficiency(sample, settings.efficiency, at);
  return {
    name,
    primary,
    files: states.verified ?? 0,
    missing,
    ...elementDays(docs, name),
    hours: sample?.hours ?? [],
    ...given({ low }),
  };
}

async function requestRows({ store }: ReadPorts, at: Iso): Promise<ReportRequest[]> {
  const all = await followed(store, at);
  return all.map(({ doc: { name, version, created }, progress: { passes, completed, failed, state, expected } }) => {
    return { name, version, created, passes, completed, failed, state, ...given({ expected }) };
  });
}

/** What a store without samples, or with few, cannot say. */
function unknownOf(docs: readonly DayDoc[], elements: readonly ReportElement[], used: boolean): string[] {
  const nothing = docs.length === 0;
  const silent = elements.filter(({ space }) => space.length === 0).map(({ name }) => name);
  const noSpace = `space of ${silent.join(', ')}: transfer has not asked yet, or the server does not tell`;
  return [
    ...(nothing
      ? ['passes by state over time: transfer and monitor leave a sample each day, and there is none yet']
      : []),
    ...(docs.length === 1
      ? ['days left of the storage elements: samples of two days are needed, and there is one']
      : []),
    ...(silent.length > 0 && elements.length > 0 ? [noSpace] : []),
    ...(used ? [] : ['CPU, wall time and memory: no job has completed in this time']),
  ];
}
