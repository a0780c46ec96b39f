// Some documents at a time: look at what the catalogue has, decide, tell it, and write down in each document what was
// told. A call that is killed in between says the same again, and finds that it is there.
import { type DidName, didText, type NewCopy } from '../../../catalogue.ts';
import { type Act, type Decided, decide } from '../../../domain/catalogue/decide.ts';
import { REGISTERED } from '../../../domain/catalogue/gate.ts';
import { type Holder, toldCopies } from '../../../domain/catalogue/parts.ts';
import { type Told, withPinned, withRefused, withTold } from '../../../domain/catalogue/said.ts';
import type { CatalogueItem } from '../../../domain/results/items.ts';
import type { Change } from '../../../store.ts';
import { ItemError } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import { addTo, groupBy } from '../../../util/values/group.ts';
import { thereOf } from '../../copies/catalogue/names.ts';
import { wakeSleepers } from '../../jobs/wake.ts';
import type { Item, Step } from '../../ports.ts';
import { attachAll } from './datasets.ts';
import { type Entry, refOfHolder } from './entries.ts';
import type { CatalogueSession } from './session.ts';

interface Judged extends Entry, Decided {}

/** Tells of all of them. Items: one for each document and storage element, and one for each file that is refused. */
export async function* tell(session: CatalogueSession, entries: readonly Entry[]): Step {
  const judged = await judgedOr(session, entries);
  if (!Array.isArray(judged)) {
    yield judged;
    return;
  }
  if (session.ports.dry) {
    // What is decided is remembered, so that the steps after it decide on it.
    await record(session, judged);
    yield* itemsOf(judged);
    return;
  }
  const work = new Work(session);
  await work.all(judged);
  const done = judged.filter((one) => !work.failed.has(one)).map((one) => work.outcome(one));
  await record(session, done);
  yield* itemsOf(done);
  yield* work.items;
}

/** The decisions, or why the catalogue does not even let dflow look: the copies stay due. */
async function judgedOr(session: CatalogueSession, entries: readonly Entry[]): Promise<Judged[] | CatalogueItem> {
  try {
    return await judge(session, entries);
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    const text = `${entries.length} copies are not registered: ${error.message}`;
    const item = { kind: 'catalogue' as const, ref: session.settings.kind, did: 'refused' as const, failed: true };
    return { ...item, files: entries.length, text, ...given({ next: error.hint }) };
  }
}

/** What the catalogue has of them, and so what is to be done. */
async function judge({ catalogue }: CatalogueSession, entries: readonly Entry[]): Promise<Judged[]> {
  const dids = new Map(entries.map(({ did }) => [didText(did), did]));
  const places = [...new Set(entries.map(({ place }) => place))];
  const known = await catalogue.look([...dids.values()], places);
  return entries.map((entry) => ({
    ...entry,
    ...decide(entry.due, thereOf(known.get(didText(entry.did)), entry.place), entry.address),
  }));
}

/** The calls of one batch. What one place or right keeps from being said does not keep the rest from it. */
class Work {
  readonly items: Item[] = [];
  readonly failed = new Set<Judged>();
  readonly #refused = new Map<string, string>();
  readonly #session: CatalogueSession;

  constructor(session: CatalogueSession) {
    this.#session = session;
  }

  /** What became of one: the server may have refused it. */
  outcome(one: Judged): Judged {
    const why = this.#refused.get(`${one.place} ${didText(one.did)}`);
    return why === undefined ? one : { ...one, act: 'refuse', why };
  }

  async all(judged: readonly Judged[]): Promise<void> {
    const { catalogue } = this.#session;
    for (const [place, some] of by(judged, 'add')) await this.#try(place, some, () => this.#add(place, some));
    for (const [place, some] of by(judged, 'good'))
      await this.#try(place, some, () => catalogue.declareGood(place, dids(some)));
    const named = judged.filter(({ guid, act }) => guid && act !== 'refuse');
    for (const one of named)
      await this.#try(one.place, [one], () => catalogue.setGuid(one.did, one.due.file?.guid ?? ''));
    const there = judged.filter(({ act }) => act === 'add' || act === 'good' || act === 'same');
    const members = there.filter((one) => !this.failed.has(one) && this.outcome(one).act !== 'refuse');
    await this.#try('', members, () => attachAll(this.#session, members));
    for (const [place, some] of by(judged, 'bad'))
      await this.#try(place, some, () => catalogue.declareBad(place, dids(some), some[0]?.due.why ?? ''));
    for (const [place, some] of by(judged, 'gone')) await this.#try(place, some, () => this.#gone(place, some));
  }

  async #add(place: string, some: readonly Judged[]): Promise<void> {
    const copies = some.flatMap(({ did, due: { file }, address }): NewCopy[] => {
      if (!file) return [];
      const { size, adler32, guid } = file;
      return [{ ...did, size, adler32, guid, address }];
    });
    for (const [did, why] of await this.#session.catalogue.addCopies(place, copies))
      this.#refused.set(`${place} ${did}`, why);
  }

