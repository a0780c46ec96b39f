// Finds run types and tables that were corrected later. Each call looks at the newest runs and at the next few older ones,
// so every run has its turn, and a call does not cost more as the number of runs grows.
import { type Doc, SCHEMA } from '../../../domain/doc.ts';
import { MAX_RUN, runId } from '../../../domain/ids.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { RunState } from '../../../runtables.ts';
import { idsWith } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { noteStale } from '../../jobs/stale/note.ts';
import { isAway, statesNow } from '../../jobs/tables/source.ts';
import type { Ports, Step } from '../../ports.ts';
import { type NewMask, setMasks } from '../../switches/mask.ts';

/** Where the sweep over the older runs goes on. */
interface SweepDoc extends Doc {
  readonly kind: 'sweep';
  /** The last run that was looked at. */
  readonly after: number;
  readonly at: Iso;
}

const SWEEP = 'sweep:tables';
const NEWEST = 200;
const OLDER = 300;

export async function* sweep(ports: Ports): Step {
  const [newest, older] = await Promise.all([
    ports.store.range<RunDoc>({ ...idsWith('run:'), descending: true, limit: NEWEST }),
    olderRuns(ports),
  ]);
  const docs = new Map([...newest, ...older].map((doc) => [doc.run, doc]));
  const runs = [...docs.keys()].sort((a, b) => a - b);
  if (ports.ratdb) {
    const states = await statesNow(ports, runs);
    // The database does not answer: the next call looks at the same runs.
    if (isAway(states)) return;
    yield* setMasks(ports, newMasks(states));
  }
  yield* noteStale(ports, runs);
  await advance(ports, older);
}

/** Masks of runs that are known. */
export function newMasks(states: ReadonlyMap<number, RunState>): NewMask[] {
  return [...states].flatMap(([run, { mask, from }]) => (mask === undefined ? [] : [{ run, mask, from }]));
}

async function olderRuns({ store }: Ports): Promise<RunDoc[]> {
  const doc = (await store.get<SweepDoc>([SWEEP])).get(SWEEP);
  const after = doc?.after ?? 0;
  return store.range<RunDoc>({ start: runId(Math.min(after + 1, MAX_RUN)), end: runId(MAX_RUN), limit: OLDER });
}

/** Notes the last older run; behind the last run of all, the next call begins with the first one again. */
async function advance({ store }: Ports, older: readonly RunDoc[]): Promise<void> {
  const at = await store.now();
  const after = older.length < OLDER ? 0 : (older.at(-1)?.run ?? 0);
  await store.update<SweepDoc>(SWEEP, (doc) => {
    if (doc?.after === after) return { skip: 'it is noted' };
    return { write: { ...doc, _id: SWEEP, kind: 'sweep', v: SCHEMA, after, at } };
  });
}
