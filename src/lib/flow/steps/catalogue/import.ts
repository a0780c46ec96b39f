// catalogue import: raw files that the catalogue of the collaboration knows and dflow does not, taken into the documents.
// Every byte of a copy is read first. It only adds to the store, so it may be repeated.
import { type DidName, didText } from '../../../catalogue.ts';
import { numbersOf } from '../../../domain/catalogue/adopt.ts';
import type { LevelNames } from '../../../domain/rebuilt/rawfiles.ts';
import type { CatalogueItem } from '../../../domain/results/items.ts';
import { UsageError } from '../../../util/errors.ts';
import { counted } from '../../../util/text/counted.ts';
import { placeOf, scopesOf } from '../../copies/catalogue/names.ts';
import { withDryRun } from '../../dry.ts';
import type { Ports, Step, StepOptions } from '../../ports.ts';
import { levelsHere } from './importlevels.ts';
import { type Importing, importFiles, type Placed } from './importrun.ts';
import { openSession } from './session.ts';

export interface ImportOptions extends StepOptions {
  /** Scopes to read; default: all that dflow registers in. */
  readonly scopes?: readonly string[];
  readonly runs?: (run: number) => boolean;
  readonly storages?: readonly string[];
}

/**
 * Items: `{kind: 'catalogue', did: 'imported'|'skipped'|'unreachable'}`, and one `checked` for each scope.
 * @throws ConfigError, UsageError, UnreachableError, CredentialsError
 */
export function catalogueImport(ports: Ports, options: ImportOptions = {}): Step {
  return withDryRun(ports, options, (on) => importAll(on, options));
}

async function* importAll(ports: Ports, options: ImportOptions): Step {
  const session = await openSession(ports, options.runs);
  const known = scopesOf(session);
  const scopes = options.scopes ?? known;
  const strange = scopes.find((scope) => !known.includes(scope));
  if (strange !== undefined)
    throw new UsageError(
      `scope '${strange}' is not of this experiment: files of another scope would be registered a second time`,
      {
        hint: `--scope ${known.join(' or ')}; or correct catalogue.scope in dflow.yaml`,
      },
    );
  const storages = options.storages ?? Object.keys(session.settings.places);
  for (const storage of storages) placeOf(session, storage);
  const { levels, onBuffer, items } = await levelsHere(ports);
  yield* items;
  const importing: Importing = { session, storages, onBuffer, away: new Map() };
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  for (const scope of scopes) {
    const found = { files: 0, strange: [] as string[], imported: 0, skipped: 0 };
    for await (const page of session.catalogue.files(scope)) {
      const { files, strange: others } = await placed(importing, levels, scope, page);
      found.files += files.length;
      found.strange.push(...others);
      for await (const item of importFiles(importing, files.slice(0, left))) {
        if (item.did === 'imported' && item.kind === 'catalogue') found.imported += item.files ?? 0;
        else found.skipped++;
        yield item;
      }
      left -= Math.min(left, files.length);
      if (left <= 0) break;
    }
    yield summary(scope, found);
  }
}

/** The raw files of a page of names, with what the catalogue has of them; names that mean no raw file. */
async function placed(
  { session, storages }: Importing,
  levels: readonly LevelNames[],
  scope: string,
  page: readonly DidName[],
): Promise<{ readonly files: Placed[]; readonly strange: string[] }> {
  const { ports, settings, catalogue, runs } = session;
  const about = { name: scope, pattern: settings.scope, experiment: ports.settings.experiment };
  const all = page.map((did) => ({ did, numbers: numbersOf(did.name, levels, about) }));
  const wanted = all.flatMap(({ did, numbers }) => (numbers && runs?.(numbers.run) !== false ? { did, numbers } : []));
  const places = storages.map((storage) => placeOf(session, storage));
  const known = await catalogue.look(
    wanted.map(({ did }) => did),
    places,
  );
  const files = wanted.flatMap(({ did, numbers }): Placed[] => {
    const file = known.get(didText(did));
    return file?.kind === 'file' ? [{ numbers, known: file }] : [];
  });
  return { files, strange: all.flatMap(({ did, numbers }) => (numbers ? [] : did.name)) };
}

function summary(
  scope: string,
  {
    files,
    strange,
    imported,
    skipped,
  }: { files: number; strange: readonly string[]; imported: number; skipped: number },
): CatalogueItem {
  const others =
    strange.length === 0 ? '' : `; ${counted(strange.length, 'name')} of other things, such as ${strange[0]}`;
  const copies = imported === 1 ? '1 copy' : `${imported} copies`;
  const text = `scope ${scope}: ${counted(files, 'raw file')}, ${copies} imported${others}`;
  const next = imported > 0 || skipped > 0 ? { next: 'dflow register; then: dflow catalogue sync' } : {};
  return { kind: 'catalogue', ref: scope, did: 'checked', files, text, ...next };
}
