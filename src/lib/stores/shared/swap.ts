// Compare-and-swap over a network, a batch at a time: decide, write, look at every answer, read the losers again. An
// answer that was lost says nothing: the documents' operation ids say what happened.
import type { Doc } from '../../domain/doc.ts';
import type { Change, Outcome } from '../../store.ts';
import { decide, hasOp, TRIES, withOp } from './changes.ts';
import { backOff } from './server/patience.ts';
import type { UnclearError } from './server/unclear.ts';

/** A document, or the revision of its removal, or neither. */
export interface Stored<D extends Doc> {
  readonly doc?: D;
  readonly tombstone?: string;
}

/** What a database does for the loop below. */
export interface Swapping {
  /** Milliseconds for which an outage is waited out. */
  readonly patience: number;
  /** What the database has under `ids`; ids that never existed are absent. */
  readStored<D extends Doc>(ids: readonly string[]): Promise<Map<string, Stored<D>>>;
  /** False for a document that a caller handed in and that may not be what is stored, whatever its revision says. */
  believes?(doc: Doc): boolean;
  /** True when the removal `tombstone` was made by the operation. */
  removedBy(id: string, tombstone: string, op: string): Promise<boolean>;
  /** Writes the drafts and fills in the outcomes that are certain; answers the error when the answer was unclear. */
  post<D extends Doc>(
    drafts: readonly Draft<D>[],
    outcomes: Outcome<D>[],
    op: string,
  ): Promise<UnclearError | undefined>;
}

/** A change under way. */
interface Pending<D extends Doc> {
  readonly place: number;
  readonly change: Change<D>;
  stored: Stored<D>;
  /** `stored` was read in this call, not known before. */
  fresh: boolean;
  /** The last answer on it was unclear; set by whoever posts. */
  unclear: boolean;
}

export interface Draft<D extends Doc> {
  readonly pending: Pending<D>;
  readonly doc: Doc & { readonly _deleted?: true };
}

/** Applies a batch; outcomes in the order of the changes. @throws StoreError when the store stays out of reach */
export async function writeBatch<D extends Doc>(
  database: Swapping,
  batch: readonly Change<D>[],
  op: string,
): Promise<Outcome<D>[]> {
  const outcomes: Outcome<D>[] = new Array(batch.length);
  let open = await begin(database, batch);
  let unclearSince: number | undefined;
  for (let attempt = 1; open.length > 0; attempt++) {
    const drafts: Draft<D>[] = [];
    const again: Pending<D>[] = [];
    for (const pending of open) {
      const step = await decided(database, pending, op);
      if (step === 'read') again.push(pending);
      else if ('result' in step) outcomes[pending.place] = step;
      else drafts.push({ pending, doc: step.doc });
    }
    const unclear = drafts.length > 0 ? await database.post(drafts, outcomes, op) : undefined;
    open = [...again, ...drafts.map(({ pending }) => pending).filter(({ place }) => !outcomes[place])];
    if (open.length === 0) break;
    unclearSince = unclear && (unclearSince ?? performance.now());
    const waited = performance.now() - (unclearSince ?? Number.POSITIVE_INFINITY);
    if (unclear && (attempt >= TRIES || waited > database.patience)) throw unclear.after(waited);
    if (attempt >= TRIES) {
      for (const { place, change } of open) outcomes[place] = lost(change.id, attempt);
      break;
    }
    if (drafts.length > 0) await backOff(attempt, 10);
    await reread(database, open);
  }
  return outcomes;
}

async function begin<D extends Doc>(database: Swapping, batch: readonly Change<D>[]): Promise<Pending<D>[]> {
  const open = batch.map((change, place): Pending<D> => {
    const { base } = change;
    const stored = base && (database.believes?.(base) ?? true) ? { doc: base } : {};
    return { place, change, stored, fresh: false, unclear: false };
  });
  await reread(
    database,
    open.filter(({ change, stored }) => change.base !== null && !stored.doc),
  );
  return open;
}

async function reread<D extends Doc>(database: Swapping, open: readonly Pending<D>[]): Promise<void> {
  const found = await database.readStored<D>(open.map(({ change }) => change.id));
  for (const pending of open) {
    pending.stored = found.get(pending.change.id) ?? {};
    pending.fresh = true;
  }
}

type Step<D extends Doc> = Outcome<D> | 'read' | { readonly doc: Draft<D>['doc'] };

async function decided<D extends Doc>(database: Swapping, pending: Pending<D>, op: string): Promise<Step<D>> {
  const { change, stored } = pending;
  const { doc } = stored;
  const id = change.id;
  if (doc && hasOp(doc, op)) return { id, result: 'already', doc };
  if (doc?._conflicts?.length) {
    return { id, result: 'frozen', doc, why: `replication conflict with ${doc._conflicts.join(', ')}` };
  }
  if (pending.unclear && !doc && stored.tombstone && (await database.removedBy(id, stored.tombstone, op))) {
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

function lost<D extends Doc>(id: string, tries: number): Outcome<D> {
  return { id, result: 'lost', why: `others changed it at each of ${tries} tries` };
}
