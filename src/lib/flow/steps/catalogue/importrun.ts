// Files of the catalogue, run by run: which copies dflow lacks, whether their bytes are right, and what is written.
import { didText, type KnownFile } from '../../../catalogue.ts';
import { adopted, clash, isLate, type Numbers, type ReadCopy } from '../../../domain/catalogue/adopt.ts';
import { type DataDoc, fileOf, type RawFile } from '../../../domain/data/data.ts';
import { asA, type Doc } from '../../../domain/doc.ts';
import { dataId, refOf, runId } from '../../../domain/ids.ts';
import { withFound, withLevels } from '../../../domain/rebuilt/rawfiles.ts';
import type { CatalogueItem } from '../../../domain/results/items.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { type Change, tookEffect } from '../../../store.ts';
import { mapLimit } from '../../../util/concurrency.ts';
import { ItemError, UnreachableError } from '../../../util/errors.ts';
import { counted } from '../../../util/text/counted.ts';
import { given } from '../../../util/values/given.ts';
import { groupBy } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import { placeOf } from '../../copies/catalogue/names.ts';
import { archivedOf, archivedWords } from '../../jobs/archived/archived.ts';
import { wakeSleepers } from '../../jobs/wake.ts';
import type { Step } from '../../ports.ts';
import { pathBelow } from './bytes.ts';
import type { CatalogueSession } from './session.ts';

export interface Importing {
  readonly session: CatalogueSession;
  readonly storages: readonly string[];
  /** `LEVEL NAME` of every file on a buffer. */
  readonly onBuffer: ReadonlySet<string>;
  /** Storage elements that did not answer, each named once. */
  readonly away: Map<string, UnreachableError>;
}

/** A raw file of the catalogue. */
export interface Placed {
  readonly numbers: Numbers;
  readonly known: KnownFile;
}

interface Ready {
  readonly placed: Placed;
  readonly file: RawFile;
}

/** Items: one for each run and storage element with imported copies, one for each copy that is left out. */
export async function* importFiles(importing: Importing, files: readonly Placed[]): Step {
  const { ports } = importing.session;
  const runs = [...new Set(files.map(({ numbers }) => numbers.run))];
  const archived = await archivedOf(ports.store, runs);
  for (const [run, some] of groupBy(files, ({ numbers }) => numbers.run)) {
    const gone = archived.get(run);
    if (gone) yield { kind: 'catalogue', ref: refOf(run), run, did: 'skipped', ...archivedWords(gone) };
    else yield* importRun(importing, run, some);
  }
}

async function* importRun(importing: Importing, run: number, files: readonly Placed[]): Step {
  const { ports } = importing.session;
  const levels = [...new Set(files.map(({ numbers }) => numbers.level))];
  const docs = await ports.store.get<Doc>([runId(run), ...levels.map((level) => dataId(level, run))]);
  const doc = asA<RunDoc>(docs.get(runId(run)), 'run');
  const at = await ports.store.now();
  const judged = await mapLimit(files, ports.settings.transfer.parallel, async (placed) => {
    const data = asA<DataDoc>(docs.get(dataId(placed.numbers.level, run)), 'data');
    return { placed, ...(await readCopies(importing, placed, data)) };
  });
  for (const { left } of judged) yield* left;
  const ready = judged.flatMap(({ placed, copies: [first, ...rest] }): Ready[] => {
    if (!first) return [];
    const about = { at, experiment: ports.settings.experiment, late: isLate(doc, placed.numbers) };
    return [{ placed, file: adopted(placed.numbers, placed.known, [first, ...rest], about) }];
  });
  if (ready.length === 0) return;
  const outcomes = await ports.store.bulk<Doc>(changesOf(importing.session, run, ready, at));
  if (!outcomes.some(tookEffect)) return;
  if (!ports.dry)
    await wakeSleepers(
      ports,
      levels.map((level) => dataId(level, run)),
    );
  yield* importedItems(importing.session, run, ready);
}

interface Copies {
  readonly copies: readonly ReadCopy[];
  readonly left: readonly CatalogueItem[];
}

