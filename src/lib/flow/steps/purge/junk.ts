// Quarantined files that are junk by their reason: nothing is registered under their path, nobody processes them.
// Files that may be data after all (other content, a run far ahead, quarantined by an operator) are never junk.
import type { DataDoc } from '../../../domain/data/data.ts';
import { bufferSite } from '../../../domain/data/replicas.ts';
import { dataId } from '../../../domain/ids.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { idsWith } from '../../../store.ts';
import { ItemError } from '../../../util/errors.ts';
import type { Item, Step } from '../../ports.ts';
import type { PurgeSession } from './purgesession.ts';

const JUNK: ReadonlySet<QuarantineDoc['reason']> = new Set([
  'empty',
  'duplicate',
  'unparsable-name',
  'out-of-range',
  'damaged',
]);

/** Deletes quarantined junk, receipt first; its quarantine documents go with it. */
export async function* purgeJunk(session: PurgeSession): Step {
  for (const level of session.levels) {
    const docs = await session.ports.store.range<QuarantineDoc>(idsWith(`quarantine:${level}:`));
    for (const doc of docs.filter(({ reason }) => JUNK.has(reason))) {
      if (session.left <= 0) return;
      if (doc.run !== undefined && session.options.runs?.(doc.run) === false) continue;
      const item = await purgeOne(session, doc);
      if (item) yield item;
    }
  }
}

async function purgeOne(session: PurgeSession, doc: QuarantineDoc): Promise<Item | undefined> {
  const { ports, receipt } = session;
  const item = { kind: 'quarantine', ref: doc._id, level: doc.level, name: doc.name, reason: doc.reason };
  const kept = (text: string): Item => ({ ...item, did: 'kept', failed: true, text, next: 'dflow list quarantine' });
  const buffer = await session.sites.open(bufferSite(doc.level));
  const found = (await buffer.stat([doc.name])).get(doc.name);
  // On another host's buffer, or a name whose bytes are no text: not to be found from here.
  if (!found) return undefined;
  if (found.size !== doc.size || found.modified !== doc.modified) return kept('changed since it was quarantined');
  if (await isRegistered(session, doc)) return kept('a registered file has this path');
  session.left--;
  const did = { ...item, did: 'purged', bytes: found.size, text: `${doc.name}: ${doc.reason}` };
  if (session.options.dryRun) return { ...did, dryRun: true };
  const { _id: id, name, size, reason, detail } = doc;
  await receipt.write([{ kind: 'junk', id, name, size, reason, detail, by: ports.by, host: ports.host }]);
  try {
    await buffer.remove([name]);
  } catch (error) {
    if (error instanceof ItemError) return kept(error.message);
    throw error;
  }
  await ports.store.update<QuarantineDoc>(id, (now) => (now ? { remove: true } : { skip: 'gone' }));
  return { ...did, receipt: receipt.name };
}

async function isRegistered({ ports }: PurgeSession, doc: QuarantineDoc): Promise<boolean> {
  if (doc.run === undefined) return false;
  const id = dataId(doc.level, doc.run);
  const data = (await ports.store.get<DataDoc>([id])).get(id);
  return data?.files.some(({ path }) => path === doc.name) ?? false;
}
