// Emptying the trash of this host's buffers: what has waited there for `purge.trash`, or, when an operator says so, all.
// A file that a document names after all, a duplicate that is the last with its bytes, or another file than the one that
// was put there, stays.

import { bufferSite } from '../../../domain/data/replicas.ts';
import { isOverdue, TRASH, type TrashDoc } from '../../../domain/data/trash.ts';
import { shown } from '../../../util/text/names.ts';
import { between, MINUTE } from '../../../util/time.ts';
import type { Going } from '../../copies/removal/removal.ts';
import { forget, inTrash, placeOf, trashItem } from '../../copies/removal/trash.ts';
import type { Item, Step } from '../../ports.ts';
import { proveDuplicate } from './duplicate.ts';
import { namedBy, type Suspect } from './named.ts';
import type { PurgeSession } from './purgesession.ts';

/** A file of the trash, where it lies. */
interface Old extends Suspect {
  readonly doc: TrashDoc;
}

/** A document is written before its file is moved: so young, the move may be under way. */
const UNDER_WAY = 10 * MINUTE;

/** Deletes what is due. Items: `purged`, `kept`. */
export async function* emptyTrash(session: PurgeSession): Step {
  const old: Old[] = [];
  for (const doc of (await inTrash(session.ports)).filter((one) => isDue(session, one))) {
    const path = await placeOf(await session.sites.open(bufferSite(doc.level)), doc);
    if (path !== undefined) old.push({ doc, path, level: doc.level, size: doc.size });
    else if (!session.options.dryRun && between(doc.at, session.rules.now) > UNDER_WAY)
      await forget(session.ports, doc._id);
  }
  const named = await namedBy(session.ports, old);
  for (const one of old) {
    if (session.left <= 0) return;
    const why = named.get(one) ?? (await whyNeeded(session, one));
    yield why === undefined ? await deleteOne(session, one) : kept(one.doc, why);
  }
}

function isDue({ ports, options, levels, rules }: PurgeSession, doc: TrashDoc): boolean {
  if (doc.host !== ports.host || !levels.includes(doc.level)) return false;
  if (doc.run !== undefined && options.runs?.(doc.run) === false) return false;
  return options.emptyTrash === true || isOverdue(doc, ports.settings.purge.trash, rules.now);
}

/** A duplicate went to the trash since another file had its bytes: that one may have been lost or damaged since. */
async function whyNeeded(session: PurgeSession, { doc, path }: Old): Promise<string | undefined> {
  if (doc.reason !== 'duplicate') return undefined;
  const proof = await proveDuplicate(session, { ...doc, name: path });
  return 'equal' in proof ? undefined : `it may be the last with its bytes: ${proof.why}`;
}

async function deleteOne(session: PurgeSession, { doc, path }: Old): Promise<Item> {
  const { ports, options, removal, receipt, sites } = session;
  const text = `${shown(doc.name)}: was ${doc.reason}, in the trash since ${doc.at}`;
  const item: Item = { ...trashItem(doc), did: 'purged', bytes: doc.size, text };
  session.left--;
  if (options.dryRun) return { ...item, dryRun: true };
  const { _id: id, name, reason, size, modified } = doc;
  const { by, host } = ports;
  const site = bufferSite(doc.level);
  const line = { kind: 'trash', id, name, reason, size, by, host };
  const going: Going = { site, path, size, modified, stay: [], line };
  const buffer = await sites.open(site);
  const marker = `${path}_closed`;
  const markers: Going[] = (await buffer.stat([marker])).has(marker) ? [{ site, path: marker, stay: [], line }] : [];
  await removal.announce([going, ...markers]);
  const [fate] = await removal.remove([going]);
  if (fate && !fate.gone) return kept(doc, fate.why, fate.next);
  await removal.remove(markers);
  const top = buffer.localPath(path.slice(0, path.indexOf(TRASH) + TRASH.length));
  const folder = buffer.localPath(path.slice(0, path.lastIndexOf('/')));
  if (top !== undefined && folder !== undefined) await ports.files.removeEmptyFolders(top, folder);
  await forget(ports, id);
  return { ...item, receipt: receipt.name };
}

function kept(doc: TrashDoc, why: string, next = `dflow quarantine --restore ${doc._id}`): Item {
  return { ...trashItem(doc), did: 'kept', failed: true, text: `${shown(doc.name)}: ${why}`, next };
}
