// Datasets: files are put into the one of their part; it is closed when the run or the pass is complete, and then pinned
// at each storage element that has all of it.
import { type DidName, didText, type Known } from '../../../catalogue.ts';
import { closable, filesOf, type Holder, pinnable, toldCopies } from '../../../domain/catalogue/parts.ts';
import { type Said, withClosed, withPinned } from '../../../domain/catalogue/said.ts';
import { runId } from '../../../domain/ids.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { Change } from '../../../store.ts';
import { mapLimit } from '../../../util/concurrency.ts';
import { ItemError } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import { addTo, groupBy } from '../../../util/values/group.ts';
import { datasetDid, isKnownAt, placeOf } from '../../copies/catalogue/names.ts';
import type { Item, Step } from '../../ports.ts';
import { type Entry, refOfHolder } from './entries.ts';
import type { CatalogueSession } from './session.ts';

/** Puts files that were never told before into their datasets. */
export async function attachAll(session: CatalogueSession, entries: readonly Entry[]): Promise<void> {
  const fresh = entries.filter(({ doc, due }) => !isTold(doc, due.part, due.name));
  const sets = groupBy(fresh, ({ dataset }) => didText(dataset));
  if (sets.size === 0) return;
  const { catalogue } = session;
  const first = [...sets.values()].flatMap(([entry]) => entry ?? []);
  const known = await catalogue.look(first.map(({ dataset }) => dataset));
  const wanted = new Map<string, { dataset: DidName; run: number; files: DidName[] }>();
  for (const [text, some] of sets) {
    const [{ dataset, doc, due }] = some as [Entry, ...Entry[]];
    const is = known.get(text);
    refuseTaken(is, text);
    const closed = is?.kind === 'dataset' && !is.open;
    const inside = closed ? await catalogue.contents(dataset) : new Set<string>();
    const outside = some.filter(({ did }) => !inside.has(did.name));
    if (outside.length === 0) continue;
    // Somebody has closed it: what it lacks goes where late files go.
    const into = closed ? datasetDid(session, doc, due.part, true) : dataset;
    const set = wanted.get(didText(into)) ?? { dataset: into, run: doc.run, files: [] };
    set.files.push(...outside.map(({ did }) => did));
    wanted.set(didText(into), set);
  }
  const all = [...wanted.values()];
  const missing = all.filter(({ dataset }) => !known.has(didText(dataset)));
  await catalogue.makeDatasets(missing.map(({ dataset, run }) => ({ ...dataset, run })));
  await catalogue.attach(all);
}

function isTold(doc: Holder, part: string, name: string): boolean {
  return toldCopies(doc.catalogue).some((one) => one.part === part && one.name === name);
}

function refuseTaken(known: Known | undefined, text: string): void {
  if (known && known.kind !== 'dataset')
    throw new ItemError(
      `the name ${text} of a dataset is that of a ${known.kind === 'file' ? 'file' : known.word} there`,
      {
        hint: 'ask an administrator of Rucio what it is; or use another catalogue.scope in dflow.yaml',
      },
    );
}

/** Closes at once: each is a request of its own. */
const CLOSED_AT_ONCE = 8;

/** Closes the datasets of documents that are complete and told, and notes all of them in one write. */
export async function* closeDatasets(session: CatalogueSession, docs: readonly Holder[]): Step {
  const { ports, catalogue } = session;
  const runs = await ports.store.get<RunDoc>([...new Set(docs.map(({ run }) => runId(run)))]);
  const complete = docs.filter((doc) => doc.kind === 'job' || runs.get(runId(doc.run))?.levels[doc.level]?.complete);
  const sets = complete.flatMap((doc) =>
    closable(doc, filesOf(doc)).map((part) => ({ doc, part, dataset: datasetDid(session, doc, part) })),
  );
  const closed: typeof sets = [];
  const refused: Item[] = [];
  await mapLimit(sets, CLOSED_AT_ONCE, async (set) => {
    try {
      if (!ports.dry) await catalogue.close(set.dataset);
      closed.push(set);
    } catch (error) {
      refused.push(...refusedItem(error, set.doc, set.dataset));
    }
  });
  const at = await ports.store.now();
  await ports.store.bulk<Holder>(saidChanges(closed, (said, { part }) => withClosed(said, part, at)));
  yield* closed.map(({ doc, dataset }): Item => {
    const name = didText(dataset);
    const about = { kind: 'catalogue', ref: refOfHolder(doc), run: doc.run, dataset: name } as const;
    return { ...about, did: 'closed', text: `${name} is complete` };
  });
  yield* refused;
}

/** Pins closed datasets where all their copies are; one call for each place. */
export async function* pinDatasets(session: CatalogueSession, docs: readonly Holder[]): Step {
  const { ports, catalogue } = session;
  const known = isKnownAt(session);
  const wanted = new Map<string, { doc: Holder; part: string; dataset: DidName }[]>();
  for (const doc of docs)
    for (const { part, storage } of pinnable(doc, filesOf(doc)))
      if (known(storage)) addTo(wanted, storage, { doc, part, dataset: datasetDid(session, doc, part) });
  for (const [storage, sets] of wanted) {
    const place = placeOf(session, storage);
    const datasets = sets.map(({ dataset }) => dataset);
    const [first] = sets;
    if (!first) continue;
    const items: Item[] = sets.map(({ doc, dataset }) => ({
      ...{ kind: 'catalogue' as const, ref: refOfHolder(doc), run: doc.run, storage, dataset: didText(dataset) },
      ...{ did: 'pinned' as const, text: `${didText(dataset)} at ${place}` },
    }));
    try {
      if (!ports.dry) await catalogue.pin(datasets, place);
    } catch (error) {
      yield* refusedItem(error, first.doc, first.dataset);
      continue;
    }
    await ports.store.bulk<Holder>(saidChanges(sets, (said, { part }) => withPinned(said, part, storage, true)));
    yield* items;
  }
}

/** What was told of each set, written into its document. */
function saidChanges<S extends { readonly doc: Holder }>(
  sets: readonly S[],
  told: (said: Said, set: S) => Said,
): Change<Holder>[] {
  return [...groupBy(sets, ({ doc }) => doc._id)].map(([id, some]) => ({
    id,
    change: (now) => {
      if (!now) return { skip: 'it was removed' };
      return { write: { ...now, catalogue: some.reduce(told, now.catalogue ?? {}) } };
    },
  }));
}

/** A refusal is said and tried again in the next call; anything else ends this one. */
function* refusedItem(error: unknown, doc: Holder, dataset: DidName): Generator<Item, void, void> {
  if (!(error instanceof ItemError)) throw error;
  const about = { kind: 'catalogue' as const, ref: refOfHolder(doc), run: doc.run, dataset: didText(dataset) };
  yield { ...about, did: 'refused', failed: true, text: error.message, ...given({ next: error.hint }) };
}
