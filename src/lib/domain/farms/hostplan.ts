// What a host of the configuration runs for ever: loops, each with a name, a command of dflow and how often.
import { globMatch } from '../hold.ts';

/** One loop of a host: a window of its tmux session, a line of its crontab, or a unit of systemd. */
export interface PlannedLoop {
  readonly name: string;
  /** Words of the dflow command: `['monitor', 'poll']`. */
  readonly run: readonly string[];
  /** Milliseconds between the beginnings of two rounds; the default of the step without it. */
  readonly every?: number;
  /** Share of `every` by which rounds vary, 0..1. */
  readonly jitter?: number;
  /** One holder of this name in the whole collaboration. */
  readonly exclusive?: string;
  /** False: planned, and not started. */
  readonly on: boolean;
}

/** A host of the configuration, or several whose names match its pattern. */
export interface HostPlan {
  /** Glob. */
  readonly pattern: string;
  readonly farm?: string;
  readonly loops: readonly PlannedLoop[];
}

/** What the configuration says of a host: the first pattern that fits. */
export function planFor(hosts: readonly HostPlan[], host: string): HostPlan | undefined {
  return hosts.find(({ pattern }) => globMatch(pattern, host));
}

/** Steps that `chain` knows, in the order of the data's way. */
export const CHAIN_STEPS = [
  'register',
  'tables',
  'transfer',
  'purge',
  'enqueue',
  'submit',
  'monitor',
  'reset',
  'catalogue',
] as const;

export type ChainStep = (typeof CHAIN_STEPS)[number];

/** The command of a step. */
function wordsOf(step: ChainStep): readonly string[] {
  return step === 'catalogue' ? ['catalogue', 'sync'] : [step];
}

/** Names of loops that say what they run; other names need a `run`. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(CHAIN_STEPS.map((step) => [step, wordsOf(step)])),
  processing: ['submit'],
  poll: ['monitor', 'poll'],
  apply: ['monitor', 'apply'],
  verify: ['verify'],
  chain: ['chain'],
};

/** The command of a loop that only has a name; `undefined` where the name does not say it. */
export function commandOf(name: string): readonly string[] | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}

/** Names that say what they run. */
export const LOOP_NAMES: readonly string[] = Object.keys(COMMANDS);

/** The loops of a host that no plan names: each step by its own name. */
export function plainPlan(steps: readonly ChainStep[]): PlannedLoop[] {
  return steps.map((step) => ({ name: step, run: wordsOf(step), on: true }));
}

/** The step that a loop does for its host: options count, but a loop for one farm does not do the step for others. */
function stepIn(run: readonly string[]): string | undefined {
  const [step, second] = run;
  if (step === 'monitor' && second === 'apply') return step;
  if (step === 'catalogue') return second === 'sync' ? step : undefined;
  if (run.some((word) => word.startsWith('--site'))) return undefined;
  return second === undefined || second.startsWith('-') ? step : undefined;
}

/** Steps of `chain` on a host: those of its loops that are switched on, each once. */
export function chainSteps(loops: readonly PlannedLoop[]): ChainStep[] {
  const words = loops.flatMap(({ on, run }) => (on ? (stepIn(run) ?? []) : []));
  const steps = words.filter((word): word is ChainStep => CHAIN_STEPS.some((step) => step === word));
  return [...new Set(steps)];
}
