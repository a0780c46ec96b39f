// Writing to CouchDB: a batch of drafts, and every row of the answer looked at. An answer that was cut off or 202 says
// nothing.
import type { Doc } from '../../domain/doc.ts';
import type { Outcome } from '../../store.ts';
import { hasOp } from '../shared/changes.ts';
import { UnclearError } from '../shared/server/unclear.ts';
import type { Draft, Swapping } from '../shared/swap.ts';
import type { Documents } from './read.ts';
import type { Connection } from './server/connection.ts';
import { mayNotWrite } from './server/meaning.ts';

export function swappingOn(documents: Documents): Swapping {
  const { connection } = documents;
  return {
    patience: connection.patience,
    readStored: (ids) => documents.stored(ids),
    removedBy: (id, rev, op) => removedBy(connection, id, rev, op),
    post: (drafts, outcomes) => post(connection, drafts, outcomes),
  };
}

/** Characters of the server's words on a document: they may hold the whole text of a rule. */
const WORDS = 200;

const RULES =
  'the log of CouchDB; whether somebody edited the rules of the database, an admin of the server sees: dflow store users';

interface BulkRow {
  readonly id: string;
  readonly ok?: boolean;
  readonly rev?: string;
  readonly error?: string;
  readonly reason?: string;
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
  let odd: UnclearError | undefined;
  for (const [i, { pending, doc }] of drafts.entries()) {
    const row = rows[i];
    if (row?.id !== pending.change.id) continue;
    if (row.error === 'forbidden' || row.error === 'unauthorized') {
      throw mayNotWrite(`${row.id}: ${row.error}: ${row.reason ?? 'no reason given'}`, connection.asked);
    }
    pending.unclear = row.error !== 'conflict';
    if (row.error && pending.unclear) {
      const words = `${row.id}: ${row.error}: ${(row.reason ?? 'no reason given').slice(0, WORDS)}`;
      odd ??= new UnclearError(`the store does not take ${words}`, { where: connection.where, hint: RULES });
    }
    if (!row.rev || row.error) continue;
    const { _deleted, ...rest } = { ...doc, _rev: row.rev };
    outcomes[pending.place] = { id: row.id, result: 'written', ...(!_deleted && { doc: rest as unknown as D }) };
  }
  return odd;
}
