// Loops: a command of dflow, round after round. How long one rests between two rounds, and what its sign of life says
// about it: pure, so that status, notify and the loop itself agree.
import {
  between,
  DAY,
  exactDuration,
  HOUR,
  humanAge,
  humanDuration,
  type Iso,
  isAhead,
  MINUTE,
  ms,
  plus,
  SECOND,
} from '../../util/time.ts';
import type { LoopDoc, LoopPlan } from './farm.ts';
import { type HostPlan, type PlannedLoop, planFor } from './hostplan.ts';
import { ASKS_EVERY } from './turns.ts';

/** Milliseconds between two rounds of a step where nobody says. */
const EVERY: Readonly<Record<string, number>> = {
  register: 15 * MINUTE,
  tables: 5 * MINUTE,
  transfer: 5 * MINUTE,
  enqueue: 5 * MINUTE,
  submit: MINUTE,
  monitor: MINUTE,
  'monitor poll': MINUTE,
  'monitor apply': 30 * SECOND,
  chain: MINUTE,
  reset: 10 * MINUTE,
  purge: HOUR,
  verify: DAY,
};

/** Rounds vary by this share, so that the hosts do not all ask at once. */
const JITTER = 0.1;

/** How often a command runs where nobody says; by its words without flags. */
function everyOf(run: readonly string[]): number {
  return EVERY[wordsOf(run).join(' ')] ?? 15 * MINUTE;
}

/** The words before the first flag. */
export function wordsOf(run: readonly string[]): readonly string[] {
  const flag = run.findIndex((word) => word.startsWith('-'));
  return flag < 0 ? run : run.slice(0, flag);
}

/** A loop as it runs: a planned one with its defaults. */
export interface RunningLoop {
  readonly name: string;
  readonly run: readonly string[];
  readonly every: number;
  readonly jitter: number;
  readonly exclusive?: string;
}

/** Fills in what a plan leaves out; the name is that of the command: `monitor-poll`. */
export function loopOf(planned: Partial<PlannedLoop> & Pick<PlannedLoop, 'run'>): RunningLoop {
  const { name, run, every, jitter, exclusive } = planned;
  return {
    name: name ?? wordsOf(run).join('-'),
    run,
    every: every ?? everyOf(run),
    jitter: jitter ?? JITTER,
    ...(exclusive === undefined ? {} : { exclusive }),
  };
}

/** What a round's exit code means for the next one; `undefined`: it was killed. */
export type Ending = 'well' | 'busy' | 'away' | 'broken';

/** Exit codes of what may come back by itself: a store, credentials, a server; and a file that a person corrects. */
const AWAY: ReadonlySet<number> = new Set([2, 3, 4, 5]);

export function endingOf(exit: number | undefined): Ending {
  if (exit === 0 || exit === 1) return 'well';
  if (exit === 75) return 'busy';
  return exit !== undefined && AWAY.has(exit) ? 'away' : 'broken';
}

/** Longest rest while something is away: it must be noticed soon that it is back. */
const LONGEST_REST = 15 * MINUTE;

/**
 * Milliseconds between the beginning of a round and that of the next. `inARow`: rounds that have failed in a row, this
 * one included: each doubles the rest. A loop that runs rarely tries again sooner, since what failed was no round.
 */
export function restAfter(
  { every, exclusive }: Pick<RunningLoop, 'every' | 'exclusive'>,
  exit: number | undefined,
  inARow: number,
): number {
  const ending = endingOf(exit);
  // Who waits for a turn asks again soon, or the turn passes.
  if (ending === 'busy' && exclusive !== undefined) return Math.min(Math.max(every, SECOND), ASKS_EVERY);
  if (ending === 'well' || ending === 'busy') return every;
  const doubled = Math.max(every, SECOND) * 2 ** Math.min(inARow, 20);
  return Math.min(doubled, LONGEST_REST);
}

/** A sign of life of a loop, not only of a step. */
export type LivingLoop = LoopDoc & { readonly plan: LoopPlan };

export const isLoop = (doc: LoopDoc): doc is LivingLoop => doc.plan !== undefined;

/** The first word of what a loop runs. */
export const stepOf = ({ loop, plan }: LoopDoc): string => plan?.command.split(' ')[0] ?? loop;

/** Steps that must run all the time; the others are run when they are needed. */
export const STEADY: ReadonlySet<string> = new Set(['register', 'transfer', 'enqueue', 'submit', 'monitor', 'reset']);

/** The steps that a sign of life stands for: a chain runs all. */
export function stepsOf(doc: LoopDoc): string[] {
  return stepOf(doc) === 'chain' ? [...STEADY] : [stepOf(doc)];
}

/** A step that a loop of the same host runs: the loop tells how it goes. */
export function isCovered(doc: LoopDoc, loops: readonly LoopDoc[]): boolean {
  return (
    isLoop(doc) || loops.some((loop) => isLoop(loop) && loop.host === doc.host && stepsOf(loop).includes(doc.loop))
  );
}

/** How a loop stands. `off`: the configuration of its host says so. */
export type LoopState = 'ok' | 'failing' | 'dying' | 'silent' | 'stopped' | 'off' | 'ahead';

