// Differences between dflow and the catalogue of the collaboration put right. What dflow has is told anew after a look at
// the bytes; what only the catalogue has is taken over where the bytes are there, and taken back where they are not.
import { didText } from '../../../catalogue.ts';
import type { DocFound } from '../../../domain/catalogue/compare.ts';
import { filesOf, type Holder, type PartFile, toldCopies } from '../../../domain/catalogue/parts.ts';
import { type Said, withNewName, withTold } from '../../../domain/catalogue/said.ts';
import { type DataDoc, withDone } from '../../../domain/data/data.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { ItemError } from '../../../util/errors.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { groupBy } from '../../../util/values/group.ts';
import { datasetDid, fileDid, placeOf } from '../../copies/catalogue/names.ts';
import type { Item, Step } from '../../ports.ts';
import { type Bytes, bytesAt, pathBelow } from './bytes.ts';
import { entriesOf, refOfHolder } from './entries.ts';
import type { CatalogueSession } from './session.ts';
import { tell } from './tell.ts';

/** Puts right what was found, and says of each whether it worked. */
export async function* repairAll(session: CatalogueSession, found: readonly DocFound[]): Step {
  for (const [id, some] of groupBy(found, ({ doc }) => doc._id)) {
    const wrong = new Map<DocFound, string>();
    for (const one of some) {
      try {
        const why = await repairOne(session, one);
        if (why !== undefined) wrong.set(one, why);
      } catch (error) {
        if (!(error instanceof ItemError)) throw error;
        wrong.set(one, error.message);
      }
    }
    const failed = await retell(session, id);
    for (const one of some) yield itemOf(one, wrong.get(one) ?? failed.get(one.name));
  }
}

function itemOf({ doc, name: file, in: difference, storage, text }: DocFound, why: string | undefined): Item {
  const about = {
    kind: 'catalogue' as const,
    ref: refOfHolder(doc),
    run: doc.run,
    file,
    difference,
    ...given({ storage }),
  };
  if (why === undefined) return { ...about, did: 'repaired', text: `${file}: ${text}` };
  return {
    ...about,
    did: 'kept',
    failed: true,
    text: `${file}: ${text}; ${why}`,
    next: `dflow verify --run ${doc.run}`,
  };
}

/** What is told of a document that has changed; why files of it were refused. */
async function retell(session: CatalogueSession, id: string): Promise<Map<string, string>> {
  const doc = (await session.ports.store.get<Holder>([id])).get(id);
  const failed = new Map<string, string>();
  if (!doc) return failed;
  for await (const item of tell(session, entriesOf(session, doc)))
    if (item.kind === 'catalogue' && item.failed && item.file !== undefined) failed.set(item.file, item.text ?? '');
  return failed;
}

/** `undefined`: it is put right, or will be when the document is told anew. */
async function repairOne(session: CatalogueSession, found: DocFound): Promise<string | undefined> {
  const { doc, name, file, storage } = found;
  switch (found.in) {
    case 'guid':
      await session.catalogue.setGuid(fileDid(session, doc, name), file?.guid ?? '');
      return undefined;
    case 'missing there':
    case 'state':
      return forgotten(session, doc, name, storage);
    case 'missing here':
      return takenOver(session, found);
    case 'dataset':
      return datasetAgain(session, doc, found.part);
    default:
      return underNewName(session, found);
  }
}

/** Takes back that a file was told, so that it is told again after a comparison. */
async function forgotten(session: CatalogueSession, doc: Holder, name: string, storage?: string): Promise<undefined> {
  await change(session, doc, (said) => untold(said, name, storage));
}

function untold(said: Said, name: string, storage?: string): Said {
  const told = toldCopies(said).filter(
    (one) => one.name === name && (storage === undefined || one.storage === storage),
  );
  return withTold(
    said,
    told.map((one) => ({ storage: one.storage, part: one.part, name })),
  );
}

async function change({ ports }: CatalogueSession, { _id }: Holder, next: (said: Said) => Said): Promise<void> {
  await ports.store.update<Holder>(_id, (now) =>
    now ? { write: { ...now, catalogue: next(now.catalogue ?? {}) } } : { skip: 'it was removed' },
  );
}

