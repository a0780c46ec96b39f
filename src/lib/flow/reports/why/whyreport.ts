// The answer of `why`: gates, and what to type next.
import type { Gate } from '../../../domain/jobs/readiness.ts';

/** The answer about one run or one pass. */
export interface WhyReport {
  readonly ref: string;
  /** `7.0.8  tl-july` and the like: what is known of it besides its state. */
  readonly about: string;
  readonly state: string;
  readonly since?: string;
  readonly gates: readonly Gate[];
  /** What to type next, the most useful first; empty when nothing is wrong. */
  readonly next: readonly string[];
}

/** The commands of the unmet gates, each once. */
export function nextOf(gates: readonly Gate[]): string[] {
  return [...new Set(gates.flatMap((gate) => (gate.ok || !gate.next ? [] : [gate.next])))];
}
