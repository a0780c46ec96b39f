// Rows of the policy table and of the routing as they are written: made into what the program reads, and checked.

import type { PolicyRule } from '../../domain/jobs/policyrule.ts';
import { parseRuns } from '../../domain/selection.ts';
import type { FarmSettings, RouteRule } from '../../domain/settings.ts';
import { wrongExpression } from '../../util/text/expression.ts';
import { suggestion } from '../../util/text/near.ts';
import { parseDuration } from '../../util/time.ts';
import type { Finding } from './findings/finding.ts';
import type { Path } from './yaml/document.ts';
import type { RawConfig } from './yaml/schema.ts';
import { listOf, parseMemory } from './yaml/values.ts';

export type RawRule = NonNullable<RawConfig['policy']>[number];
export type RawRoute = NonNullable<RawConfig['routing']>[number];

export function ruleOf(rule: RawRule): PolicyRule {
  const { exit, signal, ceiling, ...rest } = rule;
  const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const amount = ceiling === undefined ? undefined : ceilingOf(rule.of, ceiling);
  return {
    ...(said as Omit<PolicyRule, 'exit' | 'signal' | 'ceiling'>),
    ...(exit === undefined ? {} : { exit: listOf(exit) }),
    ...(signal === undefined ? {} : { signal: listOf(signal) }),
    ...(amount === undefined ? {} : { ceiling: amount }),
  };
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
  const expected = of === 'time' ? 'a duration such as `48h`' : 'a size such as `16 GB`';
  return [{ path: [...path, 'ceiling'], message: `ceiling: expected ${expected}` }];
}

export function routeOf(route: RawRoute): RouteRule {
  const { farm, runs, ...rest } = route;
  const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const ranges = listOf(runs).flatMap((text) => parseRuns(text)?.ranges ?? []);
  return { ...said, ...(runs === undefined ? {} : { runs: ranges }), farms: listOf(farm) };
}

/** Farms that routing names and nobody knows. */
export function routeFindings(routes: readonly RawRoute[], farms: readonly FarmSettings[]): Finding[] {
  const names = farms.map((farm) => farm.name);
  return routes.flatMap((route, index) =>
    listOf(route.farm)
      .filter((name) => !names.includes(name))
      .map((name) => ({
        path: ['routing', index, 'farm'],
        message: `no farm is called ${name}`,
        hint: suggestion(name, names),
      })),
  );
}