/** The copies that dflow lacks and whose every byte is as the catalogue says; why others are left out. */
async function readCopies(importing: Importing, placed: Placed, data: DataDoc | undefined): Promise<Copies> {
  const { numbers, known } = placed;
  const { session, storages, onBuffer } = importing;
  const mine = fileOf(data, numbers.subrun);
  const lacking = storages.filter((storage) => {
    const copy = known.copies.get(placeOf(session, storage));
    return copy?.state === 'available' && (mine?.name !== known.name || mine.replicas[storage] === undefined);
  });
  if (lacking.length === 0) return { copies: [], left: [] };
  const why = clash(data, numbers, known);
  if (why !== undefined)
    return { copies: [], left: [leftOut(placed, why, `dflow verify --catalogue --run ${numbers.run}`)] };
  if (!mine && onBuffer.has(`${numbers.level} ${known.name}`))
    return { copies: [], left: [leftOut(placed, 'it lies on the buffer and is not registered', 'dflow register')] };
  const copies: ReadCopy[] = [];
  const left: CatalogueItem[] = [];
  for (const storage of lacking) {
    const found = await readCopy(importing, placed, storage, mine?.adler32 ?? known.adler32 ?? '');
    if (found && 'did' in found) left.push(found);
    else if (found) copies.push(found);
  }
  return { copies, left };
}

/** `undefined`: the storage element is away, which was said before. */
async function readCopy(
  { session, away }: Importing,
  placed: Placed,
  storage: string,
  adler32: string,
): Promise<ReadCopy | CatalogueItem | undefined> {
  const { known, numbers } = placed;
  if (away.has(storage)) return undefined;
  const { address } = have(known.copies, placeOf(session, storage));
  const path = pathBelow(session, storage, address);
  const check = `dflow verify --catalogue --run ${numbers.run}`;
  if (path === undefined)
    return leftOut(
      placed,
      `${address} is not below the url of ${storage}`,
      'correct catalogue.rses in dflow.yaml',
      storage,
    );
  try {
    const element = await session.ports.storage(storage);
    const stat = (await element.stat([path])).get(path);
    if (!stat) return leftOut(placed, `${storage} does not have it`, check, storage);
    const bytes = await element.readChecksum(path);
    if (bytes.size === known.size && bytes.adler32 === adler32)
      return { storage, path, modified: stat.modified, ...bytes };
    const text = `${storage} has ${bytes.size} bytes with adler32 ${bytes.adler32}, the catalogue ${known.size} with ${adler32}`;
    return leftOut(placed, text, check, storage);
  } catch (error) {
    if (error instanceof ItemError) return leftOut(placed, `${storage}: ${error.message}`, check, storage);
    if (!(error instanceof UnreachableError)) throw error;
    away.set(storage, error);
    const about = {
      kind: 'catalogue',
      ref: storage,
      storage,
      did: 'unreachable',
      failed: true,
      unreachable: true,
    } as const;
    return { ...about, text: `its copies are not imported: ${error.message}`, ...given({ next: error.hint }) };
  }
}

function leftOut({ known, numbers: { run } }: Placed, why: string, next: string, storage?: string): CatalogueItem {
  const about = {
    kind: 'catalogue',
    ref: didText(known),
    run,
    file: known.name,
    did: 'skipped',
    failed: true,
  } as const;
  return { ...about, ...given({ storage }), text: `${known.name} is not imported: ${why}`, next };
}

function changesOf({ ports }: CatalogueSession, run: number, ready: readonly Ready[], at: string): Change<Doc>[] {
  const { by, host, settings } = ports;
  const levels = groupBy(ready, ({ placed }) => placed.numbers.level);
  const counts = new Map([...levels].map(([level, some]) => [level, some.length]));
  const data = [...levels].map(([level, some]): Change<Doc> => {
    const keep = settings.buffers.find((buffer) => buffer.level === level)?.keep ?? 1;
    const files = some.map(({ file }) => file);
    return {
      id: dataId(level, run),
      change: (doc) => {
        const next = withFound(asA<DataDoc>(doc, 'data'), { level, run }, files, { at, by, host, keep });
        return next ? { write: next } : { skip: 'it has them' };
      },
    };
  });
  const runChange: Change<Doc> = {
    id: runId(run),
    change: (doc) => {
      const next = withLevels(asA<RunDoc>(doc, 'run'), run, counts, { at, by, to: 'imported' });
      return next ? { write: next } : { skip: 'it has them' };
    },
  };
  return [runChange, ...data];
}

function* importedItems(
  session: CatalogueSession,
  run: number,
  ready: readonly Ready[],
): Generator<CatalogueItem, void, void> {
  const copies = ready.flatMap(({ file }) => Object.keys(file.replicas).map((storage) => ({ storage, file })));
  for (const [storage, some] of groupBy(copies, (one) => one.storage)) {
    const [first] = some;
    const what = some.length === 1 && first ? first.file.name : counted(some.length, 'file');
    const about = { kind: 'catalogue', ref: refOf(run), run, storage, did: 'imported', files: some.length } as const;
    yield { ...about, text: `${what} at ${placeOf(session, storage)}` };
  }
}
