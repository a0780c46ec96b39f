// Whether the views of a store have what its documents emit: the total of each view, kept and counted from the rows,
// against a total made of every document. Others may write meanwhile: then all is read again.
import type { Doc } from '../../../domain/doc.ts';
import { idsWith, pages, type ReadStore, type Store } from '../../../store.ts';
import { VIEWS } from '../../../views/index.ts';
import { tally } from '../../../views/tally.ts';
import type { View } from '../../../views/view.ts';
import type { Item } from '../../ports.ts';

const PAGE = 1000;
/** How often all is read, before a store that others write all the time is left alone. */
const LAPS = 3;

/** What documents add to each view, and from which change on they were read. */
export interface Reading {
  readonly since: string;
  readonly totals: Map<View, number>;
}

/** Before the first document is read. */
export async function beginReading(store: ReadStore): Promise<Reading> {
  return { since: (await store.changes('now')).last, totals: new Map(VIEWS.map((view) => [view, 0])) };
}

export function addPage({ totals }: Reading, page: readonly Doc[]): void {
  for (const [view, total] of totals)
    totals.set(
      view,
      page.reduce((sum, doc) => sum + tally(view, doc), total),
    );
}

/** `first`: of every document. */
export async function viewFindings(store: Store, first: Reading): Promise<Item[]> {
  let reading = first;
  let wrong: Item[] = [];
  for (let lap = 1; lap <= LAPS; lap++) {
    // At once: a store on a server answers them in few requests.
    const all = [...reading.totals].map(([view, total]) => differing(store, view, total));
    wrong = (await Promise.all(all)).flat();
    if (wrong.length === 0) return [];
    if ((await store.changes(reading.since, 1)).changes.length === 0) return wrong;
    if (lap < LAPS) reading = await readAll(store);
  }
  const text = `others write all the time, so the rows of ${wrong.length} views could not be compared`;
  return [{ kind: 'views', ref: 'views', did: 'not-checked', text, next: 'stop all loops, then: dflow store check' }];
}

async function readAll(store: ReadStore): Promise<Reading> {
  const reading = await beginReading(store);
  for await (const page of pages<Doc>(store, idsWith(''), PAGE)) addPage(reading, page);
  return reading;
}

async function differing(store: Store, view: View, expected: number): Promise<Item[]> {
  // With a start, the rows are added up; without, the total is kept or comes from the index.
  const [[kept], [counted]] = await Promise.all([store.count(view, 0), store.count(view, 0, { start: null })]);
  const wrong = [kept?.value ?? 0, counted?.value ?? 0].find((total) => Math.abs(total - expected) > 1e-6 * expected);
  if (wrong === undefined) return [];
  const text = `the rows of view ${view.name} make ${wrong}, and the documents make ${expected}`;
  return [{ kind: 'views', ref: view.name, did: 'differing', failed: true, text, next: nextOf(store) }];
}

/** What makes the rows anew. */
const nextOf = ({ keeping }: Pick<Store, 'keeping'>): string =>
  keeping
    ? 'dflow store deploy'
    : 'stop all loops, then: dflow store backup new.jsonl && dflow store restore new.jsonl';
