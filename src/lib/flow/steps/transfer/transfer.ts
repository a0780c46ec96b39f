// Transfer: raw files to the primary storage element, then from there to every other one that lacks a copy. Oldest run
// first. A copy counts once the destination's own checksum was equal and the document says so. May be killed anywhere:
// what was copied but not recorded is adopted by the next call, what was claimed is taken over when the slot expires.
import type { CopyTask } from '../../../domain/data/replicas.ts';
import { holdOnCopies, plannedCopies } from '../../../domain/data/replicas.ts';
import { assumeVerified } from '../../../domain/data/slots.ts';
import { allOf, merge } from '../../../util/concurrency.ts';
import { ItemError, UnreachableError } from '../../../util/errors.ts';
import { views } from '../../../views/index.ts';
import { copyBatch } from '../../copies/batch.ts';
import { breakers, recordBreakers } from '../../copies/breakers.ts';
import { heedCancels } from '../../copies/claims/cancel.ts';
import { findGone, sayUnderWay, slotClaims } from '../../copies/claims/gone.ts';
import type { Docs } from '../../copies/claims/slots.ts';
import { copyKey } from '../../copies/copy.ts';
import { leaveDay } from '../../copies/days.ts';
import { Samples } from '../../copies/samples.ts';
import { openSession, type Session, type TransferOptions } from '../../copies/session.ts';
import { withDryRun } from '../../dry.ts';
import { requireCredentials } from '../../farms/credentials.ts';
import type { Ports, Step } from '../../ports.ts';
import { transferOutputs } from '../outputs/outputs.ts';
import { dueDocuments, type ElementSet, FILES_AT_ONCE, setsByLevel } from './transferdue.ts';

export type { TransferOptions } from '../../copies/session.ts';

/** Bytes copied before they are recorded: a batch must not take hours. */
const BYTES_AT_ONCE = 8 * 2 ** 30;

/**
 * Makes the copies that are due, once; `limit` counts copies. A storage element that cannot be reached is set aside,
 * said once, and the rest goes on.
 * @throws UsageError, ConfigError, StoreError, CredentialsError; UnreachableError when every element is down
 */
export function transfer(ports: Ports, options: TransferOptions = {}): Step {
  return withDryRun(ports, options, (on) => transferAll(on, options));
}

async function* transferAll(ports: Ports, options: TransferOptions): Step {
  yield* requireCredentials(ports);
  const [session, sets] = await allOf(openSession(ports, options), setsByLevel(ports, options));
  yield* session.sites.notices(options.dryRun === true);
  const worked = new Set<string>();
  const samples = new Samples();
  for await (const item of merge(session.levels.map((level) => transferLevel(session, level, sets.get(level))))) {
    if (item.did === 'verified' || item.did === 'adopted') worked.add(String(item.storage));
    samples.note(item);
    yield item;
  }
  for await (const item of transferOutputs(session)) {
    if (item.did === 'verified') worked.add(String(item.storage));
    samples.note(item);
    yield item;
  }
  if (worked.size === 0) await askOthers(session);
  yield* session.sites.notices(options.dryRun === true);
  if (!options.dryRun) {
    const [troubled] = await allOf(breakers(ports.store), samples.leave(ports), leaveDay(ports, { space: true }));
    yield* recordBreakers(ports, session.sites, worked, troubled);
  }
  if (worked.size === 0) await requireOne(session);
}

/** Elements that shall have copies, and are not kept from having any. */
function wantedOf({ rules, levels }: Session): string[] {
  return [...rules.wanted].filter((name) => !levels.every((level) => holdOnCopies(rules.holds, name, level)));
}

/** Where one element is down, those of which nothing was wanted for lack of a source are asked, too. */
async function askOthers(session: Session): Promise<void> {
  const { sites } = session;
  const wanted = wantedOf(session);
  if (!wanted.some((name) => sites.aside.has(name))) return;
  for (const name of wanted) {
    await sites
      .attempt(name, (storage) => storage.stat(['.dflow-is-it-there']))
      .catch((error: unknown) => {
        if (!(error instanceof ItemError)) throw error;
      });
  }
}

