// What a call about the catalogue of the collaboration works with: the catalogue, its names, and the documents that are
// due.
import type { Catalogue } from '../../../catalogue.ts';
import type { Holder } from '../../../domain/catalogue/parts.ts';
import type { CatalogueSettings } from '../../../domain/settings.ts';
import type { QueryOf, RowOf } from '../../../store.ts';
import { views } from '../../../views/index.ts';
import { requireCatalogue } from '../../copies/catalogue/names.ts';
import type { Ports } from '../../ports.ts';

export interface CatalogueSession {
  readonly ports: Ports;
  readonly catalogue: Catalogue;
  readonly settings: CatalogueSettings;
  /** Runs of the call; every run without it. */
  readonly runs?: (run: number) => boolean;
}

/** @throws ConfigError none is configured */
export async function openSession(ports: Ports, runs?: (run: number) => boolean): Promise<CatalogueSession> {
  const { settings, open } = requireCatalogue(ports);
  return { ports, settings, catalogue: await open(), ...(runs && { runs }) };
}

/** Where a range of the view begins. */
type Start = NonNullable<QueryOf<typeof views.catalogue>['start']>;
const PAGE = 1_000;

/** Ids of documents of which something is due, each once: read from the view, so what is told costs nothing. */
export async function* dueIds(
  { ports, runs }: CatalogueSession,
  storage: string,
  what: 'copy' | 'pin' | 'open',
): AsyncGenerator<string, void, void> {
  const seen = new Set<string>();
  let start: Start = [storage, what];
  for (let limit = PAGE; ; ) {
    const rows: RowOf<typeof views.catalogue>[] = await ports.store.view(views.catalogue, {
      start,
      end: [storage, what, {}],
      limit,
    });
    const fresh = rows.filter(({ id }) => !seen.has(id));
    for (const { id, key } of fresh) {
      seen.add(id);
      if (runs?.(key[2]) !== false) yield id;
    }
    const last = rows.at(-1);
    if (!last || rows.length < limit) return;
    if (fresh.length === 0) limit *= 2;
    start = last.key;
  }
}

/** Documents of ids, some at a time. */
export async function* holders(
  { ports }: CatalogueSession,
  ids: AsyncIterable<string>,
  size: number,
): AsyncGenerator<Holder[], void, void> {
  let some: string[] = [];
  const read = async (): Promise<Holder[]> => {
    const docs = await ports.store.get<Holder>(some);
    some = [];
    return [...docs.values()].filter(({ kind }) => kind === 'data' || kind === 'job');
  };
  for await (const id of ids) {
    some.push(id);
    if (some.length >= size) yield await read();
  }
  if (some.length > 0) yield await read();
}