/** True where rounds come. */
export const goesOn = (state: LoopState): boolean => state === 'ok' || state === 'failing' || state === 'dying';

/** So many deaths in a row are an alarm, until the loop has lived for a while. */
const DIES_OFTEN = 3;
const LIVES = 10 * MINUTE;

function diesOften({ deaths = 0, since }: LoopPlan, now: Iso): boolean {
  return deaths >= DIES_OFTEN && between(since, now) < LIVES;
}

/** When silence begins: some time after the next round was due. */
function overdue({ due, every, jitter }: LoopPlan): Iso {
  return plus(due, Math.min(Math.max(every / 2, 2 * MINUTE), HOUR) + every * jitter);
}

/** The loop in the configuration of its host. */
function plannedAs(host: string, loop: string, hosts: readonly HostPlan[]): PlannedLoop | undefined {
  return planFor(hosts, host)?.loops.find(({ name }) => name === loop);
}

export function loopState({ host, loop, outcome, plan }: LivingLoop, hosts: readonly HostPlan[], now: Iso): LoopState {
  if (plannedAs(host, loop, hosts)?.on === false) return 'off';
  if (plan.stopped !== undefined) return 'stopped';
  if (isAhead(plan.at, now)) return 'ahead';
  if (ms(now) > ms(overdue(plan))) return 'silent';
  if (outcome !== 'ok') return 'failing';
  return diesOften(plan, now) ? 'dying' : 'ok';
}

/** A loop that needs a person. */
export interface LoopTrouble {
  readonly host: string;
  readonly loop: string;
  readonly state: 'failing' | 'dying' | 'silent' | 'ahead';
  /** Since when: its last round. */
  readonly since: Iso;
  readonly text: string;
  readonly next: string;
}

/** Loops that are silent or failing now. Nobody misses a loop that was stopped or is switched off. */
export function loopTroubles(docs: readonly LoopDoc[], hosts: readonly HostPlan[], now: Iso): LoopTrouble[] {
  return docs.filter(isLoop).flatMap((doc): LoopTrouble[] => {
    const state = loopState(doc, hosts, now);
    if (state === 'ok' || state === 'stopped' || state === 'off') return [];
    const { host, loop, plan } = doc;
    const text = `${loop} on ${host}${troubleText(doc, state, now)}`;
    const next = state === 'failing' ? remedy(doc) : state === 'dying' ? seen(doc) : again(doc, hosts);
    return [{ host, loop, state, since: plan.at, text, next }];
  });
}

function troubleText({ host, outcome, plan }: LivingLoop, state: LoopTrouble['state'], now: Iso): string {
  const ago = humanAge(plan.at, now);
  if (state === 'ahead') return `: its last round is dated ${plan.at}, in the future; the clock of ${host} was wrong`;
  if (state === 'dying') return `: died ${plan.deaths} times in a row, and was started again each time`;
  if (state === 'failing') return ` failed ${ago} ago: ${outcome}`;
  const before = outcome === 'ok' ? '' : ` (its last round failed: ${outcome})`;
  return `: silent for ${ago}, every ${humanDuration(plan.every)} expected${before}`;
}

/** What the failure names, then the command of the loop once more. */
function remedy({ next, plan }: LivingLoop): string {
  const once = `dflow ${plan.command}`;
  return next === undefined || next === once ? once : `${next}; ${once}`;
}

/** Where its last words are. */
function seen({ host, loop }: LivingLoop): string {
  return `on ${host}: dflow screens attach ${loop}`;
}

/** How a loop is started anew, and how it is forgotten. */
function again(doc: LivingLoop, hosts: readonly HostPlan[]): string {
  return `on ${doc.host}: ${startOf(doc, hosts)} (gone for good: ${forgetOf(doc)})`;
}

/** What starts the loop on its host: by its name where the configuration plans it. */
export function startOf({ host, loop, plan }: LivingLoop, hosts: readonly HostPlan[]): string {
  const planned = plannedAs(host, loop, hosts);
  if (planned) return `${planned.on ? '' : `set on: true for ${loop} in dflow.yaml; `}${startPlanned(loop)}`;
  const { command, every, jitter, exclusive } = plan;
  const run = command.split(' ');
  const flags = [
    ...(loop === loopOf({ run }).name ? [] : ['--name', loop]),
    ...(every === everyOf(run) ? [] : ['--every', paceText(every)]),
    ...(jitter === JITTER ? [] : ['--jitter', `${Math.round(1000 * jitter) / 10}%`]),
    ...(exclusive === undefined ? [] : ['--exclusive', exclusive]),
  ];
  return ['dflow loop', ...flags, '--', command].join(' ');
}

/** The command that starts a loop of the configuration. */
export const startPlanned = (name: string): string => `dflow screens start ${name}`;

const forgetOf = ({ host, loop }: LoopDoc): string => `dflow loop --forget ${loop} --host ${host}`;

/** `15m`, as a person writes it. */
const paceText = (every: number): string => exactDuration(every, 1);
