// What an earlier purge of this host left when it was killed: originals that it had claimed. Its lock is free, so it is
// gone for certain: a file that is still there goes back to present, one that its receipt names is purged.
import type { DataDoc, Original, RawFile } from '../../../domain/data/data.ts';
import { gonePath } from '../../../domain/data/gone.ts';
import { bufferSite } from '../../../domain/data/replicas.ts';
import { appendHistory } from '../../../domain/doc.ts';
import { refOf } from '../../../domain/ids.ts';
import { tookEffect } from '../../../store.ts';
import { views } from '../../../views/index.ts';
import { type PutBack, putBack } from '../../copies/removal/removal.ts';
import type { About, Item, Step } from '../../ports.ts';
import type { PurgeSession } from './purgesession.ts';

type Purging = Extract<Original, { state: 'purging' }>;

/** Settles every claim of an earlier purge of this host. Items: `restored` or `purged`. */
export async function* recover(session: PurgeSession): Step {
  const { ports } = session;
  for (const level of session.levels) {
    const rows = await ports.store.view(views.buffer, { prefix: ['on', level, 'purging'] });
    const docs = await ports.store.get<DataDoc>(rows.map(({ id }) => id));
    for (const doc of docs.values()) yield* recoverDoc(session, doc);
  }
}

async function* recoverDoc(session: PurgeSession, doc: DataDoc): Step {
  const { ports } = session;
  const left = doc.files.flatMap((file) =>
    isLeft(session, doc.level, file.original) ? [{ file, claim: file.original }] : [],
  );
  if (left.length === 0) return;
  const buffer = await session.sites.open(bufferSite(doc.level));
  const now = await ports.store.now();
  const settled = new Map<string, Original>();
  for (const { file, claim } of left) {
    await putBack(ports.files, buffer, `${file.path}_closed`, claim.nonce);
    const found = await putBack(ports.files, buffer, file.path, claim.nonce);
    settled.set(file.name, await settle(session, doc, file, claim, found, now));
  }
  const outcome = await ports.store.update<DataDoc, Map<string, Original>>(doc._id, (current) => {
    const note = new Map(
      current?.files.flatMap(({ name, original }) => {
        const next = isLeft(session, doc.level, original) ? settled.get(name) : undefined;
        return next ? [[name, next] as const] : [];
      }),
    );
    if (!current || note.size === 0) return { skip: 'settled by another' };
    const files = current.files.map((file) => ({ ...file, original: note.get(file.name) ?? file.original }));
    const entry = { at: now, by: ports.by, to: 'purge settled', why: `${note.size} claims of a purge that was killed` };
    return { write: { ...current, files, history: appendHistory(current.history, entry) }, note };
  });
  if (!tookEffect(outcome)) return;
  for (const [name, original] of outcome.note ?? []) yield itemOf(doc, name, original);
}

/** A claim of a purge that has ended: it held the lock of this configuration, or of this buffer, which is ours now. */
function isLeft({ nonce, ports, alone }: PurgeSession, level: string, original: Original): original is Purging {
  if (original.state !== 'purging' || original.host !== ports.host || original.nonce === nonce) return false;
  return alone.has(level) || original.lock === ports.settings.folder;
}

async function settle(
  { ports }: PurgeSession,
  doc: DataDoc,
  file: RawFile,
  { receipt, nonce, lock }: Purging,
  found: PutBack,
  since: string,
): Promise<Original> {
  if (found === 'back' || found === 'there') return { state: 'present' };
  if (found === 'taken') {
    const why = `another file has its name; the registered one lies beside it as ${gonePath(file.path, nonce)}`;
    return { state: 'changed', since, why };
  }
  const lines = receipt === undefined ? [] : await ports.receipts.read(lock ?? ports.settings.folder, receipt);
  const named = lines.some((line) => line.id === doc._id && line.name === file.name);
  if (named && receipt !== undefined) return { state: 'purged', since, receipt };
  return { state: 'changed', since, why: 'vanished from the buffer; no receipt of a purge names it' };
}

function itemOf(doc: DataDoc, name: string, original: Original): Item {
  const item: About<'original'> = { kind: 'original', ref: refOf(doc.run), run: doc.run, level: doc.level, file: name };
  const text = `${name}: left by a purge that was killed`;
  if (original.state === 'present') return { ...item, did: 'restored', text };
  if (original.state === 'purged') return { ...item, did: 'purged', text, receipt: original.receipt };
  return { ...item, did: 'changed', failed: true, text: `${name}: vanished`, next: `dflow show ${doc._id}` };
}
