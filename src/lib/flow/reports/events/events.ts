// events: the store's change feed as lines. Each carries its cursor, so whoever reads them goes on where the last one
// ended. Between two looks nothing is held open: no transaction, no request, and no more than a page in memory.
import type { Doc } from '../../../domain/doc.ts';
import { globMatch } from '../../../domain/hold.ts';
import { hasRun, type RunSet } from '../../../domain/selection.ts';
import type { ChangedId, ReadStore } from '../../../store.ts';
import { type Iso, SECOND } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { SHARES } from '../../../views/jobs.ts';
import type { ReadPorts } from '../../ports.ts';
import { type Watching, whenBack } from '../outage.ts';
import { aboutId, changedAt, type EventRow, eventOf, QUIET_KINDS, toldKey, withDocument } from './event.ts';

export interface EventsOptions {
  /** A cursor; from the oldest change without it. */
  readonly since?: string;
  /** Only what changed at this time or later. */
  readonly from?: Iso;
  /** Kinds of documents; absent: all but `QUIET_KINDS`. */
  readonly kinds?: readonly string[];
  readonly runs?: RunSet;
  readonly modules?: readonly string[];
  /** Goes on with what is yet to change. */
  readonly follow?: boolean;
  /** Follows until no job is ready, active or cooling off. */
  readonly untilIdle?: boolean;
  readonly document?: boolean;
}

/** Changes read at once. */
const PAGE = 500;
/** Ids of a page that cannot hold what is asked for: they are passed over unread. */
const LEAP = 10_000;
const PAUSE = 2 * SECOND;

/** Lines of a page, and the cursor after it, also where none of its changes is shown. */
export interface EventsPage {
  readonly rows: readonly EventRow[];
  readonly cursor: string;
}

/** Pages of events; ends at the end of the feed, or when `watching` is over. */
export async function* events(
  { store }: Pick<ReadPorts, 'store'>,
  options: EventsOptions,
  watching: Watching,
): AsyncGenerator<EventsPage, void, void> {
  const follows = options.follow || options.untilIdle;
  const ask = <T>(work: () => Promise<T>): Promise<T | undefined> => (follows ? whenBack(work, watching) : work());
  const told = new Told();
  let since = options.since;
  if (options.from !== undefined) since = await ask(() => leap(store, since, options.from ?? ''));
  while (!watching.over()) {
    const at = since;
    const page = await ask(() => readPage(store, at, options, told));
    if (!page) return;
    since = page.cursor;
    if (page.read > 0) yield page;
    if (page.read === PAGE) continue;
    if (!follows) return;
    if (page.read === 0 && options.untilIdle && (await ask(() => isIdle(store)))) return;
    await watching.sleep(PAUSE);
  }
}

/** Ids whose newest change was told, the last few thousand: a heartbeat of a job is not told as its state again. */
class Told {
  readonly #keys = new Map<string, string>();

  /** Whether it was told before; from now on it was. */
  note(doc: Doc): boolean {
    const key = toldKey(doc);
    const before = this.#keys.get(doc._id);
    this.#keys.delete(doc._id);
    this.#keys.set(doc._id, key);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > LEAP && oldest !== undefined) this.#keys.delete(oldest);
    return key !== '' && before === key;
  }
}

async function readPage(
  store: ReadStore,
  since: string | undefined,
  options: EventsOptions,
  told: Told,
): Promise<EventsPage & { readonly read: number }> {
  const { changes, last } = await store.changes(since, PAGE);
  const wanted = changes.filter(({ id }) => isWanted(id, options));
  const docs = await store.get(wanted.filter(({ deleted }) => !deleted).map(({ id }) => id));
  const rows = wanted.flatMap((change): EventRow[] => {
    const doc = docs.get(change.id);
    if (options.from !== undefined && doc && (changedAt(doc) ?? '') < options.from) return [];
    const row = eventOf(change, doc, doc ? told.note(doc) : false);
    return [options.document ? withDocument(row, doc) : row];
  });
  return { rows, cursor: last, read: changes.length };
}

function isWanted(id: string, { kinds, runs, modules }: EventsOptions): boolean {
  const { about, run, module } = aboutId(id);
  if (kinds ? !kinds.includes(about) && !kinds.includes('all') : QUIET_KINDS.has(about)) return false;
  if (runs && (run === undefined || !hasRun(runs, run))) return false;
  return !modules || (module !== undefined && modules.some((pattern) => globMatch(pattern, module)));
}

/**
 * The cursor of the first page that may hold a change at `from` or later: a page whose last documents are all older is
 * passed over unread.
 */
async function leap(store: ReadStore, since: string | undefined, from: Iso): Promise<string | undefined> {
  for (let at = since; ; ) {
    const { changes, last } = await store.changes(at, LEAP);
    if (changes.length === 0 || !(await allOlder(store, changes.slice(-ENDS), from))) return at;
    at = last;
  }
}

/** Documents looked at, at the end of a page. */
const ENDS = 100;

async function allOlder(store: ReadStore, changes: readonly ChangedId[], from: Iso): Promise<boolean> {
  const docs = [...(await store.get(changes.map(({ id }) => id))).values()];
  const times = docs.flatMap((doc) => changedAt(doc) ?? []);
  return times.length > 0 && times.every((time) => time < from);
}

/** No subjob is ready, at a batch system, or cooling off before another try. */
async function isIdle(store: ReadStore): Promise<boolean> {
  const groups = await Promise.all([
    ...SHARES.map((share) => store.count(views.ready, 2, { prefix: [share, 'run'] })),
    store.count(views.active, 1),
    store.count(views.wake, 1, { prefix: ['at'] }),
  ]);
  return groups.flat().every(({ value }) => value === 0);
}