/** @throws UnreachableError when copies are missing and every element that shall have them is down */
async function requireOne(session: Session): Promise<void> {
  const { ports, sites, levels } = session;
  const wanted = wantedOf(session);
  const [first] = wanted;
  if (first === undefined || !wanted.every((name) => sites.aside.has(name))) return;
  if ([...sites.failures.values()].some(({ cause }) => cause === 'full') || !(await lacksCopies(ports, levels, wanted)))
    return;
  const names = wanted.join(', ');
  throw new UnreachableError(`no storage element can be reached (${names}): nothing was copied`, {
    hint: `dflow why ${first}`,
  });
}

async function lacksCopies({ store }: Ports, levels: readonly string[], wanted: readonly string[]): Promise<boolean> {
  const groups = (
    await Promise.all(levels.map((level) => store.count(views.transfers, 2, { prefix: [level] })))
  ).flat();
  return groups.some(({ key: [, set] }) => set !== '-' && wanted.some((name) => !set.split(' ').includes(name)));
}

async function* transferLevel(session: Session, level: string, sets: readonly ElementSet[] = []): Step {
  for await (const docs of dueDocuments(session, level, sets)) {
    yield* rounds(session, new Map(docs.map((doc) => [doc._id, doc])));
    if (session.left <= 0) return;
  }
}

/** First round: to the primary. Each further one: what the one before made possible. Nothing is tried twice. */
async function* rounds(session: Session, docs: Docs): Step {
  const tried = new Set<string>();
  const expected = await foreseen(session, docs);
  session.told.expect(expected);
  try {
    yield* untilDone(session, docs, tried);
  } finally {
    session.told.forget(expected.map(([key]) => key));
  }
}

/** Every copy that the rounds will make if all succeed. Only for the progress display. */
async function foreseen({ ports, told, rules, left }: Session, docs: Docs): Promise<[string, number][]> {
  if (!told.isWatched) return [];
  const now = await ports.store.now();
  const all = new Map<string, number>();
  for (const known of docs.values()) {
    for (let doc = known; ; ) {
      const tasks = plannedCopies(doc, rules, now).filter((task) => !all.has(copyKey(task)));
      if (tasks.length === 0) break;
      for (const task of tasks) all.set(copyKey(task), task.file.size);
      doc = assumeVerified(doc, tasks, now);
    }
  }
  return [...all].slice(0, left);
}

async function* untilDone(session: Session, docs: Docs, tried: Set<string>): Step {
  for (;;) {
    await heedCancels(session);
    await findGone(session, slotClaims(docs.values()));
    const now = await session.ports.store.now();
    sayUnderWay(session, docs.values(), now);
    const due = [...docs.values()].flatMap((doc) => plannedCopies(doc, session.rules, now));
    const tasks = due.filter((task) => !tried.has(keyOf(task))).slice(0, session.left);
    if (tasks.length === 0) return;
    for (const task of tasks) tried.add(keyOf(task));
    session.left -= tasks.length;
    for (const batch of batches(tasks)) {
      yield* copyBatch(session, batch, docs);
      yield* session.sites.notices(session.options.dryRun === true);
    }
  }
}

function keyOf({ id, file, to, source }: CopyTask): string {
  return JSON.stringify([id, file.name, to, source.site]);
}

function* batches(tasks: readonly CopyTask[]): Generator<CopyTask[], void, void> {
  let batch: CopyTask[] = [];
  let bytes = 0;
  for (const task of tasks) {
    if (batch.length >= FILES_AT_ONCE || (batch.length > 0 && bytes + task.file.size > BYTES_AT_ONCE)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(task);
    bytes += task.file.size;
  }
  if (batch.length > 0) yield batch;
}
