// Replication conflicts, settled by a person: dflow never chooses a revision, since it would be a guess.
import type { Revision, Store, StoreConflicts } from '../../../store.ts';
import { ItemError, UsageError } from '../../../util/errors.ts';
import { batches } from '../../../util/values/group.ts';
import { views } from '../../../views/index.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { plain } from '../archive/archive.ts';

/** Documents looked at together. */
const PAGE = 500;

/** Every document in conflict, with its revisions. */
export async function* conflicts(store: Store): Step {
  const rows = await store.view(views.standing, { prefix: ['conflict'] });
  const ids = [...new Set(rows.map(({ id }) => id))];
  for (const some of batches(ids, PAGE)) {
    const docs = await store.get(some);
    for (const { _id: ref, _conflicts: lost = [] } of docs.values()) {
      if (lost.length === 0) continue;
      const text = `in conflict with ${lost.join(', ')}: nothing changes it`;
      const next = `dflow store conflicts show ${ref}`;
      yield { kind: 'document', ref, did: 'frozen', count: 1 + lost.length, text, next };
    }
  }
}

/** The revisions of a document, the one that everybody sees first. @throws ItemError when there is no such document */
export async function revisions(store: Store, id: string): Promise<Revision[]> {
  const docs = await conflictsOf(store).revisions(id);
  if (docs.length > 0) return docs;
  throw new ItemError(`'${id}' is not in the store`, { hint: 'dflow store conflicts list' });
}

export interface KeepOptions extends StepOptions {
  readonly id: string;
  readonly rev: string;
  readonly why: string;
}

/** Makes one revision what the document is; the others stay in a receipt. `store` hands out every document. */
export async function* keepRevision(ports: Ports, store: Store, { id, rev, why, dryRun }: KeepOptions): Step {
  await conflictsOf(store).assertMayKeep();
  const docs = await revisions(store, id);
  const revs = docs.map((one) => one.rev);
  if (!revs.includes(rev)) {
    throw new UsageError(`'${rev}' is not a revision of '${id}': ${revs.join(', ')}`, {
      hint: `dflow store conflicts show ${id}`,
    });
  }
  const item: Item = { kind: 'document', ref: id, did: 'settled', ...(dryRun ? { dryRun: true } : {}) };
  if (docs.length === 1) {
    yield { ...item, did: 'kept', text: 'it is not in conflict' };
    return;
  }
  const others = docs.filter((one) => one.rev !== rev);
  const text = `${rev} is the document; removed: ${others.map((one) => one.rev).join(', ')}`;
  if (dryRun) {
    yield { ...item, text };
    return;
  }
  const at = await store.now();
  const receipt = ports.receipts.make(ports.settings.folder, 'conflict', at, ports.nonce());
  try {
    const { by } = ports;
    await receipt.write(others.map((one) => ({ at, by, why, kept: rev, rev: one.rev, document: plain(one.doc) })));
    if (await conflictsOf(store).keep(id, rev)) yield { ...item, receipt: receipt.name, text };
    else {
      const next = `dflow store conflicts show ${id}`;
      yield { ...item, did: 'kept', failed: true, text: 'it was changed meanwhile; nothing was removed', next };
    }
  } finally {
    await receipt.close();
  }
}

function conflictsOf(store: Store): StoreConflicts {
  if (store.keeping?.conflicts) return store.keeping.conflicts;
  throw new UsageError('only a CouchDB store has conflicts: this one is not replicated', { hint: 'dflow store info' });
}
