// verify --catalogue: dflow's documents and the catalogue of the collaboration side by side, in both directions. With
// `repair`, what differs is put right there, after a look at the bytes; nothing of a good copy is ever given up.
import { type DidName, didText, type Known } from '../../../catalogue.ts';
import { compareFile, type DocFound, membersOf } from '../../../domain/catalogue/compare.ts';
import { filesOf, type Holder, type PartFile } from '../../../domain/catalogue/parts.ts';
import { JOB } from '../../../domain/ids.ts';
import { idsWith, pages } from '../../../store.ts';
import { addressOf, datasetDid, fileDid, placeOf, scopesOf, thereOf } from '../../copies/catalogue/names.ts';
import { withDryRun } from '../../dry.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { refOfHolder } from './entries.ts';
import { repairAll } from './repair.ts';
import { type CatalogueSession, openSession } from './session.ts';
import { strangers } from './strangers.ts';

export interface AgainstOptions extends StepOptions {
  readonly runs?: (run: number) => boolean;
  readonly storages?: readonly string[];
  readonly repair?: boolean;
}

/** Files compared at once. */
const AT_ONCE = 500;
const PAGE = 100;

/**
 * Compares everything, or the runs of `runs`. Items: `{kind: 'catalogue', did: 'differs', difference}` for each
 * difference, `repaired` or `kept` with `repair`, and one `checked` at the end.
 * @throws ConfigError, UnreachableError, CredentialsError
 */
export function verifyCatalogue(ports: Ports, options: AgainstOptions = {}): Step {
  return withDryRun(ports, options, (on) => compareAll(on, options));
}

async function* compareAll(ports: Ports, options: AgainstOptions): Step {
  const session = await openSession(ports, options.runs);
  const all = Object.keys(session.settings.places);
  const storages = options.storages ?? all;
  for (const storage of storages) placeOf(session, storage);
  const ours = new Set<string>();
  let files = 0;
  let differing = 0;
  for await (const docs of batchesOf(session)) {
    const found = await compareDocs(session, docs, storages, ours);
    files += docs.reduce((sum, doc) => sum + filesOf(doc).length, 0);
    differing += found.length;
    yield* found.map((one) => differsItem(session, one, options.repair === true));
    if (options.repair && !ports.dry) yield* repairAll(session, found);
  }
  if (!options.runs)
    for await (const item of strangers(session, scopesOf(session), storages, ours, options.repair === true)) {
      if (item.did === 'differs') differing++;
      yield item;
    }
  const text = `${files} files compared, ${differing} differences`;
  yield { kind: 'catalogue', ref: session.settings.kind, did: 'checked', files, text };
}

async function* batchesOf({ ports, runs }: CatalogueSession): AsyncGenerator<Holder[], void, void> {
  let batch: Holder[] = [];
  let files = 0;
  for (const prefix of ['data:', JOB]) {
    for await (const docs of pages<Holder>(ports.store, idsWith(prefix), PAGE)) {
      for (const doc of docs) {
        if (runs?.(doc.run) === false) continue;
        batch.push(doc);
        files += filesOf(doc).length;
        if (files < AT_ONCE) continue;
        yield batch;
        batch = [];
        files = 0;
      }
    }
  }
  if (batch.length > 0) yield batch;
}

async function compareDocs(
  session: CatalogueSession,
  docs: readonly Holder[],
  storages: readonly string[],
  ours: Set<string>,
): Promise<DocFound[]> {
  const all = docs.flatMap((doc) => filesOf(doc).map((file) => ({ doc, file, did: fileDid(session, doc, file.name) })));
  for (const { file, did } of all) {
    ours.add(didText(did));
    // A name that other content has taken is known, too.
    ours.add(didText({ ...did, name: file.name }));
  }
  const places = storages.map((storage) => placeOf(session, storage));
  const known = await session.catalogue.look(uniqueDids(all.map(({ did }) => did)), places);
  const found: DocFound[] = all.flatMap(({ doc, file, did }) =>
    foundOf(session, doc, file, known.get(didText(did)), storages),
  );
  for (const doc of docs) found.push(...(await compareDatasets(session, doc)));
  return found;
}

function foundOf(
  session: CatalogueSession,
  doc: Holder,
  file: PartFile,
  known: Known | undefined,
  storages: readonly string[],
): DocFound[] {
  const at = (storage: string) => thereOf(known, placeOf(session, storage));
  const address = (storage: string, path: string): string => addressOf(session, storage, path);
  return compareFile(doc, file, storages, at, address).map((one) => ({ ...one, doc }));
}

async function compareDatasets(session: CatalogueSession, doc: Holder): Promise<DocFound[]> {
  const found: DocFound[] = [];
  const files = filesOf(doc);
  for (const part of Object.keys(doc.catalogue?.closed ?? {})) {
    const members = membersOf(doc, files, part);
    if (members.length === 0) continue;
    const dataset = datasetDid(session, doc, part);
    const text = didText(dataset);
    const known = (await session.catalogue.look([dataset])).get(text);
    const say = (words: string): void => void found.push({ in: 'dataset', part, name: dataset.name, text: words, doc });
    if (known?.kind !== 'dataset') {
      say(`the catalogue has no dataset ${text}`);
      continue;
    }
    const inside = await session.catalogue.contents(dataset);
    const late = datasetDid(session, doc, part, true);
    const lacks = members.filter((name) => !inside.has(fileDid(session, doc, name).name));
    const aside = lacks.length === 0 ? new Set<string>() : await session.catalogue.contents(late);
    const missing = lacks.filter((name) => !aside.has(fileDid(session, doc, name).name));
    if (missing.length > 0) say(`the dataset lacks ${missing.length} files: ${missing[0]}`);
    else if (known.open)
      say(`the dataset ${text} is open, and its ${doc.kind === 'data' ? 'run' : 'pass'} is complete`);
  }
  return found;
}

const uniqueDids = (dids: readonly DidName[]): DidName[] => [
  ...new Map(dids.map((did) => [didText(did), did])).values(),
];

function differsItem({ ports }: CatalogueSession, found: DocFound, repair: boolean): Item {
  const { doc, name: file, text, storage, in: difference } = found;
  const next = repair ? {} : { failed: true, next: `dflow verify --catalogue --repair --run ${doc.run}` };
  const item = {
    kind: 'catalogue' as const,
    ref: refOfHolder(doc),
    run: doc.run,
    file,
    difference,
    text: `${file}: ${text}`,
  };
  return {
    ...item,
    did: 'differs',
    ...(storage === undefined ? {} : { storage }),
    ...next,
    ...(ports.dry ? { dryRun: true } : {}),
  };
}
