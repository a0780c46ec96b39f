// Copies that are due, with all their names in the catalogue of the collaboration.
import type { DidName } from '../../../catalogue.ts';
import { type DueCopy, dueCopies, filesOf, type Holder } from '../../../domain/catalogue/parts.ts';
import { refOf } from '../../../domain/ids.ts';
import { addressOf, datasetDid, fileDid, isKnownAt, placeOf } from '../../copies/catalogue/names.ts';
import type { CatalogueSession } from './session.ts';

/** One copy that is due, with all its names. */
export interface Entry {
  readonly doc: Holder;
  readonly due: DueCopy;
  readonly did: DidName;
  readonly dataset: DidName;
  readonly place: string;
  readonly address: string;
}

export function entriesOf(session: CatalogueSession, doc: Holder): Entry[] {
  return dueCopies(doc, filesOf(doc), isKnownAt(session)).map((due) => ({
    doc,
    due,
    did: fileDid(session, doc, due.name),
    dataset: datasetDid(session, doc, due.part, due.file?.late),
    place: placeOf(session, due.storage),
    address: addressOf(session, due.storage, due.path),
  }));
}

export function refOfHolder(doc: Holder): string {
  return doc.kind === 'data' ? refOf(doc.run) : refOf(doc.run, doc.module, doc.pass);
}
