// A store that hands out only documents that can be read. The others are told once each and passed over: they are never
// overwritten, and what does not need them goes on. An unreadable hold stops what asks for holds: it may forbid it.
// Documents of an older form come in the form of today, and are stored so when a step next changes them.
import type { Doc } from '../domain/doc.ts';
import { current, FORMS, type Forms } from '../domain/migrations/migrations.ts';
import { unsound } from '../domain/schemas.ts';
import { unreadNext } from '../flow/jobs/unread.ts';
import {
  type Change,
  type Decision,
  type IdRange,
  type IdSpan,
  type Outcome,
  rangeAfter,
  type Store,
} from '../store.ts';
import { ItemError } from '../util/errors.ts';

/** `unread` is filled with what is wrong with each unreadable document that was met, by id. */
export function soundStore(store: Store, unread: Map<string, string>, forms: Forms = FORMS): Store {
  const checked = new WeakSet<Doc>();
  const wrongWith = (doc: Doc): string | undefined => {
    if (checked.has(doc)) return undefined;
    const wrong = unsound(doc, forms);
    if (wrong === undefined) checked.add(doc);
    else unread.set(doc._id, wrong);
    return wrong;
  };
  const readable = (doc: Doc): boolean => {
    const wrong = wrongWith(doc);
    if (wrong === undefined || doc.kind !== 'hold') return wrong === undefined;
    unread.delete(doc._id);
    throw new ItemError(`hold ${doc._id} cannot be read, so its scope is unknown: ${wrong}`, {
      hint: unreadNext(doc._id, wrong),
    });
  };
  const today = <D extends Doc>(docs: readonly D[]): D[] => docs.map((doc) => current(doc, forms));
  const careful =
    <D extends Doc, N>(change: Change<D, N>['change']): Change<D, N>['change'] =>
    (stored): Decision<D, N> => {
      const doc = stored && current(stored, forms);
      const wrong = doc && wrongWith(doc);
      return wrong === undefined ? change(doc) : { skip: `it cannot be read: ${wrong}` };
    };
  const without = <D extends Doc, N>(outcome: Outcome<D, N>): Outcome<D, N> => {
    if (!outcome.doc) return outcome;
    // What was made here of a document that can be read can be read.
    if (outcome.result === 'written') checked.add(outcome.doc);
    const { doc: stored, ...rest } = outcome;
    const doc = current(stored, forms);
    return wrongWith(doc) === undefined ? { ...rest, doc } : rest;
  };
  return {
    get: async <D extends Doc>(ids: readonly string[]) => {
      const found = await store.get<D>(ids);
      return new Map(
        [...found].map(([id, doc]) => [id, current(doc, forms)] as const).filter(([, doc]) => readable(doc)),
      );
    },
    range: async <D extends Doc>(range: IdRange) => {
      const docs: D[] = [];
      // Who reads in pages takes a short one for the last: what is passed over is made up for.
      for (let left = range; ; ) {
        const wanted = range.limit === undefined ? undefined : range.limit - docs.length;
        const page = await store.range<D>(wanted === undefined ? left : { ...left, limit: wanted });
        docs.push(...today(page).filter(readable));
        const last = page.at(-1)?._id;
        if (wanted === undefined || last === undefined || page.length < wanted || docs.length >= (range.limit ?? 0))
          return docs;
        left = rangeAfter(left, last);
      }
    },
    ranges: async <D extends Doc>(spans: readonly IdSpan[]) => today(await store.ranges<D>(spans)).filter(readable),
    update: async (id, change) => without(await store.update(id, careful(change))),
    bulk: async (changes) =>
      (await store.bulk(changes.map((one) => ({ ...one, change: careful(one.change) })))).map(without),
    view: (name, query) => store.view(name, query),
    count: (name, level, query) => store.count(name, level, query),
    changes: (since, limit) => store.changes(since, limit),
    now: () => store.now(),
    identity: () => store.identity(),
    setup: (experiment, force, uuid) => store.setup(experiment, force, uuid),
    info: () => store.info(),
    check: async () => (await store.check?.()) ?? [],
    remembered: async () => (await store.remembered?.()) ?? [],
    close: () => store.close(),
  };
}
