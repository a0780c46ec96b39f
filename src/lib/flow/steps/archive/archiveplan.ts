// What may leave the store and what stays, by the documents as they are now.
import type { Doc } from '../../../domain/doc.ts';
import { refOf } from '../../../domain/ids.ts';
import type { ArchivedDoc } from '../../../domain/runs/archived.ts';
import { docsOf } from '../../../domain/runs/longended.ts';
import { counted } from '../../../util/text/counted.ts';
import { views } from '../../../views/index.ts';
import { archivedOf } from '../../jobs/archived/archived.ts';
import type { Item, Ports } from '../../ports.ts';
import { candidates, endRules } from './wholeruns.ts';

export interface ArchivePlan {
  readonly runs: ReadonlySet<number>;
  readonly documents: number;
  readonly items: readonly Item[];
  readonly recent: number;
}

export async function planArchive(ports: Ports, before: string): Promise<ArchivePlan> {
  const rules = await endRules(ports, before);
  const runs = new Set<number>();
  const items: Item[] = [];
  let [documents, recent] = [0, 0];
  for await (const { run, whole, kept } of candidates(ports.store, rules)) {
    const item: Item = { kind: 'run', ref: refOf(run), did: 'kept', run };
    if (kept?.gate === 'recent') recent++;
    else if (kept) items.push({ ...item, gate: kept.gate, text: kept.text, next: kept.next });
    else if (whole) {
      runs.add(run);
      const count = docsOf(whole).length;
      documents += count;
      items.push({ ...item, did: 'archived', documents: count, dryRun: true, text: counted(count, 'document') });
    }
  }
  return { runs, documents, items, recent };
}

/** The documents of these runs, run by run, of those that may still leave. */
export async function* archiveEntries(ports: Ports, before: string, runs: ReadonlySet<number>): AsyncGenerator<Doc> {
  const rules = await endRules(ports, before);
  for await (const { run, whole, kept } of candidates(ports.store, rules)) {
    if (whole && !kept && runs.has(run)) yield* docsOf(whole);
  }
}

/** Moves of runs that were begun and not ended, by the file. */
export async function unfinishedMoves(ports: Pick<Ports, 'store'>): Promise<ArchivedDoc[]> {
  const rows = await ports.store.view(views.standing, { prefix: ['archiving'] });
  const found = await archivedOf(
    ports.store,
    rows.flatMap(({ key }) => (typeof key[2] === 'number' ? key[2] : [])),
  );
  return [...found.values()].filter(({ state }) => state !== 'archived');
}
