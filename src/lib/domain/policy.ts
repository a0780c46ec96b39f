// What a failed attempt means and what follows: the policy table read as data. First matching row decides.
import type { PolicyRule } from './settings.ts';
import type { Failure } from './states.ts';

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
  | { readonly action: 'hold' }
  | { readonly action: 'fail' };

/** The rule that applies, or `undefined`: then the cause is `exit-N`, or the phase. */
export function ruleFor(rules: readonly PolicyRule[], evidence: Evidence): PolicyRule | undefined {
  return rules.find(
    (rule) =>
      (rule.exit === undefined || (evidence.exit !== undefined && rule.exit.includes(evidence.exit))) &&
      (rule.signal === undefined || (evidence.signal !== undefined && rule.signal.includes(evidence.signal))) &&
      (rule.phase === undefined || rule.phase === evidence.phase) &&
      (rule.text === undefined || new RegExp(rule.text, 'i').test(evidence.text)),
  );
}

/** Longest time between two tries. */
const MAX_WAIT = 24 * 3_600_000;

/**
 * Judges an attempt: its cause, and what follows after `failures` earlier ones of `tries`.
 * Without a rule it is tried again at once until the module's tries are used up.
 */
export function judge(
  rules: readonly PolicyRule[],
  evidence: Evidence,
  failures: number,
  tries: number,
): { readonly failure: Failure; readonly verdict: Verdict } {
  const rule = ruleFor(rules, evidence);
  const failure: Failure = {
    cause: rule?.cause ?? defaultCause(evidence),
    reason: evidence.reason.slice(0, 300),
    site: evidence.site,
    phase: evidence.phase,
    ...(evidence.exit === undefined ? {} : { exit: evidence.exit }),
    ...(evidence.signal === undefined ? {} : { signal: evidence.signal }),
  };
  const used = failures + 1;
  if (rule?.action === 'hold') return { failure, verdict: { action: 'hold' } };
  if (rule?.action === 'fail' || used >= (rule?.tries ?? tries)) return { failure, verdict: { action: 'fail' } };
  if (rule?.action === 'later') {
    const wait = Math.min((rule.wait ?? 600_000) * 2 ** (used - 1), MAX_WAIT);
    return { failure, verdict: { action: 'later', wait } };
  }
  return { failure, verdict: { action: 'retry' } };
}

function defaultCause(evidence: Evidence): string {
  if (evidence.signal !== undefined) return `signal-${evidence.signal}`;
  if (evidence.phase === 'payload' && evidence.exit !== undefined) return `exit-${evidence.exit}`;
  return evidence.phase;
}
