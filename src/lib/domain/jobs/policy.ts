// What a failed attempt means and what follows: the policy table read as data. First matching row decides.

import { found } from '../../util/text/expression.ts';
import { type Iso, isAhead, plus } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { Settings } from '../settings.ts';
import type { Resources } from './job.ts';
import type { PolicyRule } from './policyrule.ts';
import type { Failure, SubjobState } from './states.ts';

/** What is known of an attempt that did not succeed. */
export interface Evidence {
  readonly site: string;
  readonly phase: string;
  readonly exit?: number;
  readonly signal?: number;
  /** One line for people. */
  readonly reason: string;
  /** What rules look at: the reason, the backend's word, and the log's tail. */
  readonly text: string;
}

/** What to do next with the subjob. */
export type Verdict =
  | { readonly action: 'retry' }
  | { readonly action: 'later'; readonly wait: number }
  /** Now, with `resources` instead of what the last attempt asked for. */
  | { readonly action: 'more'; readonly resources: Resources }
  | { readonly action: 'hold' }
  | { readonly action: 'fail' };

/** The rule that applies, or `undefined`: then the cause is `exit-N`, or the phase. */
export function ruleFor(rules: readonly PolicyRule[], evidence: Evidence): PolicyRule | undefined {
  return rules.find(
    (rule) =>
      (rule.exit === undefined || (evidence.exit !== undefined && rule.exit.includes(evidence.exit))) &&
      (rule.signal === undefined || (evidence.signal !== undefined && rule.signal.includes(evidence.signal))) &&
      (rule.phase === undefined || rule.phase === evidence.phase) &&
      (rule.text === undefined || found(rule.text, evidence.text)),
  );
}

/** The rules for a module's jobs: its own stand before those of the configuration. */
export function rulesFor(settings: Settings, version: string, module: string): readonly PolicyRule[] {
  const own = settings.modules[version]?.modules[module]?.policy ?? [];
  return own.length === 0 ? settings.policy : [...own, ...settings.policy];
}

/** Phases of an attempt, which name its failure where no rule does: the wrapper's, and what is found out about it. */
const PHASES = ['submit', 'setup', 'stage-in', 'payload', 'outputs', 'stage-out', 'killed', 'verify', 'lost'];

/** Every cause that can be told beforehand; besides them there are `exit-N` and `signal-N`. */
export function knownCauses({ policy, modules }: Pick<Settings, 'policy' | 'modules'>): Set<string> {
  const own = Object.values(modules).flatMap((file) => Object.values(file.modules).flatMap((def) => def.policy ?? []));
  return new Set([...policy, ...own].map(({ cause }) => cause).concat(PHASES));
}

/** Longest time between two tries. */
const MAX_WAIT = 24 * 3_600_000;

/** True for a retry that a clock ahead has dated: no such wait begins beyond now, and none is as long. */
export function isHeldAhead(state: SubjobState, now: Iso): boolean {
  if (state.name !== 'held' || state.until === undefined) return false;
  return isAhead(state.since, now) || isAhead(state.until, plus(now, MAX_WAIT));
}
/** How many times what the module says `more` may reach, where the rule has no ceiling. */
const MOST = 4;

/** What an attempt had asked for, and what its module says. */
export interface Asked {
  readonly module: Resources;
  readonly attempt: Resources;
}

/**
 * Judges an attempt: its cause, and what follows after `failures` earlier ones of `tries`.
 * Without a rule it is tried again at once until the module's tries are used up. `more` needs something to multiply:
 * where neither module nor attempt says an amount, or the ceiling was reached, it fails.
 */
export function judge(
  rules: readonly PolicyRule[],
  evidence: Evidence,
  failures: number,
  tries: number,
  asked?: Asked,
): { readonly failure: Failure; readonly verdict: Verdict } {
  const rule = ruleFor(rules, evidence);
  const failure: Failure = {
    cause: rule?.cause ?? defaultCause(evidence),
    reason: [evidence.reason.slice(0, 300), rule?.advice].filter((text) => text !== undefined).join('; '),
    site: evidence.site,
    phase: evidence.phase,
    ...given({ exit: evidence.exit, signal: evidence.signal }),
  };
  return { failure, verdict: verdictOf(rule, failures + 1, tries, asked) };
}

function verdictOf(rule: PolicyRule | undefined, used: number, tries: number, asked: Asked | undefined): Verdict {
  if (rule?.action === 'hold') return { action: 'hold' };
  if (rule?.action === 'fail' || used >= (rule?.tries ?? tries)) return { action: 'fail' };
  if (rule?.action === 'later') {
    const wait = Math.min((rule.wait ?? 600_000) * 2 ** (used - 1), MAX_WAIT);
    return { action: 'later', wait };
  }
  if (rule?.action !== 'more') return { action: 'retry' };
  const resources = moreOf(rule, asked);
  return resources ? { action: 'more', resources } : { action: 'fail' };
}

/** What the next attempt asks for under a `more` rule; `undefined`: there is no more. */
function moreOf(rule: PolicyRule, asked: Asked | undefined): Resources | undefined {
  const of = rule.of ?? 'memory';
  const before = asked?.attempt[of] ?? asked?.module[of];
  if (before === undefined) return undefined;
  const ceiling = rule.ceiling ?? MOST * (asked?.module[of] ?? before);
  const next = Math.min(Math.ceil(before * (rule.factor ?? 2)), ceiling);
  return next > before ? { ...asked?.attempt, [of]: next } : undefined;
}

function defaultCause(evidence: Evidence): string {
  if (evidence.signal !== undefined) return `signal-${evidence.signal}`;
  if (evidence.phase === 'payload' && evidence.exit !== undefined) return `exit-${evidence.exit}`;
  return evidence.phase;
}
