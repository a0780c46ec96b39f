// catalogue sync: tells the catalogue of the collaboration what the documents say and it was not told yet. It is away for
// as long as it likes: what is to be said is in the documents.

import { afterTry, type CatalogueDoc, catalogueId } from '../../../domain/catalogue/health.ts';
import type { Holder } from '../../../domain/catalogue/parts.ts';
import { CredentialsError, type DflowError, UnreachableError } from '../../../util/errors.ts';
import { isRecent, MINUTE } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { withDryRun } from '../../dry.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { closeDatasets, pinDatasets } from './datasets.ts';
import { type Entry, entriesOf } from './entries.ts';
import { type CatalogueSession, dueIds, holders, openSession } from './session.ts';
import { tell } from './tell.ts';

export interface SyncOptions extends StepOptions {
  readonly runs?: (run: number) => boolean;
  /** Other work waits for this call: a catalogue that was away a moment ago is left alone for a while. */
  readonly among?: boolean;
}

/** How long a chain leaves a catalogue alone that did not answer: one that is silent takes its whole time every round. */
const REST = 5 * MINUTE;

/** Copies told in one batch: what a request takes. */
const COPIES_AT_ONCE = 500;
/** Documents read at once. */
const DOCUMENTS = 100;

/**
 * Tells what is due. Items: `{kind: 'catalogue', did: 'registered'|'withdrawn'|'closed'|'pinned'|'refused'|'unreachable'}`.
 * @throws ConfigError, StoreError, CredentialsError
 */
export function catalogueSync(ports: Ports, options: SyncOptions = {}): Step {
  return withDryRun(ports, options, (on) => sync(on, options));
}

async function* sync(ports: Ports, options: SyncOptions): Step {
  const session = await openSession(ports, options.runs);
  const { kind } = session.settings;
  if (options.among && (await restsNow(ports, kind))) return;
  let asked = false;
  try {
    for await (const item of told(session, options.limit)) {
      asked = true;
      yield item;
    }
  } catch (error) {
    if (!(error instanceof UnreachableError) && !(error instanceof CredentialsError)) throw error;
    const doc = await note(ports, kind, error.message);
    if (error instanceof CredentialsError) throw error;
    yield away(session, error, doc);
    return;
  }
  await note(ports, kind, undefined, asked);
}

async function restsNow({ store }: Ports, name: string): Promise<boolean> {
  const doc = (await store.get<CatalogueDoc>([catalogueId(name)])).get(catalogueId(name));
  return doc?.away !== undefined && isRecent(doc.at, await store.now(), REST);
}

async function* told(session: CatalogueSession, limit = Number.POSITIVE_INFINITY): Step {
  // What this call has told is closed and pinned by it, too.
  const touched = new Set<string>();
  let left = limit;
  for await (const batch of dueBatches(session, touched)) {
    const some = batch.slice(0, left);
    left -= some.length;
    yield* tell(session, some);
    if (left <= 0) break;
  }
  yield* each(session, candidates(session, [''], 'open', touched), closeDatasets, touched);
  yield* each(session, candidates(session, Object.keys(session.settings.places), 'pin', touched), pinDatasets);
}

/** Copies that are due, of whole documents, until there are enough for a request. */
async function* dueBatches(session: CatalogueSession, touched: Set<string>): AsyncGenerator<Entry[], void, void> {
  let batch: Entry[] = [];
  const ids = candidates(session, Object.keys(session.settings.places), 'copy', []);
  for await (const docs of holders(session, ids, DOCUMENTS)) {
    for (const doc of docs) {
      touched.add(doc._id);
      batch.push(...entriesOf(session, doc));
      if (batch.length < COPIES_AT_ONCE) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

async function* candidates(
  session: CatalogueSession,
  storages: readonly string[],
  what: 'copy' | 'pin' | 'open',
  also: Iterable<string>,
): AsyncGenerator<string, void, void> {
  const seen = new Set(also);
  yield* seen;
  for (const storage of storages) {
    for await (const id of dueIds(session, storage, what)) {
      if (seen.has(id)) continue;
      seen.add(id);
      yield id;
    }
  }
}

async function* each(
  session: CatalogueSession,
  ids: AsyncIterable<string>,
  work: (session: CatalogueSession, docs: readonly Holder[]) => Step,
  touched?: Set<string>,
): Step {
  for await (const docs of holders(session, ids, DOCUMENTS)) {
    for (const { _id } of docs) touched?.add(_id);
    yield* work(session, docs);
  }
}

/** Written when it changes, and once a minute. A call that had nothing to ask knows nothing of one that is away. */
async function note(ports: Ports, name: string, why?: string, asked = true): Promise<CatalogueDoc | undefined> {
  const at = await ports.store.now();
  const outcome = await ports.store.update<CatalogueDoc>(catalogueId(name), (doc) => {
    const same = doc !== undefined && (doc.away === undefined) === (why === undefined);
    if (!asked && doc?.away) return { skip: 'nothing was asked' };
    if (same && isRecent(doc.at, at, MINUTE)) return { skip: 'said a moment ago' };
    return { write: afterTry(doc, name, at, why) };
  });
  return outcome.doc;
}

function away({ settings }: CatalogueSession, error: DflowError, doc: CatalogueDoc | undefined): Item {
  const since = doc?.away?.since;
  return {
    ...{ kind: 'catalogue', ref: settings.kind, did: 'unreachable', failed: true, unreachable: true },
    text: error.message,
    ...given({ next: error.hint, since }),
  };
}
