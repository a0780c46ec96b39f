// What a plan will take, said before anything is made.

import type { RunFacts } from '../../../domain/jobs/readiness.ts';
import type { PlanItem, RequestEstimate } from '../../../domain/jobs/request.ts';
import type { Estimate, ModuleEstimate, Spread, Wanted } from '../../../domain/jobs/requests/estimate.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import type { EstimateItem } from '../../../domain/results/items.ts';
import { humanBytes } from '../../../util/text/bytes.ts';
import { cpuTime, shortTime } from '../../../util/text/cputime.ts';
import { given } from '../../../util/values/given.ts';
import { groupBy } from '../../../util/values/group.ts';

/** Passes and jobs of each module of a plan. A sub_run module has a job for each raw file of the run. */
export function jobsOfPlan(file: ModuleFile, plan: readonly PlanItem[], ready: readonly RunFacts[]): Wanted[] {
  const files = new Map(ready.map(({ run, data }) => [run, data?.files.length ?? 1]));
  const split = splitModules(file);
  return [...groupBy(plan, ({ module }) => module)].map(([module, items]) => ({
    module,
    passes: items.length,
    jobs: items.reduce((sum, { run }) => sum + (split.has(module) ? (files.get(run) ?? 1) : 1), 0),
  }));
}

/** Modules with a job for each subrun: what `newJob` makes of their levels. */
function splitModules({ modules }: ModuleFile): Set<string> {
  const isSplit = (name: string, above: readonly string[]): boolean => {
    const module = modules[name];
    if (!module || above.includes(name) || module.level !== 'sub_run') return false;
    return module.raw || (module.needs.length > 0 && module.needs.every((need) => isSplit(need, [...above, name])));
  };
  return new Set(Object.keys(modules).filter((name) => isSplit(name, [])));
}

/** What the request keeps of the estimate, to be compared with what it took. */
export function kept({ jobs, cpu, wall, bytes, unmeasured }: Estimate): RequestEstimate {
  return { jobs, cpu, wall, bytes, unmeasured };
}

/** One item for each module, and one for all together. */
export function* estimateItems(request: string, version: string, found: Estimate): Generator<EstimateItem, void, void> {
  for (const one of found.modules) {
    yield {
      ...{ kind: 'estimate', ref: one.module, did: 'estimated', request, version },
      ...one,
      text: moduleText(one, version),
    };
  }
  const { passes, jobs, cpu, wall, bytes, unmeasured, slots, takes } = found;
  const measured = found.modules.reduce((sum, one) => sum + one.measured, 0);
  yield {
    ...{ kind: 'estimate', ref: request, did: 'estimated', request, version, measured, passes, jobs },
    ...(measured === 0 ? {} : { cpu, wall, bytes }),
    ...{ unmeasured, slots, ...given({ takes }) },
    text: sumText(found),
  };
}

const many = (count: number, one: string, more: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : more}`;

function asked({ passes, jobs }: { readonly passes: number; readonly jobs: number }): string {
  return `${many(passes, 'pass', 'passes')}, ${many(jobs, 'job', 'jobs')}`;
}

function moduleText(one: ModuleEstimate, version: string): string {
  const { module, from, measured, cpu, bytes, perJob = {} } = one;
  if (from === undefined) return `${asked(one)}: not known, because no pass of ${module} has completed`;
  const other = from === version ? '' : ` of ${from}, the nearest version`;
  const rests = `measured on ${many(measured, 'pass', 'passes')}${other}`;
  const takes = [cpu === undefined ? [] : cpuTime(cpu), bytes === undefined ? [] : humanBytes(bytes)].flat();
  const each = [spread(perJob.cpu, shortTime, 'CPU'), spread(perJob.bytes, humanBytes, 'of output')].filter(
    (text) => text !== '',
  );
  return `${asked(one)}: ${takes.join(' and ')}; ${rests}; a job takes ${each.join(', ')}`;
}

/** `35m CPU (28m to 1h)`: the median, and what eight passes of ten lie between. */
function spread(of: Spread | undefined, text: (value: number) => string, what: string): string {
  if (!of) return '';
  const [low, high] = [text(of.low), text(of.high)];
  return `${text(of.median)} ${what}${low === high ? '' : ` (${low} to ${high})`}`;
}

function sumText(found: Estimate): string {
  const { cpu, bytes, unmeasured, slots, takes, modules } = found;
  const without = unmeasured.length === 0 ? '' : `, without ${unmeasured.join(', ')}`;
  if (unmeasured.length === modules.length) return `${asked(found)}: not known, because nothing was measured`;
  const time =
    takes === undefined
      ? slots === 0
        ? '; no farm takes jobs of this version now'
        : ''
      : `; at least ${shortTime(takes)} on ${many(slots, 'slot', 'slots')}`;
  return `${asked(found)}: ${cpuTime(cpu)} and ${humanBytes(bytes)}${without}${time}`;
}
