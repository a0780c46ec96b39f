// A seed, played: first a time of trouble, in which commands are started at odd moments and everything may go wrong;
// then peace, in which a few rounds of all steps must bring every job to its end, or to a gate that is really closed.
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import type { Item } from '../../src/lib/flow/ports.ts';
import { HOUR, MINUTE } from '../../src/lib/util/time.ts';
import { type JobFaults, NO_JOB_FAULTS } from './cluster.ts';
import { CONTINUE, MIX, OPERATORS, RESUME, RETRY, ROUND, WHY } from './commands.ts';
import { finalChecks, uncompleted, unfinished } from './endings.ts';
import type { Random } from './random.ts';
import { FAULTS, type FaultRates } from './scheduler.ts';
import { type Command, type Host, START, World, type WorldOptions } from './world.ts';

export interface Played {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly faults: ReadonlyMap<string, number>;
  readonly calls: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Empty unless asked for. */
  readonly trace: readonly string[];
}

/** Calls of one command after which it counts as running in circles. */
const CIRCLES = 2_000;
const ROUNDS = 90;

export async function play(seed: number, options: Partial<WorldOptions> = {}): Promise<Played> {
  const world = new World(seed, { trace: false, ...options });
  await trouble(world);
  await peace(world);
  finalChecks(world);
  return {
    seed,
    violations: world.invariants.violations,
    faults: world.scheduler.injected,
    calls: world.scheduler.calls,
    counts: { ...world.invariants.counts, processes: world.runs.length, jobs: jobs(world).length },
    trace: world.scheduler.lines ?? [],
  };
}

async function trouble(world: World): Promise<void> {
  const { random, scheduler } = world;
  scheduler.rates = drawRates(random);
  if (random.chance(0.6)) scheduler.unlucky = random.pick([...ROUND, ...OPERATORS]).name;
  world.damage = { copies: random.chance(0.3) ? 0.1 : 0 };
  world.misrouted = random.chance(0.2) ? 0.1 : 0;
  for (const cluster of world.clusters.values()) cluster.faults = drawJobFaults(random);
  scheduleOutages(world);
  const dark = drawDarkness(world);
  const operators = random.chance(0.7) ? random.spread(0.03, 0.5) : 0;
  const [mix, operatorMix] = [drawMix(random, MIX), drawMix(random, OPERATORS)];
  let at = START;
  for (let left = random.whole(15, 90); left > 0; left--) {
    at += gap(random);
    const host = random.pick(world.hosts);
    const command = random.chance(operators) ? random.pick(operatorMix) : random.pick(mix);
    if (dark(host, at)) continue;
    scheduler.at(at, () => void world.start(host, command));
  }
  await scheduler.run(at);
}

/** Some commands much more often than others, so that seeds differ in what meets what. */
function drawMix(random: Random, commands: readonly Command[]): Command[] {
  const mix = commands.flatMap((command) => Array<Command>(random.pick([0, 1, 1, 5])).fill(command));
  return mix.length > 0 ? mix : [...commands];
}

/** Often several at the same moment, sometimes nobody for hours. */
function gap(random: Random): number {
  const kind = random.next();
  if (kind < 0.45) return random.whole(0, 3_000);
  if (kind < 0.9) return random.spread(10_000, 30 * MINUTE);
  return random.spread(HOUR, 12 * HOUR);
}

/** Each kind of fault is off, rare or frequent, so that seeds differ in what they stress. */
function drawRates(random: Random): FaultRates {
  const rate = (): number => (random.chance(0.5) ? 0 : random.spread(0.001, 0.06));
  return Object.fromEntries(FAULTS.map((fault) => [fault, rate()])) as FaultRates;
}

function drawJobFaults(random: Random): JobFaults {
  const names = Object.keys(NO_JOB_FAULTS);
  return Object.fromEntries(
    names.map((name) => [name, random.chance(0.6) ? 0 : random.spread(0.02, 0.3)]),
  ) as unknown as JobFaults;
}

/** Batch systems that cannot be reached for a while. */
function scheduleOutages(world: World): void {
  const { random, scheduler } = world;
  for (const cluster of world.clusters.values()) {
    if (!random.chance(0.2)) continue;
    scheduler.at(START + random.spread(MINUTE, 24 * HOUR), () => {
      if (!scheduler.rates) return;
      cluster.downUntil = scheduler.now + random.spread(MINUTE, 12 * HOUR);
      scheduler.count('batch system down');
    });
  }
}

/** A site whose hosts start nothing for days: what giving up is for. */
function drawDarkness(world: World): (host: Host, at: number) => boolean {
  const { random, scenery } = world;
  if (!random.chance(0.25)) return () => false;
  const site = random.pick(scenery.sites);
  const from = START + random.spread(10 * MINUTE, 6 * HOUR);
  const until = from + random.spread(HOUR, 90 * HOUR);
  world.scheduler.count('site dark');
  return (host, at) => host.site === site && at >= from && at < until;
}

async function peace(world: World): Promise<void> {
  const { scheduler } = world;
  scheduler.rates = undefined;
  world.damage = { copies: 0 };
  world.misrouted = 0;
  for (const cluster of world.clusters.values()) {
    cluster.faults = NO_JOB_FAULTS;
    cluster.downUntil = 0;
    cluster.brisk();
  }
  scheduler.note(() => '==== faults stop');
  await rounds(world, unfinished);
  if (world.invariants.violations.length > 0) return;
  for (const text of unfinished(world)) world.invariants.fail(`peace does not end it: ${text}`);
  // The operator clears every gate that was closed: now everything must complete.
  for (const item of await finish(world, world.hosts[0]!, WHY)) {
    if (item.failed) world.invariants.fail(`${item.ref} is not completed, and why names no closed gate: ${item.text}`);
  }
  for (const command of [RESUME, RETRY, CONTINUE]) await finish(world, world.hosts[0]!, command);
  if (uncompleted(world).length > 0) await rounds(world, uncompleted);
}

/** Rounds of all steps until nothing is left of what `left` names. */
async function rounds(world: World, left: (world: World) => readonly string[]): Promise<void> {
  const { scheduler } = world;
  for (let round = 1; round <= ROUNDS; round++) {
    for (const host of world.hosts.filter((candidate) => candidate.name.endsWith('1'))) await hostRound(world, host);
    if (world.invariants.violations.length > 0) return;
    await scheduler.run(scheduler.now + 20 * MINUTE);
    if (world.living.length === 0 && left(world).length === 0) return;
    // Frozen processes wake after three days at most, and a lost site is given up after two.
    if (round % 15 === 0) await scheduler.run(scheduler.now + 40 * HOUR);
  }
}

async function hostRound(world: World, host: Host): Promise<void> {
  for (const command of ROUND) await finish(world, host, command);
}

/** Runs one command to its end, which in peace it must reach. */
async function finish(world: World, host: Host, command: Command): Promise<readonly Item[]> {
  const { scheduler } = world;
  const run = world.start(host, command);
  const limit = scheduler.calls + CIRCLES;
  await scheduler.run(Number.POSITIVE_INFINITY, () => !run.ended && scheduler.calls < limit);
  const who = `${command.name}@${host.name}`;
  if (!run.ended) world.invariants.fail(`${who} ${scheduler.calls < limit ? 'hangs' : 'runs in circles'}`);
  else if (run.error !== undefined) world.invariants.fail(`${who} failed in peace: ${String(run.error)}`);
  return run.items;
}

function jobs(world: World): JobDoc[] {
  return world.database.all().filter((doc): doc is JobDoc => doc.kind === 'job');
}
