// One batch of copies: look, claim, copy, record. What it yields has been recorded before.

import pLimit from 'p-limit';
import type { DataDoc } from '../../domain/data/data.ts';
import type { CopyTask } from '../../domain/data/replicas.ts';
import { assumeVerified, type Result } from '../../domain/data/slots.ts';
import type { Outcome } from '../../store.ts';
import { merge, parallel } from '../../util/concurrency.ts';
import { ItemError, UnreachableError } from '../../util/errors.ts';
import { shown } from '../../util/text/names.ts';
import { groupBy } from '../../util/values/group.ts';
import { have } from '../../util/values/have.ts';
import type { Item, Step } from '../ports.ts';
import { makeClaimed } from './claims/claims.ts';
import { type Lanes, openLanes, placesOf } from './claims/lanes.ts';
import { type Docs, slotsIn } from './claims/slots.ts';
import { copyOne, type Job } from './copy.ts';
import { adopt, look } from './lookfor.ts';
import { placeOf, type Session } from './session.ts';

/** Makes the copies of `tasks`; `docs` are brought up to date. */
export async function* copyBatch(session: Session, tasks: readonly CopyTask[], docs: Docs): Step {
  const hosts = new Map([...docs].map(([id, doc]) => [id, doc.host]));
  const { ready, broken } = await look(session, tasks, hosts);
  // What a site that is down kept from beginning does not count towards the limit.
  session.left += tasks.length - ready.length - broken.length;
  if (session.options.dryRun) {
    yield* predict(session, ready, broken, docs);
    return;
  }
  const making = ready.map(({ task }) => task);
  yield* withLanes(session, making, (open, lanes) => {
    session.left += making.length - open.length;
    return copyOpen(session, ready, open, broken, docs, lanes);
  });
}

/** Claims, copies, records: each of `open` has a lane to go on. */
async function* copyOpen(
  session: Session,
  ready: readonly Job[],
  open: readonly CopyTask[],
  broken: readonly Result[],
  docs: Docs,
  lanes: Lanes | undefined,
): Step {
  const jobs = new Map(ready.map((job) => [job.task, job]));
  const refused: Outcome<DataDoc>[] = [];
  const claims = slotsIn(session, docs, (outcome) => refused.push(outcome));
  const { results, recorded, fatal } = await makeClaimed(session, claims, open, {
    copy: (task, lease) => copyOne(session, have(jobs, task), lease),
    run: async (tasks, one) => merge(await waysOf(session, tasks, lanes, one)),
    broken,
  });
  for (const outcome of refused) yield refusedItem(outcome);
  for (const result of results) {
    const known = recorded.has(result) || broken.includes(result) || result.did === 'canceled';
    if (!(known && result.did === 'released'))
      yield known ? itemOf(result) : lostItem(result, docs.get(result.task.id));
  }
  if (fatal !== undefined) throw fatal;
}

/** Runs `work` with those of `tasks`, all of one level, that have a lane to go on; the others wait for the next call. */
export async function* withLanes(
  session: Session,
  tasks: readonly CopyTask[],
  work: (open: readonly CopyTask[], lanes: Lanes | undefined) => Step,
): Step {
  const level = tasks[0]?.level;
  const lanes = level === undefined ? undefined : await lanesFor(session, level, tasks);
  const open = tasks.filter(({ to }) => lanes !== undefined && lanes.level > 0 && have(lanes.storages, to) > 0);
  try {
    yield* work(open, lanes);
  } finally {
    await lanes?.release();
  }
}

/** What lanes there are for these copies; says which elements have none free. */
async function lanesFor(session: Session, level: string, tasks: readonly CopyTask[]): Promise<Lanes> {
  const { ports, sites } = session;
  const targets = tasks.map(({ to }) => to);
  const lanes = await openLanes(ports, placesOf(ports, level, targets));
  const hosts = lanes.hosts.join(', ') || 'others';
  for (const [name, count] of lanes.storages) {
    if (count > 0) continue;
    const text = `the limit of copies at once is reached by ${hosts}; the next call goes on`;
    sites.say(`lanes ${name}`, { kind: 'storage', ref: name, did: 'skipped', text, next: 'dflow list loops' });
  }
  return lanes;
}

