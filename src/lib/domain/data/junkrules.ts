// Which quarantined files may go to the trash, decided purely: by their reason, and by what the operator has asked for.

import { UsageError } from '../../util/errors.ts';
import { named } from '../named.ts';
import type { QuarantineDoc } from '../runs/run.ts';

type Reason = QuarantineDoc['reason'];

/** What goes without being named, once it was looked at: no bytes at all, or the bytes of a registered file. */
const PROVABLE: ReadonlySet<Reason> = new Set<Reason>(['empty', 'duplicate']);

/** Reasons of files on a buffer, all that may be asked for. */
const REASONS: readonly Reason[] = [
  'empty',
  'duplicate',
  'unparsable-name',
  'out-of-range',
  'beyond-max-jump',
  'damaged',
  'other-content',
  'operator',
];

/** What the operator named: ids or names of files, reasons. */
export interface Asked {
  readonly words: readonly string[];
  readonly reasons: readonly string[];
}

export const isAsked = ({ words, reasons }: Asked): boolean => words.length > 0 || reasons.length > 0;

/** `prove`: goes with a proof of its reason; `named`: goes since a person says so; `data`: may be data, stays. */
export function junkVerdict(doc: QuarantineDoc, asked: Asked): 'prove' | 'named' | 'data' | 'not asked' {
  if (!REASONS.includes(doc.reason)) return 'not asked';
  const named = asked.words.includes(doc._id) || asked.words.includes(doc.name) || asked.reasons.includes(doc.reason);
  if (isAsked(asked) && !named) return 'not asked';
  if (PROVABLE.has(doc.reason)) return 'prove';
  return named ? 'named' : 'data';
}

/** @throws UsageError for an unknown reason, or when files that may be data are named without --why; a dry run needs none */
export function checkAsked(asked: Asked, why: string | undefined, dryRun = false): void {
  for (const reason of asked.reasons) named('quarantine reason', reason, REASONS);
  if (isAsked(asked) && !dryRun && (why === undefined || why.trim() === ''))
    throw new UsageError('files that may be data go only with a reason', { hint: 'the same command with --why TEXT' });
}
