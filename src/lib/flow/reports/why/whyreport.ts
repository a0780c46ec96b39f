// The answer of `why`: gates, and what to type next.

import type { Doc } from '../../../domain/doc.ts';
import type { Gate } from '../../../domain/jobs/readiness.ts';

/** The answer about one run or one pass. */
export interface WhyReport {
  readonly ref: string;
  /** Version, request and tag of a pass, types of a run: `7.0.8  tl-july`. */
  readonly about: string;
  readonly state: string;
  /** Whether it goes on by itself, and if not, what stops it. */
  readonly verdict: string;
  readonly since?: string;
  readonly gates: readonly Gate[];
  /** What to type next, the most useful first; empty when nothing is wrong. */
  readonly next: readonly string[];
}

/** The commands of the unmet gates, each once. */
export function nextOf(gates: readonly Gate[]): string[] {
  return [...new Set(gates.flatMap((gate) => (gate.ok || !gate.next ? [] : [gate.next])))];
}

/** A document with replication conflicts is never written. */
export function conflictGates(docs: readonly (Doc | undefined)[]): Gate[] {
  return docs.flatMap((doc): Gate[] => {
    if (!doc?._conflicts?.length) return [];
    const text = `${doc._id} is in conflict with ${doc._conflicts.join(', ')}: nothing changes it`;
    const next = `dflow store conflicts show ${doc._id}`;
    return [{ gate: 'conflict', ok: false, text, next }];
  });
}
