// Files that only the catalogue of the collaboration knows, with copies at storage elements of dflow. They may be
// anybody's: what is there is only named; what is not there is taken back on request.
import { didText, type KnownFile } from '../../../catalogue.ts';
import type { CatalogueItem } from '../../../domain/results/items.ts';
import { placeOf } from '../../copies/catalogue/names.ts';
import type { Step } from '../../ports.ts';
import { bytesAt, pathBelow } from './bytes.ts';
import type { CatalogueSession } from './session.ts';

export async function* strangers(
  session: CatalogueSession,
  scopes: readonly string[],
  storages: readonly string[],
  ours: ReadonlySet<string>,
  repair: boolean,
): Step {
  const places = storages.map((storage) => placeOf(session, storage));
  for (const scope of scopes) {
    for await (const page of session.catalogue.files(scope)) {
      const unknown = page.filter((did) => !ours.has(didText(did)));
      if (unknown.length === 0) continue;
      const files = [...(await session.catalogue.look(unknown, places)).values()].filter((one) => one.kind === 'file');
      for (const storage of storages) yield* strangersAt(session, files, storage, repair);
    }
  }
}

async function* strangersAt(
  session: CatalogueSession,
  files: readonly KnownFile[],
  storage: string,
  repair: boolean,
): Step {
  const place = placeOf(session, storage);
  const nothing: { known: KnownFile; item: CatalogueItem }[] = [];
  for (const known of files) {
    const copy = known.copies.get(place);
    if (!copy || copy.state === 'bad') continue;
    const item: CatalogueItem = {
      ...{ kind: 'catalogue', ref: didText(known), did: 'differs', storage, file: known.name },
      ...{ difference: 'missing here', text: `the catalogue has ${copy.address}, dflow does not know the file` },
    };
    yield repair ? item : { ...item, failed: true, next: 'dflow verify --catalogue --repair' };
    if (!repair || session.ports.dry) continue;
    if (await isThere(session, storage, known, copy.address)) {
      const text = `${known.name}: the file is at ${storage}, and dflow does not know it`;
      yield { ...item, did: 'kept', failed: true, text, next: KEPT };
    } else nothing.push({ known, item });
  }
  if (nothing.length === 0) return;
  const gone = nothing.map(({ known }) => known);
  await session.catalogue.declareBad(place, gone, 'no such file was found there');
  for (const { known, item } of nothing)
    yield { ...item, did: 'repaired', text: `${known.name}: ${storage} does not have it, so the copy is declared bad` };
}

const KEPT = 'ask who registered the file; files of others are left alone';

async function isThere(
  session: CatalogueSession,
  storage: string,
  known: KnownFile,
  address: string,
): Promise<boolean> {
  const path = pathBelow(session, storage, address);
  const bytes = path === undefined ? undefined : await bytesAt(session, storage, path);
  return bytes !== undefined && bytes.size === known.size && (known.adler32 ?? bytes.adler32) === bytes.adler32;
}
