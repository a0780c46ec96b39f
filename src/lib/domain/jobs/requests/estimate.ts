// What a request will take, from what passes of the same modules took. Pure.
import { nth } from '../../../util/values/have.ts';

/** The view's step for nothing at all. */
const NOTHING = -9999;
/** Steps to a doubling. */
const FINE = 64;

/** The value in the middle of a step of the view. */
function middleOf(step: number): number {
  return step <= NOTHING ? 0 : 2 ** (step / FINE);
}

/** How one measure of a job spreads over the passes that were measured. */
export interface Spread {
  /** Passes that it rests on. */
  readonly passes: number;
  readonly mean: number;
  /** One pass of ten took less. */
  readonly low: number;
  readonly median: number;
  /** One pass of ten took more. */
  readonly high: number;
}

/** The spread of passes counted by steps; `undefined` where there are none. */
export function spreadOf(steps: readonly (readonly [step: number, passes: number])[]): Spread | undefined {
  const sorted = steps.filter(([, count]) => count > 0).toSorted(([a], [b]) => a - b);
  const passes = sorted.reduce((sum, [, count]) => sum + count, 0);
  if (passes === 0) return undefined;
  const at = (share: number): number => {
    let seen = 0;
    for (const [step, count] of sorted) {
      seen += count;
      if (seen >= share * passes) return middleOf(step);
    }
    return middleOf(nth(sorted, sorted.length - 1)[0]);
  };
  const mean = sorted.reduce((sum, [step, count]) => sum + count * middleOf(step), 0) / passes;
  return { passes, mean, low: at(0.1), median: at(0.5), high: at(0.9) };
}

/** What was measured of a module in one version. */
export interface Measured {
  readonly version: string;
  readonly cpu?: Spread;
  readonly wall?: Spread;
  readonly bytes?: Spread;
}

/** Numbers of a version, in order; words count as -1: `7.0.8` is 7, 0, 8. */
function parts(version: string): number[] {
  return version.split(/[^0-9A-Za-z]+|(?<=\d)(?=[A-Za-z])|(?<=[A-Za-z])(?=\d)/).map((part) => {
    return /^\d+$/.test(part) ? Number(part) : -1;
  });
}

/** How far two versions are from each other: the first part that differs decides, then by how much. */
export function nearest(version: string, known: readonly string[]): string | undefined {
  if (known.includes(version)) return version;
  const own = parts(version);
  const far = (other: string): readonly [number, number, number] => {
    const theirs = parts(other);
    const length = Math.max(own.length, theirs.length);
    for (let at = 0; at < length; at++) {
      const difference = (theirs[at] ?? 0) - (own[at] ?? 0);
      // At equal distance the newer version is nearer.
      if (difference !== 0) return [-at, Math.abs(difference), difference > 0 ? 0 : 1];
    }
    return [-length, 0, 0];
  };
  const compare = (a: string, b: string): number => {
    const [one, two] = [far(a), far(b)];
    return one[0] - two[0] || one[1] - two[1] || one[2] - two[2] || (a < b ? -1 : 1);
  };
  return known.toSorted(compare)[0];
}

/** How much is asked for of one module. */
export interface Wanted {
  readonly module: string;
  readonly passes: number;
  readonly jobs: number;
}

/** What the passes of one module will take. Without `from` nothing was measured, and nothing can be said. */
export interface ModuleEstimate extends Wanted {
  /** Version whose passes were measured. */
  readonly from?: string;
  /** Passes that the estimate rests on. */
  readonly measured: number;
  /** Seconds of all jobs together. */
  readonly cpu?: number;
  readonly wall?: number;
  /** Bytes of all outputs together. */
  readonly bytes?: number;
  /** Of one job: seconds and bytes. */
  readonly perJob?: Omit<Measured, 'version'>;
}

export interface Estimate {
  readonly modules: readonly ModuleEstimate[];
  readonly passes: number;
  readonly jobs: number;
  /** Sums of the modules that were measured. */
  readonly cpu: number;
  readonly wall: number;
  readonly bytes: number;
  /** Modules of which nothing was measured: the sums are without them. */
  readonly unmeasured: readonly string[];
  /** Slots of the farms that take jobs of this version now. */
  readonly slots: number;
  /** Seconds until all is done, with every slot for this request alone; absent without slots or without measures. */
  readonly takes?: number;
}

export interface Estimating {
  readonly version: string;
  readonly wanted: readonly Wanted[];
  /** What was measured of each module. */
  readonly measured: ReadonlyMap<string, readonly Measured[]>;
  readonly slots: number;
  /** Modules that each module starts from. */
  readonly needs: (module: string) => readonly string[];
}

export function estimateOf({ version, wanted, measured, slots, needs }: Estimating): Estimate {
  const modules = wanted.map((one) => moduleEstimate(one, version, measured.get(one.module) ?? []));
  const sum = (field: 'passes' | 'jobs' | 'cpu' | 'wall' | 'bytes'): number =>
    modules.reduce((total, one) => total + (one[field] ?? 0), 0);
  const wall = sum('wall');
  const takes = slots > 0 && wall > 0 ? Math.max(wall / slots, longest(modules, needs)) : undefined;
  return {
    modules,
    passes: sum('passes'),
    jobs: sum('jobs'),
    cpu: sum('cpu'),
    wall,
    bytes: sum('bytes'),
    unmeasured: modules.flatMap(({ module, from }) => (from === undefined ? [module] : [])),
    slots,
    ...(takes === undefined ? {} : { takes }),
  };
}

function moduleEstimate(wanted: Wanted, version: string, known: readonly Measured[]): ModuleEstimate {
  const from = nearest(
    version,
    known.map((one) => one.version),
  );
  const found = known.find((one) => one.version === from);
  if (from === undefined || !found) return { ...wanted, measured: 0 };
  const { version: _, ...perJob } = found;
  const passes = Math.max(...[found.cpu, found.wall, found.bytes].map((one) => one?.passes ?? 0));
  const of = (field: 'cpu' | 'wall' | 'bytes') => {
    const mean = found[field]?.mean;
    return mean === undefined ? {} : { [field]: mean * wanted.jobs };
  };
  return { ...wanted, from, measured: passes, ...of('cpu'), ...of('wall'), ...of('bytes'), perJob };
}

/** Seconds of the longest chain of jobs, one of each module after the other: no number of slots makes it shorter. */
function longest(modules: readonly ModuleEstimate[], needs: (module: string) => readonly string[]): number {
  const known = new Map<string, number>();
  const of = (name: string): number => {
    const before = known.get(name);
    if (before !== undefined) return before;
    // Ends the recursion if modules need each other; the configuration refuses such modules.
    known.set(name, 0);
    const own = modules.find(({ module }) => module === name);
    const above = own ? needs(name).map(of) : [];
    const total = (own?.perJob?.wall?.median ?? 0) + Math.max(0, ...above);
    known.set(name, total);
    return total;
  };
  return Math.max(0, ...modules.map(({ module }) => of(module)));
}
