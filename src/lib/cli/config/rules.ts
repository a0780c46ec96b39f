// Rows of the policy table and of the routing as they are written: made into what the program reads, and checked.

import type { PolicyRule } from '../../domain/jobs/policyrule.ts';
import { noSuch } from '../../domain/named.ts';
import { parseRuns } from '../../domain/selection.ts';
import type { FarmSettings, RouteRule } from '../../domain/settings.ts';
import { wrongExpression } from '../../util/text/expression.ts';
import { notDuration, parseDuration } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { Finding } from './findings/finding.ts';
import type { Path } from './yaml/document.ts';
import type { RawConfig } from './yaml/schema.ts';
import { parseMemory } from './yaml/values.ts';

export type RawRule = NonNullable<RawConfig['policy']>[number];
export type RawRoute = NonNullable<RawConfig['routing']>[number];

export function ruleOf({ ceiling, ...rule }: RawRule): PolicyRule {
  return given({ ...rule, ceiling: ceiling === undefined ? undefined : ceilingOf(rule.of, ceiling) });
}

/** MiB or milliseconds. */
function ceilingOf(of: 'memory' | 'time' | undefined, text: string): number | undefined {
  return of === 'time' ? parseDuration(text) : parseMemory(text);
}

/** What is wrong with rules that stand at `path`. */
export function ruleFindings(rules: readonly RawRule[], path: Path): Finding[] {
  return rules.flatMap((rule, index) => {
    const here = [...path, index];
    return [...expression(rule, here), ...more(rule, here)];
  });
}

function expression({ text }: RawRule, path: Path): Finding[] {
  const wrong = wrongExpression(text ?? '');
  if (wrong === undefined) return [];
  return [{ path: [...path, 'text'], message: `is not a regular expression (RE2): ${wrong}` }];
}

/** `of`, `factor` and `ceiling` belong to `more`, which cannot do without the first. */
function more({ action, of, factor, ceiling }: RawRule, path: Path): Finding[] {
  if (action !== 'more') {
    const extra = Object.entries({ of, factor, ceiling }).find(([, value]) => value !== undefined);
    return extra ? [{ path: [...path, extra[0]], message: `${extra[0]} belongs to action: more` }] : [];
  }
  if (of === undefined) return [{ path, message: 'action: more says of what', hint: 'of: memory, or of: time' }];
  if (ceiling === undefined || ceilingOf(of, ceiling) !== undefined) return [];
  const wrong = of === 'time' ? notDuration(ceiling) : 'expected a size such as `16 GB`';
  return [{ path: [...path, 'ceiling'], message: `ceiling: ${wrong}` }];
}

export function routeOf({ farm, runs, ...route }: RawRoute): RouteRule {
  const ranges = runs?.flatMap((text) => parseRuns(text)?.ranges ?? []);
  return given({ ...route, runs: ranges, farms: farm });
}

/** Farms that routing names and nobody knows. */
export function routeFindings(routes: readonly RawRoute[], farms: readonly FarmSettings[]): Finding[] {
  const names = farms.map((farm) => farm.name);
  return routes.flatMap((route, index) =>
    route.farm
      .filter((name) => !names.includes(name))
      .map((name) => ({
        path: ['routing', index, 'farm'],
        message: noSuch('farm', name, names),
      })),
  );
}
