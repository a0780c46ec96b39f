// The runs of the demo experiment, as data: some twenty, and in them what goes wrong in the field. Knows no bytes.
import { maskOf } from '../../domain/runs/runtypes.ts';

export interface MadeRun {
  readonly run: number;
  readonly types: readonly string[];
  /** Subrun files. */
  readonly subruns: number;
  /** Run table: there; not made; or made later (in `later/`, to be loaded by hand). */
  readonly table: 'there' | 'later' | 'none';
  /** Subruns whose file is not there. */
  readonly missing?: readonly number[];
  /** Subruns that are still being written. */
  readonly open?: readonly number[];
  /** Subruns with a damaged event. */
  readonly damaged?: readonly number[];
}

const PHYSICS = ['Physics'];
const SOURCE = ['Deployed Source'];
const MAINTENANCE = ['Maintenance'];

function run(number: number, types: readonly string[], subruns: number, odd: Partial<MadeRun> = {}): MadeRun {
  return { run: number, types, subruns, table: 'there', ...odd };
}

/** No table for a run with this number: a bad builder made it. */
const ABSURD_RUN = 2_147_480_000;

export const RUNS: readonly MadeRun[] = [
  run(109120, PHYSICS, 3),
  run(109121, PHYSICS, 2),
  run(109122, MAINTENANCE, 1),
  run(109123, PHYSICS, 4),
  run(109124, PHYSICS, 2),
  run(109125, SOURCE, 2),
  run(109126, SOURCE, 3),
  run(109127, PHYSICS, 1),
  run(109128, PHYSICS, 2, { table: 'later' }),
  run(109129, PHYSICS, 3, { missing: [1] }),
  run(109130, MAINTENANCE, 1),
  run(109131, PHYSICS, 2),
  run(109132, ['Transition'], 1),
  run(109133, ['Physics', 'Experimental'], 2),
  run(109134, PHYSICS, 3, { damaged: [1] }),
  run(109135, SOURCE, 2),
  run(109136, PHYSICS, 1),
  run(109137, ['ECA'], 1),
  run(109138, PHYSICS, 2),
  run(109139, SOURCE, 2),
  run(109140, PHYSICS, 2, { open: [1] }),
  run(ABSURD_RUN, PHYSICS, 1, { table: 'none' }),
];

/** Mask of the run's types. */
export function madeMask({ types }: MadeRun): number {
  return maskOf(types) ?? 0;
}