  /**
   * Copies that dflow has deleted. A pin is of a whole dataset: it ends with the last of its copies there, for what it no
   * longer pins may be deleted by the catalogue. Before that, single ones are declared bad.
   */
  async #gone(place: string, some: readonly Judged[]): Promise<void> {
    const { catalogue } = this.#session;
    const sets = groupBy(some, ({ doc, due: { part } }) => `${doc._id} ${part}`);
    const free: Judged[] = [];
    for (const set of sets.values()) {
      const [
        {
          doc,
          due: { part, storage },
          dataset,
        },
      ] = set as [Judged, ...Judged[]];
      if (!doc.catalogue?.pinned?.[part]?.includes(storage)) free.push(...set);
      else if (isWholly(doc, part, storage, set)) await catalogue.unpin(dataset, place);
      else await catalogue.declareBad(place, dids(set), 'deleted by dflow');
    }
    await catalogue.dropCopies(place, dids(free));
  }

  /** A refusal of the whole call is one item; the copies stay due. */
  async #try(place: string, some: readonly Judged[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ItemError)) throw error;
      for (const one of some) this.failed.add(one);
      const [first] = some;
      const about = first
        ? { run: first.doc.run, ...given({ storage: place === '' ? undefined : first.due.storage }) }
        : {};
      const text = `${some.length === 1 ? '1 copy is' : `${some.length} copies are`} not registered: ${error.message}`;
      const item: Item = {
        kind: 'catalogue',
        ref: place || 'datasets',
        did: 'refused',
        failed: true,
        ...about,
        files: some.length,
        text,
      };
      this.items.push({ ...item, ...given({ next: error.hint }) });
    }
  }
}

/** True when a storage element has none of a part once these are gone. */
function isWholly(doc: Holder, part: string, storage: string, gone: readonly Judged[]): boolean {
  const told = toldCopies(doc.catalogue).filter((one) => one.part === part && one.storage === storage);
  return told.every(({ name }) => gone.some(({ due }) => due.name === name));
}

const dids = (some: readonly Entry[]): DidName[] => some.map(({ did }) => did);
const by = (judged: readonly Judged[], act: Act): Map<string, Judged[]> =>
  groupBy(
    judged.filter((one) => one.act === act),
    ({ place }) => place,
  );

/** Writes into each document what was told, whatever has become of the document meanwhile. */
async function record({ ports, settings }: CatalogueSession, done: readonly Judged[]): Promise<void> {
  const now = await ports.store.now();
  const docs = groupBy(done, ({ doc }) => doc._id);
  const changes = [...docs].map(
    ([id, some]): Change<Holder> => ({
      id,
      change: (doc) => (doc ? noted(doc, some, now) : { skip: 'it was removed' }),
    }),
  );
  await ports.store.bulk<Holder>(changes);
  if (settings.gate)
    await wakeSleepers(
      ports,
      [...docs.keys()].map((id) => `${REGISTERED}${id}`),
    );
}

function noted(doc: Holder, some: readonly Judged[], now: string): { readonly write: Holder } {
  const taken = some.filter(({ act }) => act !== 'refuse');
  const told = taken.map(({ act, due: { storage, part, name, path } }): Told => {
    const away = act === 'bad' || act === 'gone' || act === 'forget';
    return { storage, part, name, ...(away ? {} : { path }) };
  });
  const refused = new Map(
    some.flatMap(({ act, why, due }) => (act === 'refuse' ? [[due.name, why ?? ''] as const] : [])),
  );
  const names = taken.map(({ due }) => due.name).filter((name) => !refused.has(name));
  let said = withRefused(withTold(doc.catalogue ?? {}, told), names, refused, now);
  // Nothing is left there to be pinned.
  for (const [part, storages] of Object.entries(said.pinned ?? {}))
    for (const storage of storages) if (!said.copies?.[storage]?.[part]) said = withPinned(said, part, storage, false);
  return { write: { ...doc, catalogue: said } };
}

function itemsOf(done: readonly Judged[]): Item[] {
  const items: Item[] = [];
  const groups = new Map<string, Judged[]>();
  for (const one of done) {
    if (one.act === 'refuse') items.push(refusal(one));
    else if (one.act !== 'forget') addTo(groups, `${one.doc._id} ${one.due.storage} ${didOf(one.act)}`, one);
  }
  return [...[...groups.values()].map(summary), ...items];
}

const didOf = (act: Act): 'registered' | 'withdrawn' => (act === 'bad' || act === 'gone' ? 'withdrawn' : 'registered');

function summary(some: readonly Judged[]): Item {
  const [{ doc, due, dataset, act, place }] = some as [Judged, ...Judged[]];
  const files = some.length === 1 ? due.name : `${some.length} files`;
  const text = didOf(act) === 'registered' ? `${files} at ${place}` : `${files} at ${place}: ${due.why}`;
  const about = { kind: 'catalogue' as const, ref: refOfHolder(doc), run: doc.run, storage: due.storage };
  return { ...about, did: didOf(act), dataset: didText(dataset), files: some.length, text };
}

function refusal({ doc, due, did, why = '' }: Judged): Item {
  const about = {
    kind: 'catalogue' as const,
    ref: refOfHolder(doc),
    run: doc.run,
    storage: due.storage,
    file: due.name,
  };
  return {
    ...about,
    did: 'refused',
    failed: true,
    text: `${didText(did)} is not registered: ${why}`,
    next: `dflow verify --catalogue --repair --run ${doc.run}`,
  };
}