/** Size and checksum under a name are for ever there, and so is the physical name: the file gets another name. */
async function underNewName(
  session: CatalogueSession,
  { doc, name, file, storage }: DocFound,
): Promise<string | undefined> {
  const good = file?.copies.find(({ state, storage: at }) => state.is === 'good' && (storage ?? at) === at);
  if (!file || !good) return 'dflow has no good copy to compare with';
  const bytes = await bytesAt(session, good.storage, good.path);
  if (!isSame(bytes, file)) return `the bytes at ${good.storage} are not those of dflow's documents either`;
  const fresh = `${name}.${file.adler32}`;
  if (fileDid(session, doc, name).name === fresh) return `the name ${fresh} is taken there, too`;
  await change(session, doc, (said) => withNewName(untold(said, name), name, fresh));
  return undefined;
}

const isSame = (bytes: Bytes | undefined, { size, adler32 }: PartFile): boolean =>
  bytes !== undefined && bytes.size === size && bytes.adler32 === adler32;

/** A copy that only the catalogue has: the right bytes are taken over, others are taken back. */
async function takenOver(session: CatalogueSession, found: DocFound): Promise<string | undefined> {
  const { doc, file, storage = '', address = '' } = found;
  if (!file) return 'dflow does not know the file';
  const path = pathBelow(session, storage, address);
  const bytes = path === undefined ? undefined : await bytesAt(session, storage, path);
  if (path === undefined || !isSame(bytes, file)) {
    await session.catalogue.declareBad(
      placeOf(session, storage),
      [fileDid(session, doc, file.name)],
      'dflow has no such copy',
    );
    return undefined;
  }
  const now = await session.ports.store.now();
  await session.ports.store.update<Holder>(doc._id, (current) => {
    const next = current && withCopy(current, file, { storage, path, now });
    return next ? { write: next } : { skip: 'it has changed meanwhile' };
  });
  return undefined;
}

interface NewPlace {
  readonly storage: string;
  readonly path: string;
  readonly now: Iso;
}

function withCopy(doc: Holder, file: PartFile, place: NewPlace): Holder | undefined {
  return doc.kind === 'data' ? withReplica(doc, file, place) : withOutput(doc, file, place);
}

function withReplica(doc: DataDoc, { name }: PartFile, { storage, path, now }: NewPlace): DataDoc | undefined {
  const known = doc.files.find((file) => file.name === name);
  if (!known || known.replicas[storage]) return undefined;
  const replica = { state: 'verified' as const, attempt: 1, path, since: now, checkedAt: now };
  const files = doc.files.map((file) =>
    file.name === name ? { ...file, replicas: { ...file.replicas, [storage]: replica } } : file,
  );
  return withDone({ ...doc, files });
}

function withOutput(doc: JobDoc, { name, part }: PartFile, { storage, path, now }: NewPlace): JobDoc | undefined {
  let found = false;
  const subjobs = doc.subjobs.map((subjob) => {
    if (subjob.state.name !== 'completed') return subjob;
    const { outputs } = subjob.state;
    const model = outputs.find((one) => one.name === name && one.type === part);
    if (!model || outputs.some((one) => one.name === name && one.storage === storage)) return subjob;
    found = true;
    const { bad: _, ...rest } = model;
    return { ...subjob, state: { ...subjob.state, outputs: [...outputs, { ...rest, storage, path, checkedAt: now }] } };
  });
  return found ? { ...doc, subjobs } : undefined;
}

async function datasetAgain(session: CatalogueSession, doc: Holder, part: string): Promise<undefined> {
  const { catalogue } = session;
  const dataset = datasetDid(session, doc, part);
  const members = filesOf(doc).filter((file) => file.part === part && !file.late);
  const known = (await catalogue.look([dataset])).get(didText(dataset));
  const inside = known ? await catalogue.contents(dataset) : new Set<string>();
  const lacking = members.map(({ name }) => fileDid(session, doc, name)).filter(({ name }) => !inside.has(name));
  const closed = known?.kind === 'dataset' && !known.open;
  const into = closed ? datasetDid(session, doc, part, true) : dataset;
  await catalogue.makeDatasets([{ ...into, run: doc.run }]);
  if (lacking.length > 0) await catalogue.attach([{ dataset: into, files: lacking }]);
  if (!closed) await catalogue.close(dataset);
}
