// Which farm a job may go to: routing rules and the versions that are installed there. Pure.
import { nth } from '../../util/values/have.ts';
import { globMatch } from '../hold.ts';
import type { JobDoc } from '../jobs/job.ts';
import type { FarmSettings, RouteRule } from '../settings.ts';

export interface Route {
  /** Place of the rule in the configuration, from 0. */
  readonly rule: number;
  readonly farms: readonly string[];
}

type Routed = Pick<JobDoc, 'module' | 'version' | 'run' | 'labels' | 'request'>;

/** The first rule that matches a job; `undefined`: every farm may take it. */
export function routeOf(rules: readonly RouteRule[], job: Routed): Route | undefined {
  const rule = rules.findIndex((candidate) => matches(candidate, job));
  return rule < 0 ? undefined : { rule, farms: nth(rules, rule).farms };
}

function matches({ module, version, runs, label, work }: RouteRule, job: Routed): boolean {
  return (
    (module === undefined || globMatch(module, job.module)) &&
    (version === undefined || globMatch(version, job.version)) &&
    (runs === undefined || runs.some(([first, last]) => job.run >= first && job.run <= last)) &&
    (label === undefined || job.labels.includes(label)) &&
    (work === undefined || (work === 'automatic') === (job.request === undefined))
  );
}

/** True when jobs of a software version can run at a farm. */
export function hasVersion(farm: FarmSettings, version: string): boolean {
  return farm.versions?.includes(version) !== false;
}
