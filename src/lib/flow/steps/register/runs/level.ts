// What a round knows of one level of one run, and what the run's document says of it next. Pure: the decision that a
// dry run prints is the one that is written.

import type { DataDoc, RawFile } from '../../../../domain/data/data.ts';
import { isCopied, quietOf } from '../../../../domain/data/settled.ts';
import { appendHistory, type HistoryEntry, SCHEMA } from '../../../../domain/doc.ts';
import { runId } from '../../../../domain/ids.ts';
import { completeness, type LevelFacts } from '../../../../domain/runs/completeness.ts';
import type { RunDoc, RunLevel } from '../../../../domain/runs/run.ts';
import { between, type Iso } from '../../../../util/time.ts';

/** Everything but the registered files: what the listing shows. */
export interface Surroundings extends Omit<LevelFacts, 'subruns' | 'quiet'> {
  /** When the newest file of the later run turned up here. */
  readonly laterCame?: Iso;
}

export interface LevelRules {
  readonly level: string;
  readonly quiet: number;
  /** The store's clock before the listing began: what turned up later proves nothing. */
  readonly now: Iso;
  readonly by: string;
  /** The automatic version. */
  readonly version?: string | undefined;
  /** Raw format whose headers have the run's mask. */
  readonly format?: 'zdab';
}

/** `undefined` when the document knows more files than `data`: another register is ahead. */
export function nextLevel(
  previous: RunLevel | undefined,
  data: DataDoc | undefined,
  around: Surroundings,
  rules: LevelRules,
): RunLevel | undefined {
  const files = data?.files ?? [];
  if (previous && previous.files > files.length) return undefined;
  const lastFile = lastOf(files, previous, rules.now);
  const copied = files.length > 0 && files.every((file) => isCopied(file, rules.quiet));
  const base = { lastFile, ...(copied ? { copied } : {}), late: previous?.late ?? [], files: files.length };
  if (previous?.complete) return { ...base, complete: previous.complete, late: withLate(previous, files) };
  // A copy program takes runs in any order: a later run that came before this one's last file says nothing of it.
  const { later, laterCame, ...rest } = around;
  const before = copied && laterCame !== undefined && laterCame < lastFile;
  const seen = later === undefined || before ? rest : { ...rest, later };
  const facts = { ...seen, subruns: files.map((file) => file.subrun), quiet: between(lastFile, rules.now) };
  const verdict = completeness(facts, quietOf(base, rules.quiet));
  if (!verdict.complete) return verdict.blocked === undefined ? base : { ...base, blocked: verdict.blocked };
  return { ...base, complete: { at: rules.now, subruns: verdict.subruns, evidence: verdict.evidence } };
}

/**
 * When the newest file turned up here. What a wrong clock has dated into the future turned up when it was last looked at:
 * that is written down once.
 */
function lastOf(files: readonly RawFile[], previous: RunLevel | undefined, now: Iso): Iso {
  const before = previous && previous.lastFile <= now ? previous.lastFile : now;
  const times = files.map(({ registered }) => (registered <= now ? registered : before));
  return times.reduce((a, b) => (a > b ? a : b), times[0] ?? before);
}

/** Files flagged late were listed before: whoever settled them has taken them off the list. */
function withLate(level: RunLevel, files: readonly RawFile[]): readonly string[] {
  const names = lateFiles(level, files).filter((file) => !file.late && !level.late.includes(file.name));
  return [...level.late, ...names.map((file) => file.name)];
}

/** Files that are not among the subruns of the complete run. */
export function lateFiles(level: RunLevel | undefined, files: readonly RawFile[]): readonly RawFile[] {
  const subruns = new Set(level?.complete?.subruns);
  return level?.complete ? files.filter((file) => !subruns.has(file.subrun)) : [];
}

/** The run's document with the level as it is now; a new one where there was none. */
export function withLevel(doc: RunDoc | undefined, run: number, next: RunLevel, rules: LevelRules): RunDoc {
  const { level, now, by } = rules;
  const base: RunDoc = doc ?? {
    _id: runId(run),
    kind: 'run',
    v: SCHEMA,
    run,
    levels: {},
    firstSeen: now,
    history: [{ at: now, to: 'seen', by }],
  };
  const previous = base.levels[level];
  const entries: HistoryEntry[] = [];
  if (next.complete && !previous?.complete)
    entries.push({ at: now, to: `${level} complete`, by, why: next.complete.evidence });
  const late = next.late.slice(previous?.late.length ?? 0);
  if (late.length > 0) entries.push({ at: now, to: `${level} late`, by, why: late.join(', ') });
  return { ...base, levels: { ...base.levels, [level]: next }, history: entries.reduce(appendHistory, base.history) };
}
