// Quarantined files that go to the trash. Never by a name or an old reason alone: what is empty or a duplicate is looked
// at now; everything else may be data and goes only when an operator names it. What a document names stays in any case.

import { type Asked, checkAsked, isAsked, junkVerdict } from '../../../domain/data/junkrules.ts';
import { bufferSite } from '../../../domain/data/replicas.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { idsWith } from '../../../store.ts';
import { ItemError } from '../../../util/errors.ts';
import { shown } from '../../../util/text/names.ts';
import { given } from '../../../util/values/given.ts';
import { groupBy } from '../../../util/values/group.ts';
import { ownPaths } from '../../copies/buffer/own.ts';
import { openTrash, type Trash } from '../../copies/removal/trash.ts';
import type { About, Item, ItemOf, Step } from '../../ports.ts';
import { proveDuplicate } from './duplicate.ts';
import { namedBy, type Suspect } from './named.ts';
import type { PurgeSession } from './purgesession.ts';

/** A file that lies on this buffer as it was quarantined. */
interface Junk extends Suspect {
  readonly doc: QuarantineDoc;
}

/** Moves junk to the trash of its buffer; its quarantine documents go with it. */
export async function* purgeJunk(session: PurgeSession): Step {
  const asked = askedOf(session);
  checkAsked(asked, session.options.why, session.options.dryRun);
  const due: QuarantineDoc[] = [];
  const data: QuarantineDoc[] = [];
  for (const level of session.levels) {
    for (const doc of await session.ports.store.range<QuarantineDoc>(idsWith(`quarantine:${level}:`))) {
      if (doc.run !== undefined && session.options.runs?.(doc.run) === false) continue;
      const verdict = junkVerdict(doc, asked);
      if (verdict === 'data') data.push(doc);
      else if (verdict !== 'not asked') due.push(doc);
    }
  }
  yield* unknownWords(asked, due);
  const trash = openTrash(session.ports, session.rules.now, session.nonce);
  try {
    yield* purgeAll(session, trash, due);
  } finally {
    await trash.close();
  }
  yield* mayBeData(session, data);
}

function* unknownWords({ words }: Asked, due: readonly QuarantineDoc[]): Iterable<Item> {
  for (const word of words.filter((one) => !due.some(({ _id, name }) => _id === one || name === one))) {
    const text = `'${shown(word)}' is not in the quarantine of a buffer`;
    yield { kind: 'quarantine', ref: word, did: 'unknown', failed: true, text, next: 'dflow list quarantine' };
  }
}

/** What stays since nobody has named it: one line for each reason. */
function* mayBeData({ options }: PurgeSession, docs: readonly QuarantineDoc[]): Iterable<Item> {
  for (const [reason, mine] of groupBy(docs, (doc) => doc.reason)) {
    const text = `${mine.length} ${mine.length === 1 ? 'file' : 'files'} with reason '${reason}' may be data and must be named`;
    const next = `dflow purge --junk --reason ${reason} --why TEXT`;
    yield {
      kind: 'quarantine',
      ref: reason,
      did: 'skipped',
      files: mine.length,
      text,
      next,
      ...(options.dryRun ? { dryRun: true } : {}),
    };
  }
}

async function* purgeAll(session: PurgeSession, trash: Trash, docs: readonly QuarantineDoc[]): Step {
  const there: Junk[] = [];
  for (const doc of docs) {
    const found = await find(session, doc);
    if ('kind' in found) yield found;
    else if (found.size !== undefined) there.push({ doc, level: doc.level, path: doc.name, size: found.size });
  }
  const named = await namedBy(session.ports, there);
  const own = new Map<string, (path: string) => boolean>();
  for (const [level, mine] of groupBy(there, (one) => one.level)) {
    const buffer = await session.sites.open(bufferSite(level));
    own.set(
      level,
      await ownPaths(
        session.ports,
        buffer,
        mine.map(({ path }) => path),
      ),
    );
  }
  for (const junk of there) {
    if (session.left <= 0) return;
    const why = own.get(junk.level)?.(junk.path) ? "it is one of dflow's own files" : named.get(junk);
    if (why !== undefined) yield kept(junk.doc, why, `dflow why buffer`);
    else yield await moveOne(session, trash, junk.doc);
  }
}

/** Its size; none where it is not here to be looked at; an item where it is not what was quarantined. */
async function find(session: PurgeSession, doc: QuarantineDoc): Promise<Item | { readonly size?: number }> {
  const buffer = await session.sites.open(bufferSite(doc.level));
  try {
    const found = (await buffer.stat([doc.name])).get(doc.name);
    // On another host's buffer, or a name whose bytes are not text: not to be found from here.
    if (!found) return isAsked(askedOf(session)) ? kept(doc, 'it is not on this buffer', 'dflow register') : {};
    if (found.size === doc.size && found.modified === doc.modified) return { size: found.size };
    return kept(doc, 'it has changed since it was quarantined', 'dflow register');
  } catch (error) {
    if (error instanceof ItemError) return kept(doc, error.message, error.hint ?? 'dflow register');
    throw error;
  }
}

const askedOf = ({ options }: PurgeSession): Asked => ({ words: options.words ?? [], reasons: options.reasons ?? [] });

async function moveOne(session: PurgeSession, trash: Trash, doc: QuarantineDoc): Promise<Item> {
  const { ports, options } = session;
  const proof = await prove(session, doc);
  if ('why' in proof) return kept(doc, proof.why, proof.next);
  session.left--;
  const { level, name, run, reason, size, modified } = doc;
  const bytes = given({ bytes: size });
  const item: ItemOf<'quarantine'> = { ...itemOf(doc), did: 'trashed', ...bytes, text: `${name}: ${proof.equal}` };
  if (options.dryRun) return { ...item, dryRun: true };
  if (size === undefined || modified === undefined) return kept(doc, 'it was never looked at', 'dflow register');
  const more = given({ run, why: options.why });
  try {
    const detail = `${doc.detail}; ${proof.equal}`;
    const moved = await trash.put({ level, name, reason, detail, size, modified, ...more }, proof.again);
    await ports.store.update<QuarantineDoc>(doc._id, (now) => (now ? { remove: true } : { skip: 'gone' }));
    return {
      ...item,
      receipt: moved.receipt,
      trash: moved._id,
      next: `to undo: dflow quarantine --restore ${moved._id}`,
    };
  } catch (error) {
    if (error instanceof ItemError) return kept(doc, error.message, error.hint ?? 'dflow register');
    throw error;
  }
}

type Proved = Awaited<ReturnType<typeof proveDuplicate>> | { readonly equal: string; readonly again?: undefined };

async function prove(session: PurgeSession, doc: QuarantineDoc): Promise<Proved> {
  if (doc.reason === 'duplicate') return proveDuplicate(session, doc);
  if (doc.reason !== 'empty') return { equal: `${doc.reason}, named by ${session.ports.by}` };
  return doc.size === 0 ? { equal: 'it has no bytes' } : { why: 'it is not empty', next: 'dflow register' };
}

function itemOf(doc: QuarantineDoc): About<'quarantine'> {
  return { kind: 'quarantine', ref: doc._id, level: doc.level, name: doc.name, reason: doc.reason };
}

function kept(doc: QuarantineDoc, why: string, next: string): Item {
  return { ...itemOf(doc), did: 'kept', failed: true, text: `${doc.name}: ${why}`, next };
}
