// Process of one farm on a store, as the store sees it: claims ready passes by compare-and-swap, records and completes
// them, a few hundred at a time, until none is left. `enqueue FIRST COUNT` makes passes instead. Prints one JSON line.
import type { Doc } from '../../src/lib/domain/doc.ts';
import { pad } from '../../src/lib/domain/ids.ts';
import { type Decision, type Store, type StoreModule, tookEffect } from '../../src/lib/store.ts';
import * as couch from '../../src/lib/stores/couch/couch.ts';
import * as postgres from '../../src/lib/stores/postgres/postgres.ts';
import * as sqlite from '../../src/lib/stores/sqlite/sqlite.ts';
import { views } from '../../src/lib/views/index.ts';

const [url = '', farm = '', mode = 'work', first = '0', count = '0'] = process.argv.slice(2);
/** Passes of one claim; batches of a farm that overlap those of others are what makes conflicts. */
const BATCH = 500;
const AT = '2026-07-14T06:00:00.000Z';

interface Pass extends Doc {
  readonly subjobs: readonly { readonly state: { readonly name: string; readonly lock?: unknown } }[];
  readonly history: readonly { readonly at: string; readonly to: string; readonly by: string }[];
}

function passOf(run: number): Pass {
  const id = pad(run, 10);
  const raw = { kind: 'raw', level: 'L1', name: `run${id}.dat` };
  const subjob = { index: 0, subrun: 0, inputs: [raw], attempt: 0, failures: 0 };
  const state = { name: 'waiting', since: AT, wake: { kind: 'ready' } };
  return {
    ...{ _id: `job:${id}:Processing:001`, kind: 'job', v: 1, run, module: 'Processing', pass: 1, version: '1.0' },
    ...{ level: 'L1', mask: 4, priority: 0, labels: [], created: AT, needs: [], tables: {}, hash: 'bench' },
    ...{ outputs: { counts: 'counts.txt' }, subjobs: [{ ...subjob, state }], state: 'waiting', since: AT },
    history: [{ at: AT, to: 'waiting', by: 'enqueue@bench' }],
  } as Pass;
}

const nameOf = (pass: Pass | undefined): string | undefined => pass?.subjobs[0]?.state.name;

let asked = 0;

/** A change of state that no longer applies when another farm was faster. */
const move = (from: string, to: string) => {
  return (pass: Pass | undefined): Decision<Pass> => {
    asked++;
    if (!pass || nameOf(pass) !== from) return { skip: 'another farm was faster' };
    const lock = { site: farm, epoch: 1, claim: farm, index: 0 };
    const state = { name: to, since: AT, lock, backendId: '1', outputs: {} };
    const subjobs = [{ ...pass.subjobs[0], state }];
    return { write: { ...pass, subjobs, state: to, history: [...pass.history, { at: AT, to, by: farm }] } as Pass };
  };
};

const tally = { claimed: 0, taken: 0, lost: 0, again: 0, claiming: 0, applying: 0, applied: 0 };

async function step(store: Store, docs: readonly Pass[], from: string, to: string): Promise<Pass[]> {
  const before = asked;
  const outcomes = await store.bulk<Pass>(docs.map((base) => ({ id: base._id, base, change: move(from, to) })));
  tally.again += asked - before - docs.length;
  tally.lost += outcomes.filter(({ result }) => result === 'lost').length;
  return outcomes.flatMap((outcome) => (tookEffect(outcome) && outcome.doc ? outcome.doc : []));
}

async function work(store: Store): Promise<void> {
  for (;;) {
    const began = performance.now();
    const rows = await store.view(views.ready, { prefix: ['automatic', 'run'], limit: BATCH });
    if (rows.length === 0) return;
    const docs = [...(await store.get<Pass>(rows.map(({ id }) => id))).values()];
    const mine = await step(store, docs, 'waiting', 'submitting');
    tally.claimed += mine.length;
    tally.taken += docs.length - mine.length;
    tally.claiming += performance.now() - began;
    const submitted = await step(store, mine, 'submitting', 'submitted');
    const applying = performance.now();
    tally.applied += (await step(store, submitted, 'submitted', 'completed')).length;
    tally.applying += performance.now() - applying;
  }
}

const module: StoreModule = url.startsWith('sqlite:') ? sqlite : url.startsWith('http') ? couch : postgres;
const store = await module.open(url, { write: mode === 'setup' ? 'setup' : true });
const began = performance.now();
if (mode === 'setup') await store.setup('bench');
if (mode === 'enqueue') {
  for (let start = Number(first); start < Number(first) + Number(count); start += 1000) {
    const many = Math.min(1000, Number(first) + Number(count) - start);
    const passes = Array.from({ length: many }, (_, i) => passOf(start + i));
    await store.bulk(passes.map((pass) => ({ id: pass._id, base: null, change: () => ({ write: pass }) })));
  }
}
if (mode === 'work') await work(store);
let doubles = 0;
let passes = 0;
if (mode === 'check') {
  for (let start = 0; start < Number(count); start += 2000) {
    const end = `job:${pad(Math.min(start + 1999, Number(count) - 1), 10)};`;
    for (const pass of await store.range<Pass>({ start: `job:${pad(start, 10)}`, end })) {
      passes++;
      const moves = pass.history.map(({ to }) => to).join(' ');
      if (moves !== 'waiting submitting submitted completed') doubles++;
    }
  }
}
const counts = mode === 'check' ? await store.count(views.jobCounts, 3) : [];
process.stdout.write(
  `${JSON.stringify({ ...tally, doubles, passes, counts, seconds: (performance.now() - began) / 1000 })}\n`,
);
await store.close();
