// Loops that need a person: silent, failing, or stopped while their work waits.
import type { FarmDoc, LeaseDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import {
  goesOn,
  isCovered,
  isLoop,
  type LivingLoop,
  loopState,
  loopTroubles,
  startOf,
  stepsOf,
} from '../../../domain/farms/loops.ts';
import type { Settings } from '../../../domain/settings.ts';
import { between, humanAge, type Iso } from '../../../util/time.ts';
import type { ReadPorts } from '../../ports.ts';
import { many } from './counts.ts';
import type { Attention } from './page.ts';

/** What there is to do for each step that somebody must run. */
interface Work {
  readonly ready: number;
  /** Subjobs put aside for one farm, or for one that has their version. */
  readonly routed: number;
  readonly active: number;
  readonly missing: number;
  /** Complete runs without passes. */
  readonly todo: number;
}

export interface Living {
  readonly loops: readonly LoopDoc[];
  readonly leases: readonly LeaseDoc[];
  readonly farms: readonly FarmDoc[];
  readonly activeAt: (site: string) => number;
  readonly work: Work;
  readonly at: Iso;
}

const WAY_OF = { silent: 'loop-silent', failing: 'loop-failed', dying: 'loop-failed', ahead: 'clock' } as const;

export function troubledLoops({ settings }: ReadPorts, { loops, at }: Living): Attention[] {
  const found = loopTroubles(loops, settings.hosts, at);
  return found.map(({ state, text, next }) => ({ way: WAY_OF[state], text, next }));
}

/** What waits for a step, in words; `undefined`: nothing that the store knows of. */
function waitingFor(step: string, { ready, active, missing, todo }: Work): string | undefined {
  if (step === 'transfer' && missing > 0) return many(missing, 'copy is missing', 'copies are missing');
  if (step === 'enqueue' && todo > 0) return many(todo, 'run is to be enqueued', 'runs are to be enqueued');
  if (step === 'submit' && ready > 0) return many(ready, 'subjob is ready', 'subjobs are ready');
  if (step === 'monitor' && active > 0) return many(active, 'subjob is submitted', 'subjobs are submitted');
  return undefined;
}

/** Whoever stopped a loop meant it, unless its work waits and nobody else does it. */
export function stoppedLoops({ settings }: ReadPorts, { loops, work, at }: Living): Attention[] {
  const lives = (doc: LoopDoc): boolean => {
    if (isLoop(doc)) return goesOn(loopState(doc, settings.hosts, at));
    // A step by hand or cron.
    return !isCovered(doc, loops) && between(doc.at, at) < 2 * settings.limits.stale;
  };
  const done = new Set(loops.filter(lives).flatMap(stepsOf));
  const resting = loops.filter(isLoop).filter((doc) => isResting(settings, doc, at));
  return resting.flatMap((doc): Attention[] => {
    const waiting = stepsOf(doc)
      .filter((step) => !done.has(step))
      .flatMap((step) => waitingFor(step, work) ?? []);
    if (waiting.length === 0) return [];
    const { host, loop, plan } = doc;
    const off = plan.stopped === undefined || loopState(doc, settings.hosts, at) === 'off';
    const since = off ? 'is switched off' : `was stopped ${humanAge(plan.stopped, at)} ago`;
    const text = `${loop} on ${host} ${since}; ${waiting.join(', ')}, and no other host does this work`;
    return [{ way: 'loop-stopped', text, next: `on ${host}: ${startOf(doc, settings.hosts)}` }];
  });
}

function isResting(settings: Settings, doc: LivingLoop, at: Iso): boolean {
  const state = loopState(doc, settings.hosts, at);
  return state === 'stopped' || state === 'off';
}
