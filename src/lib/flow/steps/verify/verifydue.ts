// What is to be checked at one storage element, longest unchecked first, in batches of whole documents. A row that was
// checked moves behind the end of the range, so that a call that was stopped goes on where it was.

import type { DataDoc } from '../../../domain/data/data.ts';
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Output } from '../../../domain/jobs/states.ts';
import type { QueryOf } from '../../../store.ts';
import { type Iso, isAhead, plus, SKEW } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { views } from '../../../views/index.ts';
import { makeAgain } from './broken.ts';
import type { VerifySession } from './verifysession.ts';

/** One copy of one file, as the catalogue has it. */
export interface Subject {
  /** Document id. */
  readonly id: string;
  readonly ref: string;
  readonly run: number;
  readonly storage: string;
  readonly path: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly adler32: string;
  /** Of a raw file. */
  readonly raw?: { readonly level: string; readonly attempt: number };
  /** Of an output. */
  readonly output?: {
    readonly subjob: number;
    readonly knownBad?: string;
    /** What to type when it is bad and no other copy is good; absent while another is said to be. */
    readonly again?: string;
  };
}

/** Copies checked together: the unit in which a site fault is seen and results are written. */
const COPIES_AT_ONCE = 500;
const PAGE = 500;

/** Number of copies due at `storage`, by the views. Only for the progress display. */
async function aheadOf({ ports, options, due, told, left }: VerifySession, storage: string): Promise<number> {
  if (!told.isWatched || options.runs || options.levels) return 0;
  const counts = (['raw', 'output'] as const).map((what) =>
    ports.store.count(views.checks, 1, { start: [storage, what, ''], end: [storage, what, due, {}] }),
  );
  return Math.min(
    left,
    (await Promise.all(counts)).flat().reduce((sum, { value }) => sum + value, 0),
  );
}

/** Batches of copies at `storage` that are due. */
export async function* dueBatches(session: VerifySession, storage: string): AsyncGenerator<Subject[], void, void> {
  let batch: Subject[] = [];
  let ahead = await aheadOf(session, storage);
  const known = (due: readonly Subject[]): Subject[] => {
    ahead -= due.length;
    session.told.ahead(storage, ahead);
    return [...due];
  };
  for (const what of ['raw', 'output'] as const) {
    for await (const id of dueIds(session, storage, what)) {
      const room = Math.max(0, session.left - batch.length);
      if (room === 0) break;
      batch.push(...(await subjectsOf(session, storage, id)).slice(0, room));
      if (batch.length < COPIES_AT_ONCE) continue;
      yield known(batch);
      batch = [];
    }
  }
  ahead = 0;
  if (batch.length > 0) yield known(batch);
}

/** A check that a wrong clock has dated beyond now was made who knows when. */
function isDue(at: Iso, { due, began }: VerifySession): boolean {
  return at <= due || isAhead(at, began);
}

/** Where a range of the view begins or ends. */
type Bound = NonNullable<QueryOf<typeof views.checks>['start']>;

async function* dueIds(session: VerifySession, storage: string, what: 'raw' | 'output'): AsyncGenerator<string> {
  const seen = new Set<string>();
  yield* idsBetween(session, [storage, what, ''], [storage, what, session.due, {}], seen);
  const ahead = plus(await session.ports.store.now(), SKEW);
  yield* idsBetween(session, [storage, what, ahead], [storage, what, {}], seen);
}

async function* idsBetween(
  { ports, options }: VerifySession,
  from: Bound,
  end: Bound,
  seen: Set<string>,
): AsyncGenerator<string> {
  let start = from;
  for (let limit = PAGE; ; ) {
    const rows = await ports.store.view(views.checks, { start, end, limit });
    const fresh = rows.filter(({ id }) => !seen.has(id));
    for (const { id, key } of fresh) {
      seen.add(id);
      if (options.runs?.(key[3]) !== false) yield id;
    }
    const last = rows.at(-1);
    if (!last || rows.length < limit) return;
    if (fresh.length === 0) limit *= 2;
    start = last.key;
  }
}

async function subjectsOf(session: VerifySession, storage: string, id: string): Promise<Subject[]> {
  const { ports } = session;
  const doc = (await ports.store.get<DataDoc | JobDoc>([id])).get(id);
  if (doc?.kind === 'data') return rawSubjects(session, doc, storage);
  // Outputs belong to no raw data level.
  if (doc?.kind !== 'job' || session.options.levels) return [];
  return outputSubjects(session, doc, storage);
}

function rawSubjects(session: VerifySession, doc: DataDoc, storage: string): Subject[] {
  const { _id: id, run, level } = doc;
  if (session.options.levels?.includes(level) === false) return [];
  return doc.files.flatMap(({ name, size, adler32, replicas }) => {
    const replica = replicas[storage];
    if (replica?.state !== 'verified' || !isDue(replica.checkedAt, session)) return [];
    const { path, attempt } = replica;
    return [{ id, ref: refOf(run), run, storage, path, name, size, adler32, raw: { level, attempt } }];
  });
}

function outputSubjects(session: VerifySession, job: JobDoc, storage: string): Subject[] {
  const { _id: id, run, module, pass } = job;
  return job.subjobs.flatMap(({ index, state }) => {
    if (state.name !== 'completed') return [];
    const at = ({ checkedAt }: Output): Iso => checkedAt ?? state.since;
    const mine = state.outputs.filter((one) => one.storage === storage && isDue(at(one), session));
    return mine.map(({ path, name, size, adler32, bad }) => {
      const others = state.outputs.filter((one) => one.name === name && one.storage !== storage);
      const output = {
        subjob: index,
        ...given({ knownBad: bad }),
        ...(others.some((one) => one.bad === undefined) ? {} : { again: makeAgain(job) }),
      };
      return { id, ref: refOf(run, module, pass, index), run, storage, path, name, size, adler32, output };
    });
  });
}
