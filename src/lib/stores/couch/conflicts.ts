// Replication conflicts of one document: its revisions, and making one of them the only one. Nothing here chooses.
import type { Doc } from '../../domain/doc.ts';
import type { Revision } from '../../store.ts';
import type { Documents } from './read.ts';

/** The revision that everybody sees, then those that lost; none where there is no such document. */
export async function revisionsOf(documents: Documents, id: string): Promise<Revision[]> {
  return (await docsOf(documents, id)).map((doc) => ({ rev: String(doc._rev), doc }));
}

async function docsOf(documents: Documents, id: string): Promise<Doc[]> {
  const winner = (await documents.stored([id])).get(id)?.doc;
  if (!winner) return [];
  const { _conflicts: lost = [], ...seen } = winner;
  const path = encodeURIComponent(id);
  const others = await Promise.all(lost.map((rev) => documents.connection.read({ path, query: { rev } })));
  return [seen, ...others.map(({ body }) => body as Doc)];
}

/** Makes `rev` what the document is and removes the others. False: it was changed meanwhile, and is as it was. */
export async function keepRevision(documents: Documents, id: string, rev: string): Promise<boolean> {
  const [winner, ...lost] = await docsOf(documents, id);
  const kept = [winner, ...lost].find((one) => one?._rev === rev);
  if (!winner || !kept) return false;
  // The winner first, and alone: whoever changes it meanwhile wins, and nothing is removed.
  if (kept !== winner) {
    const body = { ...kept, _rev: winner._rev };
    const { status } = await documents.connection.read({
      method: 'PUT',
      path: encodeURIComponent(id),
      body,
      accept: [409],
    });
    if (status === 409 && !(await isNow(documents, id, kept))) return false;
  }
  const docs = lost.map(({ _rev, kind, v }) => ({ _id: id, _rev, kind, v, _deleted: true }));
  await documents.connection.read({ method: 'POST', path: '_bulk_docs', body: { docs } });
  const [left] = (await documents.stored([id])).values();
  return !left?.doc?._conflicts?.length;
}

/** After a lost reply: what everybody sees has the content that was to be written. */
async function isNow(documents: Documents, id: string, kept: Doc): Promise<boolean> {
  const text = ({ _rev, _conflicts, ...rest }: Doc): string => JSON.stringify(rest);
  const now = (await documents.stored([id])).get(id)?.doc;
  return now !== undefined && text(now) === text(kept);
}
