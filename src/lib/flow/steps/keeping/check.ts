// store check: every document is read and judged: whether it can be read, what it names, whether any step makes such a
// state, and whether the views have what the documents emit. Nothing is changed but what `mend` asks for.
import { asA, type Doc } from '../../../domain/doc.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { current } from '../../../domain/migrations/migrations.ts';
import { unsound } from '../../../domain/schemas.ts';
import { archivedIdOf, type Link, linksOf } from '../../../domain/soundness/links.ts';
import { mended, type Oddity, odditiesOf } from '../../../domain/soundness/oddities.ts';
import { type Decision, idsWith, pages, type ReadStore, type Store, tookEffect } from '../../../store.ts';
import { counted } from '../../../util/text/counted.ts';
import { given } from '../../../util/values/given.ts';
import { batches, groupBy } from '../../../util/values/group.ts';
import { unreadNext } from '../../jobs/unread.ts';
import type { Item, Step, StepOptions } from '../../ports.ts';
import { archivedFindings, type IsThere } from './archivedcheck.ts';
import { conflicts } from './conflicts.ts';
import { addPage, beginReading, viewFindings } from './viewtotals.ts';

/** Documents read together, and documents in doubt that are looked at again together. */
const PAGE = 1000;
const DOUBTS = 500;

export interface CheckOptions extends StepOptions {
  /** Gives passes the state that their subjobs make. */
  readonly mend?: boolean;
  /** Whether a file exists on this host, and the name of the host. */
  readonly isThere?: IsThere;
}

/** `store` hands out every document. An item for each finding, and a last one that sums up. */
export async function* checkStore(store: Store, { mend, dryRun, isThere }: CheckOptions = {}): Step {
  const seen = { documents: 0, findings: 0 };
  for await (const item of findings(store, seen, {
    ...(mend && { mend }),
    ...(dryRun && { dryRun }),
    ...given({ isThere }),
  })) {
    if (item.failed) seen.findings++;
    yield item;
  }
  const { where } = await store.identity();
  const { documents } = seen;
  const text = `${counted(documents, 'document')}, ${counted(seen.findings, 'finding')}`;
  yield { kind: 'store', ref: where, did: 'checked', documents, text };
}

async function* findings(store: Store, seen: { documents: number }, options: CheckOptions): Step {
  const now = await store.now();
  const reading = await beginReading(store);
  let doubts: string[] = [];
  for await (const page of pages<Doc>(store, idsWith(''), PAGE)) {
    seen.documents += page.length;
    addPage(reading, page);
    const sound: Doc[] = [];
    for (const doc of page.map((one) => current(one))) {
      const wrong = unsound(doc);
      if (wrong !== undefined) yield unreadable(doc._id, wrong);
      else {
        sound.push(doc);
        yield* oddIn(store, doc, now, options);
      }
    }
    yield* archivedFindings(store, sound, options.isThere);
    doubts.push(...(await missingIn(store, sound)).keys());
    if (doubts.length < DOUBTS) continue;
    yield* dangling(store, doubts);
    doubts = [];
  }
  yield* dangling(store, doubts);
  for await (const item of conflicts(store)) yield { ...item, failed: true };
  yield* await viewFindings(store, reading);
}

function unreadable(ref: string, text: string): Item {
  return { kind: 'document', ref, did: 'unreadable', failed: true, text, next: unreadNext(ref, text) };
}

async function* oddIn(store: Store, doc: Doc, now: string, options: CheckOptions): Step {
  for (const oddity of odditiesOf(doc, now)) {
    const { did, text, next } = oddity;
    if (options.mend && oddity.mends) yield await mendedItem(store, doc._id, oddity, options);
    else yield { kind: 'document', ref: doc._id, did, failed: true, text, next };
  }
}

/** The state of a pass, put right. */
async function mendedItem(store: Store, ref: string, { text, next }: Oddity, { dryRun }: CheckOptions): Promise<Item> {
  const done: Item = { kind: 'document', ref, did: 'mended', text };
  if (dryRun) return { ...done, dryRun: true };
  const at = await store.now();
  const outcome = await store.update(ref, (doc): Decision => {
    const job = asA<JobDoc>(doc, 'job');
    const write = job && mended(job, at);
    return write ? { write } : { skip: 'it was changed meanwhile' };
  });
  return tookEffect(outcome) ? done : { ...done, did: 'impossible', failed: true, text, next };
}

/** What sound documents name that does not exist, by their ids. */
async function missingIn(store: ReadStore, docs: readonly Doc[]) {
  const named = docs.flatMap((doc) => linksOf(doc).map((link) => ({ ref: doc._id, link })));
  const here = new Set(docs.map(({ _id }) => _id));
  const elsewhere = [...new Set(named.map(({ link }) => link.id).filter((id) => !here.has(id)))];
  const there = new Set<string>();
  for (const ids of batches(elsewhere, PAGE)) for (const id of (await store.get(ids)).keys()) there.add(id);
  const gone = named.filter(({ link }) => !here.has(link.id) && !there.has(link.id));
  const archived = await archivedAmongIds(store, gone);
  const missing = gone.filter(({ link }) => !archived.has(archivedIdOf(link.id) ?? ''));
  return groupBy(missing, ({ ref }) => ref);
}

/** What is named and archived is not missing. */
async function archivedAmongIds(store: ReadStore, gone: readonly { link: Link }[]): Promise<ReadonlySet<string>> {
  const ids = [...new Set(gone.flatMap(({ link }) => archivedIdOf(link.id) ?? []))];
  return ids.length === 0 ? new Set() : new Set((await store.get(ids)).keys());
}

/** Documents in doubt, read again: what was written or removed while they were read is no finding. */
async function* dangling(store: ReadStore, ids: readonly string[]): Step {
  for (const some of batches(ids, PAGE)) {
    const docs = [...(await store.get(some)).values()].map((doc) => current(doc));
    const sound = docs.filter((doc) => unsound(doc) === undefined);
    for (const [ref, missing] of await missingIn(store, sound)) {
      for (const { link } of missing) {
        const text = `${link.what} ${link.id} does not exist`;
        yield { kind: 'document', ref, did: 'dangling', failed: true, text, next: link.next };
      }
    }
  }
}
