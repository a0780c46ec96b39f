// Replication conflicts of one document: its revisions, and making one of them the only one. Nothing here chooses.
import type { Doc } from '../../domain/doc.ts';
import type { Revision } from '../../store.ts';
import { readStored } from './read.ts';
import type { Connection } from './server/connection.ts';

/** The revision that everybody sees, then those that lost; none where there is no such document. */
export async function revisionsOf(connection: Connection, id: string): Promise<Revision[]> {
  return (await docsOf(connection, id)).map((doc) => ({ rev: String(doc._rev), doc }));
}

async function docsOf(connection: Connection, id: string): Promise<Doc[]> {
  const winner = (await readStored(connection, [id])).get(id)?.doc;
  if (!winner) return [];
  const { _conflicts: lost = [], ...seen } = winner;
  const path = encodeURIComponent(id);
  const others = await Promise.all(lost.map((rev) => connection.read({ path, query: { rev } })));
  return [seen, ...others.map(({ body }) => body as Doc)];
}

/** Makes `rev` what the document is and removes the others. False: it was changed meanwhile, and is as it was. */
export async function keepRevision(connection: Connection, id: string, rev: string): Promise<boolean> {
  const [winner, ...lost] = await docsOf(connection, id);
  const kept = [winner, ...lost].find((one) => one?._rev === rev);
  if (!winner || !kept) return false;
  // The winner first, and alone: whoever changes it meanwhile wins, and nothing is removed.
  if (kept !== winner) {
    const body = { ...kept, _rev: winner._rev };
    const { status } = await connection.read({ method: 'PUT', path: encodeURIComponent(id), body, accept: [409] });
    if (status === 409 && !(await isNow(connection, id, kept))) return false;
  }
  const docs = lost.map(({ _rev, kind, v }) => ({ _id: id, _rev, kind, v, _deleted: true }));
  await connection.read({ method: 'POST', path: '_bulk_docs', body: { docs } });
  const [left] = (await readStored(connection, [id])).values();
  return !left?.doc?._conflicts?.length;
}

/** After a lost reply: what everybody sees has the content that was to be written. */
async function isNow(connection: Connection, id: string, kept: Doc): Promise<boolean> {
  const text = ({ _rev, _conflicts, ...rest }: Doc): string => JSON.stringify(rest);
  const now = (await readStored(connection, [id])).get(id)?.doc;
  return now !== undefined && text(now) === text(kept);
}
