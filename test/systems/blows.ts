// Which blows fall where, and how one is dealt: SIGKILL, or SIGSTOP and after a while SIGCONT, at an exact point of a step.
// A blow counts only when the process was seen to die of it, or to stand still.
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SITES, type Site, type StepName, TOOLS, type TwoFarms } from './two-farms.ts';

type How = 'kill' | 'stop';

export interface Point {
  readonly step: StepName;
  /** For people: the row of the table. */
  readonly name: string;
  /** A write (by the child), a command of the batch system (by its stand-in), or any moment. */
  readonly at: { readonly call: string } | { readonly tool: 'submit' | 'release' | 'cancel' } | 'moment';
  readonly side: 'before' | 'after';
}

export interface Blow {
  readonly site: Site;
  readonly point: Point;
  readonly how: How;
}

function sides(step: StepName, name: string, at: Point['at']): Point[] {
  return (['before', 'after'] as const).map((side) => ({ step, name: `${side} ${name}`, at, side }));
}

/** Every point of submit between which something is true that was not before, in their order. */
export const SUBMIT: readonly Point[] = [
  ...sides('submit', "the claim's index map", { call: 'map' }),
  ...sides('submit', 'the claim', { call: 'claim' }),
  ...sides('submit', 'the map is marked taken', { call: 'taken' }),
  ...sides('submit', 'sbatch, condor_submit', { tool: 'submit' }),
  ...sides('submit', 'the record', { call: 'record' }),
  ...sides('submit', 'scontrol release, condor_release', { tool: 'release' }),
  { step: 'submit', name: 'at any moment', at: 'moment', side: 'before' },
];

/** Those that mend what submit left: adoption, orphans, what is put back. They fall when there is something to mend. */
export const MENDING: readonly Point[] = [
  ...sides('monitor', 'the change of jobs', { call: 'jobs' }),
  ...sides('monitor', 'scontrol release, condor_release', { tool: 'release' }),
  ...sides('monitor', 'scancel, condor_rm', { tool: 'cancel' }),
  ...sides('monitor', 'records are put away', { call: 'acknowledge' }),
  ...sides('monitor', 'given-up attempts are settled', { call: 'claims' }),
  ...sides('reset', 'claims are put back', { call: 'jobs' }),
  ...sides('reset', 'index maps are cleared away', { call: 'claims' }),
];

/** Every point of submit with either blow. */
const KINDS = SUBMIT.flatMap((point) => (['kill', 'stop'] as const).map((how) => ({ point, how })));
/** One of each kind at each site. */
export const ROUND = KINDS.length * SITES.length;

/** `n` blows for one site, each kind as often as the others, in a random order. */
export function plan(n: number, site: Site, random: () => number): Blow[] {
  const blows: Blow[] = [];
  while (blows.length < n) blows.push(...shuffled(KINDS, random).map((kind) => ({ ...kind, site })));
  return blows.slice(0, n);
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

const alive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

export function ended(child: ChildProcess): Promise<void> {
  return alive(child) ? new Promise((resolve) => child.once('exit', () => resolve())) : Promise.resolve();
}

function standsStill(pid: number): boolean {
  try {
    return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

export interface Dealt {
  readonly hit: boolean;
  readonly code: number | null;
  /** Of a stopped process: when it has gone on and ended. */
  readonly over: Promise<void>;
}

/** Longer than `grace`, `submitting` and `stale`, mostly longer than it takes reset to clear a claim away. */
const HOLD = { least: 2_500, more: 2_500 };

let blows = 0;

/** Starts the step and strikes it at the point. It may end before: then nothing was hit. */
export async function deal(experiment: TwoFarms, blow: Blow, random: () => number): Promise<Dealt> {
  const { site, point, how } = blow;
  const { step, at, side } = point;
  const struck = experiment.path('struck-by', String(blows++));
  const free = step === 'submit' && random() < 0.7;
  const fault = `${how}-${side}`;
  const aim =
    at === 'moment'
      ? {}
      : 'tool' in at
        ? { fault: `${TOOLS[site][at.tool]}:${fault}` }
        : { point: `${at.call}:${fault}` };
  const some = step === 'submit' ? { limit: 1 + Math.floor(random() * 3) } : {};
  const child = experiment.launch({ step, site, free, struck, ...some, ...aim });
  const over = ended(child);
  if (at === 'moment') {
    await Promise.race([over, sleep(150 + random() * 700)]);
    child.kill(how === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  } else {
    while (alive(child) && !existsSync(struck)) await sleep(15);
  }
  if (how === 'kill') {
    await over;
    return { hit: child.signalCode === 'SIGKILL', code: child.exitCode, over };
  }
  while (alive(child) && !standsStill(child.pid!)) await sleep(15);
  const hit = alive(child);
  return { hit, code: child.exitCode, over: hit ? goOn(child, over, HOLD.least + random() * HOLD.more) : over };
}

async function goOn(child: ChildProcess, over: Promise<void>, after: number): Promise<void> {
  await sleep(after);
  child.kill('SIGCONT');
  await over;
}
