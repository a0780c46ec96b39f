// Compare-and-swap on CouchDB, a batch at a time: decide, write, look at every row, read the losers again. An answer
// that was lost, cut off or 202 says nothing: the documents' operation ids say what happened.
import type { Doc } from '../../domain/doc.ts';
import type { Change, Outcome } from '../../store.ts';
import { decide, hasOp, TRIES, withOp } from '../shared/changes.ts';
import { readStored, type Stored } from './read.ts';
import type { Connection } from './server/connection.ts';
import { mayNotWrite, UnclearError } from './server/meaning.ts';
import { backOff } from './server/patience.ts';

/** A change under way. */
interface Pending<D extends Doc> {
  readonly place: number;
  readonly change: Change<D>;
  stored: Stored<D>;
  /** `stored` was read in this call, not handed in. */
  fresh: boolean;
  /** The last answer on it was unclear. */
  unclear: boolean;
}

interface Draft<D extends Doc> {
  readonly pending: Pending<D>;
  readonly doc: Doc & { readonly _deleted?: true };
}

interface BulkRow {
  readonly id: string;
  readonly ok?: boolean;
  readonly rev?: string;
  readonly error?: string;
  readonly reason?: string;
}

/** Applies a batch; outcomes in the order of the changes. @throws StoreError when the store stays out of reach */
export async function writeBatch<D extends Doc>(
  connection: Connection,
  batch: readonly Change<D>[],
  op: string,
): Promise<Outcome<D>[]> {
  const outcomes: Outcome<D>[] = new Array(batch.length);
  let open = await begin(connection, batch);
  let unclearSince: number | undefined;
  for (let attempt = 1; open.length > 0; attempt++) {
    const drafts: Draft<D>[] = [];
    const again: Pending<D>[] = [];
    for (const pending of open) {
      const step = await decided(connection, pending, op);
      if (step === 'read') again.push(pending);
      else if ('result' in step) outcomes[pending.place] = step;
      else drafts.push({ pending, doc: step.doc });
    }
    const unclear = drafts.length > 0 ? await post(connection, drafts, outcomes) : undefined;
    open = [...again, ...drafts.map(({ pending }) => pending).filter(({ place }) => !outcomes[place])];
    if (open.length === 0) break;
    unclearSince = unclear && (unclearSince ?? performance.now());
    const waited = performance.now() - (unclearSince ?? Number.POSITIVE_INFINITY);
    if (unclear && (attempt >= TRIES || waited > connection.patience)) throw unclear.after(waited);
    if (attempt >= TRIES) {
      for (const { place, change } of open) outcomes[place] = lost(change.id, attempt);
      break;
    }
    if (drafts.length > 0) await backOff(attempt, 10);
    await reread(connection, open);
  }
  return outcomes;
}

async function begin<D extends Doc>(connection: Connection, batch: readonly Change<D>[]): Promise<Pending<D>[]> {
  const open = batch.map((change, place): Pending<D> => {
    const stored = change.base ? { doc: change.base } : {};
    return { place, change, stored, fresh: false, unclear: false };
  });
  await reread(
    connection,
    open.filter(({ change }) => !change.base),
  );
  return open;
}

async function reread<D extends Doc>(connection: Connection, open: readonly Pending<D>[]): Promise<void> {
  const found = await readStored<D>(
    connection,
    open.map(({ change }) => change.id),
  );
  for (const pending of open) {
    pending.stored = found.get(pending.change.id) ?? {};
    pending.fresh = true;
  }
}

type Step<D extends Doc> = Outcome<D> | 'read' | { readonly doc: Draft<D>['doc'] };

async function decided<D extends Doc>(connection: Connection, pending: Pending<D>, op: string): Promise<Step<D>> {
  const { change, stored } = pending;
  const { doc } = stored;
  const id = change.id;
  if (doc && hasOp(doc, op)) return { id, result: 'already', doc };
  if (doc?._conflicts?.length) {
    return { id, result: 'frozen', doc, why: `replication conflict with ${doc._conflicts.join(', ')}` };
  }
  if (pending.unclear && !doc && stored.tombstone && (await removedBy(connection, id, stored.tombstone, op))) {
    return { id, result: 'already' };
  }
  const decision = decide(change, doc);
  const gone = 'remove' in decision && doc && { _id: id, kind: doc.kind, v: doc.v };
  const next: Doc | undefined | false = 'write' in decision ? decision.write : gone;
  if (!next) {
    // On a document that was handed in, "no longer applies" may be about the past.
    if (!pending.fresh) return 'read';
    return { id, result: 'skipped', why: 'skip' in decision ? decision.skip : 'there is none', ...(doc && { doc }) };
  }
  const rev = doc?._rev === undefined ? {} : { _rev: doc._rev };
  return { doc: { ...withOp(next, doc, op), ...rev, ...(gone && { _deleted: true }) } };
}

/** True when the removal itself carries the operation's id. */
async function removedBy(connection: Connection, id: string, rev: string, op: string): Promise<boolean> {
  const { status, body } = await connection.read({ path: encodeURIComponent(id), query: { rev }, accept: [404] });
  return status === 200 && hasOp(body, op);
}

/** Writes the drafts and fills in the outcomes that are certain; answers the error when the answer was unclear. */
async function post<D extends Doc>(
  connection: Connection,
  drafts: readonly Draft<D>[],
  outcomes: Outcome<D>[],
): Promise<UnclearError | undefined> {
  let rows: readonly BulkRow[];
  for (const { pending } of drafts) pending.unclear = true;
  try {
    const body = { docs: drafts.map(({ doc }) => doc) };
    const reply = await connection.send({ method: 'POST', path: '_bulk_docs', body });
    if (reply.status !== 201) {
      return new UnclearError(`too few copies were written: HTTP ${reply.status}`, { where: connection.where });
    }
    if (!Array.isArray(reply.body)) return new UnclearError('the answer has no rows', { where: connection.where });
    rows = reply.body;
  } catch (error) {
    if (error instanceof UnclearError) return error;
    throw error;
  }
  for (const [i, { pending, doc }] of drafts.entries()) {
    const row = rows[i];
    if (row?.id !== pending.change.id) continue;
    if (row.error === 'forbidden' || row.error === 'unauthorized') {
      throw mayNotWrite(`${row.id}: ${row.error}: ${row.reason ?? 'no reason given'}`, connection.asked);
    }
    pending.unclear = row.error !== 'conflict';
    if (!row.rev || row.error) continue;
    const { _deleted, ...rest } = { ...doc, _rev: row.rev };
    outcomes[pending.place] = { id: row.id, result: 'written', ...(!_deleted && { doc: rest as unknown as D }) };
  }
  return undefined;
}

function lost<D extends Doc>(id: string, tries: number): Outcome<D> {
  return { id, result: 'lost', why: `others changed it at each of ${tries} tries` };
}
