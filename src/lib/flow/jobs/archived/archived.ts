// Runs whose documents are in a file: what every step and report asks before it says that a run does not exist.
import { asA, type Doc } from '../../../domain/doc.ts';
import { refOf } from '../../../domain/ids.ts';
import { ARCHIVED, type ArchivedDoc, archivedNext, archivedText } from '../../../domain/runs/archived.ts';
import type { ReadStore } from '../../../store.ts';
import { ItemError } from '../../../util/errors.ts';
import type { Item } from '../../ports.ts';
import { docsByRun } from './byrun.ts';

/** Those of `runs` that are archived, or on their way. */
export async function archivedOf(store: ReadStore, runs: Iterable<number>): Promise<Map<number, ArchivedDoc>> {
  return archivedAmong((await docsByRun(store, ARCHIVED, runs)).values());
}

export function archivedAmong(docs: Iterable<Doc>): Map<number, ArchivedDoc> {
  const found = [...docs].flatMap((doc) => asA<ArchivedDoc>(doc, 'archived') ?? []);
  return new Map(found.map((doc) => [doc.run, doc]));
}

/** Why nothing is done with a run or a pass. */
export function archivedWords(doc: ArchivedDoc): { readonly text: string; readonly next: string } {
  return { text: archivedText(doc), next: archivedNext(doc) };
}

/** Listed runs of which the store has no document, as failed items. */
export async function missingRuns(store: ReadStore, runs: readonly number[]): Promise<Item[]> {
  const archived = await archivedOf(store, runs);
  return runs.map((run): Item => {
    const doc = archived.get(run);
    const words = doc ? archivedWords(doc) : { text: 'no such run', next: 'dflow list runs' };
    return { kind: 'run', ref: refOf(run), did: 'unknown', failed: true, run, ...words };
  });
}

/** @throws ItemError when the run is archived */
export async function refuseArchived(store: ReadStore, run: number): Promise<void> {
  const doc = (await archivedOf(store, [run])).get(run);
  if (doc) throw new ItemError(`run ${run} is ${archivedText(doc)}`, { hint: archivedNext(doc) });
}