/** As many of `tasks` at once as may be copied to any of their elements. */
export function lanesOfAll(lanes: Lanes | undefined, tasks: readonly CopyTask[]): number {
  return Math.max(1, Math.min(lanes?.level ?? 1, ...tasks.map(({ to }) => lanes?.storages.get(to) ?? 1)));
}

/** Bytes below which a file's cost is its number of calls. */
const SMALL = 2 ** 20;

/**
 * One way for each storage element, each with its lanes, all together with those of the level. Small files that an
 * element copies together are given to it together: it makes few copies of them at once, whatever their number.
 */
async function waysOf(
  session: Session,
  tasks: readonly CopyTask[],
  lanes: Lanes | undefined,
  one: (task: CopyTask) => Promise<Result>,
): Promise<AsyncGenerator<Result, void, void>[]> {
  const slots = pLimit(Math.max(1, lanes?.level ?? 1));
  const ways: AsyncGenerator<Result, void, void>[] = [];
  for (const [to, mine] of groupBy(tasks, (task) => task.to)) {
    const storage = await session.sites.attempt(to, async (site) => site);
    const batch = storage?.capabilities.batch ?? 0;
    const together = batch > 0 ? mine.filter(({ file }) => file.size <= SMALL) : [];
    const single = batch > 0 ? mine.filter(({ file }) => file.size > SMALL) : mine;
    const limit = Math.max(1, lanes?.storages.get(to) ?? 1);
    ways.push(
      inOrder(
        parallel(together, batch, one),
        parallel(single, limit, (task) => slots(() => one(task))),
      ),
    );
  }
  return ways;
}

async function* inOrder<T>(...generators: AsyncGenerator<T, void, void>[]): AsyncGenerator<T, void, void> {
  for (const generator of generators) yield* generator;
}

/** What the batch would do; the documents are taken as if it had, for the next round. */
async function* predict(session: Session, ready: readonly Job[], broken: readonly Result[], docs: Docs): Step {
  const results: Result[] = [...broken];
  for (const { task, there } of ready) {
    const adopted = there ? adopt(session, task) : undefined;
    results.push((await adopted?.catch((error) => unreadable(task, error))) ?? { task, did: 'verified' });
  }
  for (const result of results) yield { ...itemOf(result), dryRun: true };
  const now = await session.ports.store.now();
  const made = groupBy(
    results.filter(({ did }) => did !== 'failed').map(({ task }) => task),
    (task) => task.id,
  );
  for (const [id, tasks] of made) {
    const doc = docs.get(id);
    if (doc) docs.set(id, assumeVerified(doc, tasks, now));
    for (const task of tasks) session.assumed.add(placeOf(task.to, task.path));
  }
}

function unreadable(task: CopyTask, error: unknown): Result {
  if (error instanceof ItemError || error instanceof UnreachableError)
    return { task, did: 'failed', why: error.message };
  throw error;
}

function itemOf({ task, did, why, next, fault }: Result): Item {
  const { run, ref, level, file, to } = task;
  const item: Item = { kind: 'replica', ref, run, level, file: file.name, storage: to, did, bytes: file.size };
  if (did === 'canceled') return { ...item, bytes: 0, text: shown(`${file.name} to ${to}: ${why}`) };
  if (did !== 'failed') return { ...item, text: `${file.name} at ${to}` };
  const lead = fault === 'original' ? 'original changed: ' : '';
  const text = shown(`${file.name} to ${to}: ${lead}${why ?? 'failed'}`);
  return { ...item, bytes: 0, failed: true, text, next: next ?? `dflow why ${ref}` };
}

function lostItem({ task }: Result, doc: DataDoc | undefined): Item {
  const { run, ref, level, file, to } = task;
  const replica = doc?.files.find((one) => one.name === file.name)?.replicas[to];
  const who = replica?.state === 'copying' ? `by ${replica.host}` : 'meanwhile';
  const text = shown(`${file.name} to ${to}: the slot was taken ${who}`);
  return { kind: 'replica', ref, run, level, file: file.name, storage: to, did: 'skipped', bytes: 0, text };
}

function refusedItem({ id, result, why }: Outcome<DataDoc>): Item {
  const frozen = result === 'frozen';
  const text = frozen
    ? 'has replication conflicts; nothing is copied'
    : `changed by others at every try${why ? `: ${why}` : ''}`;
  return { kind: 'data', ref: id, did: 'skipped', failed: frozen, text, next: `dflow show ${id}` };
}
