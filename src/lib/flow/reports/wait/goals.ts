// What can be waited for, and whether a run, a pass or a request is there, on its way, or will never get there by itself.
// Pure: the same states that `list` and `why` show.

import type { DataDoc } from '../../../domain/data/data.ts';
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { ENDED, type PassState } from '../../../domain/jobs/states.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { isAutomatic } from '../../../domain/runs/run.ts';
import type { Settings } from '../../../domain/settings.ts';

/** `complete`, `verified`: raw files of a run. `completed`, `ended`: passes. */
export const GOALS = ['completed', 'ended', 'complete', 'verified'] as const;
export type Goal = (typeof GOALS)[number];

export const ofRawFiles = (goal: Goal): boolean => goal === 'complete' || goal === 'verified';

/** `met`: it is there. `never`: not by itself, and `next` is what a person types. Else `open` says what it does. */
export type Verdict =
  | { readonly met: string }
  | { readonly never: string; readonly next: string }
  | { readonly open: string };

/** A pass by its state as shown. */
export function passVerdict(job: JobDoc, state: PassState, goal: Goal): Verdict {
  const ref = refOf(job.run, job.module, job.pass);
  const next = `dflow why ${ref}`;
  if (state === 'completed' || (goal === 'ended' && ENDED.has(state))) return { met: state };
  if (ENDED.has(state)) return { never: `${ref} is ${state}${causeText(job)}, and nothing tries it again`, next };
  if (state === 'unsatisfied') return { never: `${ref} waits for a prerequisite that did not complete`, next };
  if (state === 'held' && job.subjobs.some(({ state: one }) => one.name === 'held' && one.until === undefined))
    return { never: `${ref} is held until a person acts${causeText(job)}`, next };
  return { open: state };
}

function causeText({ subjobs }: JobDoc): string {
  const causes = subjobs.flatMap(({ state }) => ('failure' in state && state.failure ? state.failure.cause : []));
  return causes.length === 0 ? '' : ` (${[...new Set(causes)].join(', ')})`;
}

/** Several passes as one: the first that never gets there decides, then the first that is on its way. */
export function together(verdicts: readonly Verdict[], none: Verdict): Verdict {
  const never = verdicts.find((verdict) => 'never' in verdict);
  const open = verdicts.find((verdict) => 'open' in verdict);
  return never ?? open ?? verdicts.at(-1) ?? none;
}

export interface RunFacts {
  readonly run: number;
  readonly doc: RunDoc | undefined;
  readonly data: readonly DataDoc[];
}

/** The raw files of a run. */
export function rawVerdict({ run, doc, data }: RunFacts, goal: Goal, { copies }: Pick<Settings, 'copies'>): Verdict {
  if (!doc) return { open: 'not registered yet' };
  const open = Object.values(doc.levels).find((level) => !level.complete);
  if (open) return { open: open.blocked ? `open: ${open.blocked}` : 'open' };
  if (goal === 'complete') return { met: 'complete' };
  const kept = data.filter(({ keep }) => keep.kept);
  const next = `dflow why ${refOf(run)}`;
  if (kept.length === 0) return { never: `run ${run} is left out by the keep rule, so no copy is made`, next };
  const lost = kept
    .flatMap(({ files }) => files)
    .find(({ original, replicas }) => {
      const good = Object.values(replicas).some(({ state }) => state === 'verified');
      return !good && (original.state === 'purged' || original.state === 'changed');
    });
  if (lost) return { never: `${lost.name} has no good copy, and its original is ${lost.original.state}`, next };
  const fewest = Math.min(...kept.map(({ done }) => done.length));
  return fewest >= copies.raw
    ? { met: `verified at ${fewest}` }
    : { open: `${fewest} of ${copies.raw} copies verified` };
}

/** What of a run says that it has no pass: yet, or for good. */
export function noPasses({ run, doc }: Pick<RunFacts, 'run' | 'doc'>, settings: Settings, module?: string): Verdict {
  const { version } = settings.automatic;
  const next = `dflow why ${refOf(run, module)}`;
  const what = module === undefined ? 'no pass' : `no pass of ${module}`;
  if (!doc) return { open: 'not registered yet' };
  if (version === undefined || !isAutomatic(settings.automatic, run))
    return { never: `run ${run} has ${what}, and none is made automatically`, next };
  const made = doc.automatic?.[version];
  if (!made) return { open: 'passes not made yet' };
  if (module === undefined) return { met: 'no pass is asked for' };
  return { never: `run ${run} has ${what}: its type does not ask for it`, next };
}

/** Whether the automatic passes of a run are still to come. */
export function awaitsPasses({ run, doc }: Pick<RunFacts, 'run' | 'doc'>, { automatic }: Settings): boolean {
  const { version } = automatic;
  return version !== undefined && isAutomatic(automatic, run) && doc?.automatic?.[version] === undefined;
}
