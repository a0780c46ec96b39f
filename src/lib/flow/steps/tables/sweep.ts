// Finds run types and tables that were corrected later. Each call looks at the newest runs and at the next few older ones,
// so every run has its turn, and a call does not cost more as the number of runs grows.
import { type Doc, SCHEMA } from '../../../domain/doc.ts';
import { MAX_RUN, refOf, runId } from '../../../domain/ids.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { RunState } from '../../../runtables.ts';
import { idsWith, tookEffect } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { noteStale } from '../../jobs/stale/note.ts';
import { isAway, shortRuns, statesNow } from '../../jobs/tables/source.ts';
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
  yield* noLongerShort(ports, [...docs.values()]);
  yield* noteStale(ports, runs);
  await advance(ports, older);
}

/** Runs that were left out as too short, and of which the database says another length now, are decided again. */
async function* noLongerShort(ports: Ports, docs: readonly RunDoc[]): Step {
  const { version } = ports.settings.automatic;
  if (version === undefined) return;
  const left = docs.filter(({ automatic }) => automatic?.[version]?.left === 'short');
  const short = await shortRuns(
    ports,
    left.map(({ run }) => run),
  );
  if (left.length === 0 || isAway(short)) return;
  const due = left.filter(({ run }) => !short.has(run));
  const outcomes = await ports.store.bulk<RunDoc>(
    due.map((base) => ({
      id: base._id,
      base,
      change: (doc) => {
        const { [version]: made, ...others } = doc?.automatic ?? {};
        return doc && made?.left === 'short'
          ? { write: { ...doc, automatic: others } }
          : { skip: 'it was decided again' };
      },
    })),
  );
  for (const outcome of outcomes) {
    if (!tookEffect(outcome) || !outcome.doc) continue;
    const { run } = outcome.doc;
    const text = 'the run is not too short any more: it is decided again';
    yield { kind: 'run', ref: refOf(run), did: 'released', run, text, next: 'dflow enqueue' };
  }
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
