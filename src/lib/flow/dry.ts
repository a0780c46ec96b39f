// Dry runs: a step is given ports that write nothing. Its changes decide as ever, on the store's documents and on what
// the same call has decided before; they are remembered instead of written.
import type { Doc } from '../domain/doc.ts';
import type { Ratdb } from '../runtables.ts';
import type { Change, IdRange, IdSpan, Outcome, Store } from '../store.ts';
import {
  BACKEND_EFFECTS,
  CATALOGUE_EFFECTS,
  type Item,
  type Ports,
  STORAGE_EFFECTS,
  type Step,
  type StepOptions,
} from './ports.ts';

/** Runs a step; with `dryRun` on ports that write nothing, and each item says so. */
export function withDryRun(ports: Ports, { dryRun }: StepOptions, step: (ports: Ports) => Step): Step {
  return dryRun ? foretold(step(dryPorts(ports))) : step(ports);
}

/** What is found rather than done: a dry run finds it just so. */
const FOUND: ReadonlySet<string> = new Set([
  'differs',
  'drained',
  'estimated',
  'found',
  'kept',
  'missing',
  'not-checked',
  'not-loaded',
  'not-made',
  'not-planned',
  'not-ready',
  'not-submitted',
  'occupied',
  'refused',
  'site-fault',
  'skipped',
  'unknown',
  'unlisted',
  'unreachable',
  'unreadable',
]);

/** Marks items as what would be done. */
export async function* foretold(items: AsyncIterable<Item>): Step {
  for await (const item of items)
    yield FOUND.has(item.did) || item.kind === 'credential' ? item : { ...item, dryRun: true };
}

/** The same ports without effects. A step that moves bytes or jobs asks `ports.dry` first: here it is stopped. */
export function dryPorts<P extends Ports>(ports: P): P {
  if (ports.dry) return ports;
  const { catalogue } = ports;
  return {
    ...ports,
    dry: true,
    store: dryStore(ports.store),
    storage: async (name) => without(await ports.storage(name), STORAGE_EFFECTS),
    buffer: async (level) => without(await ports.buffer(level), STORAGE_EFFECTS),
    ...(ports.ratdb && { ratdb: dryRatdb(ports.ratdb) }),
    backend: async (farm) => without(await ports.backend(farm, true), BACKEND_EFFECTS),
    ...(catalogue && { catalogue: async () => without(await catalogue(), CATALOGUE_EFFECTS) }),
  };
}

function dryRatdb(ratdb: Ratdb): Ratdb {
  return {
    where: ratdb.where,
    revisions: (...asked) => ratdb.revisions(...asked),
    lookup: (...asked) => ratdb.lookup(...asked),
    states: (...asked) => ratdb.states(...asked),
    foretell: (tables) => ratdb.foretell(tables),
    write: (tables) => ratdb.foretell(tables),
    check: (writes) => ratdb.check(writes),
    close: () => ratdb.close(),
  };
}

function without<T extends object>(whole: T, effects: readonly (keyof T)[]): T {
  return new Proxy(whole, {
    get(target, name) {
      if (effects.some((effect) => effect === name)) throw new Error(`a dry run called ${String(name)}`);
      const found: unknown = Reflect.get(target, name, target);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

/** A store whose changes decide and are remembered, and that writes nothing. Views and counts stay hints, as they are. */
export function dryStore(store: Store): Store {
  const decided = new Decided();
  const bulk = async <D extends Doc, N>(changes: readonly Change<D, N>[]): Promise<Outcome<D, N>[]> => {
    const found = decided.over(
      await store.get<D>(changes.map(({ id }) => id)),
      changes.map(({ id }) => id),
    );
    return changes.map((change) => decided.on(change, found.get(change.id)));
  };
  return {
    get: async <D extends Doc>(ids: readonly string[]) => decided.over(await store.get<D>(ids), ids),
    range: (range) => decided.range(store, range),
    ranges: (spans) => decided.ranges(store, spans),
    update: async <D extends Doc, N>(id: string, change: Change<D, N>['change']): Promise<Outcome<D, N>> => {
      const [outcome] = await bulk<D, N>([{ id, change }]);
      return outcome ?? { id, result: 'lost' };
    },
    bulk,
    view: (view, query) => store.view(view, query),
    count: (view, level, query) => store.count(view, level, query),
    changes: (since, limit) => store.changes(since, limit),
    now: () => store.now(),
    setup: () => store.info(),
    identity: () => store.identity(),
    info: () => store.info(),
    check: async () => (await store.check?.()) ?? [],
    remembered: async () => (await store.remembered?.()) ?? [],
    close: () => store.close(),
  };
}

/** Documents as they would be; `undefined` for one that would be removed. */
class Decided {
  readonly #docs = new Map<string, Doc | undefined>();

  /** What a store holds under `ids`, with what was decided since. */
  over<D extends Doc>(found: ReadonlyMap<string, D>, ids: Iterable<string>): Map<string, D> {
    const docs = new Map(found);
    for (const id of ids) {
      if (!this.#docs.has(id)) continue;
      const doc = this.#docs.get(id) as D | undefined;
      if (doc) docs.set(id, doc);
      else docs.delete(id);
    }
    return docs;
  }

  async range<D extends Doc>(store: Store, range: IdRange): Promise<D[]> {
    const own = [...this.#docs.keys()].filter((id) => id >= range.start && id <= range.end);
    // Removed ones must not make a page short: a short one is taken for the last.
    const more = range.limit === undefined ? {} : { limit: range.limit + own.length };
    const found = await store.range<D>({ ...range, ...more });
    if (own.length === 0) return found;
    const sign = range.descending ? -1 : 1;
    const docs = this.over(new Map(found.map((doc) => [doc._id, doc])), own);
    return [...docs.values()].sort((a, b) => (a._id < b._id ? -sign : sign)).slice(0, range.limit);
  }

  async ranges<D extends Doc>(store: Store, spans: readonly IdSpan[]): Promise<D[]> {
    const found = await store.ranges<D>(spans);
    if (this.#docs.size === 0) return found;
    const own = [...this.#docs.keys()].filter((id) => spans.some(({ start, end }) => id >= start && id <= end));
    const docs = this.over(new Map(found.map((doc) => [doc._id, doc])), own);
    return [...docs.values()].sort((a, b) => (a._id < b._id ? -1 : 1));
  }

  on<D extends Doc, N>({ id, change }: Change<D, N>, doc: D | undefined): Outcome<D, N> {
    const there = doc ? { doc } : {};
    if (doc?._conflicts?.length) return { id, result: 'frozen', ...there };
    const { note, ...decision } = change(doc);
    const said = note === undefined ? {} : { note };
    if ('skip' in decision) return { id, result: 'skipped', why: decision.skip, ...there, ...said };
    if ('remove' in decision && !doc) return { id, result: 'skipped', why: 'there is none', ...said };
    const after = 'write' in decision ? decision.write : undefined;
    this.#docs.set(id, after);
    return { id, result: 'written', ...(after ? { doc: after } : {}), ...said };
  }
}
