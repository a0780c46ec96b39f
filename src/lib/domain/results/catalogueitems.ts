// What steps yield about the catalogue of the collaboration.
import type { Iso } from '../../util/time.ts';
import type { Said } from './baseitem.ts';

/** Files of one document, a dataset, or one file in which dflow and the catalogue differ. */
export interface CatalogueItem
  extends Said<
    'catalogue',
    | 'registered'
    | 'withdrawn'
    | 'closed'
    | 'pinned'
    | 'refused'
    | 'unreachable'
    | 'differs'
    | 'repaired'
    | 'kept'
    | 'imported'
    | 'skipped'
    | 'checked'
  > {
  readonly run?: number;
  readonly storage?: string;
  /** `scope:name`. */
  readonly dataset?: string;
  /** Name of the file there. */
  readonly file?: string;
  /** Number of files. */
  readonly files?: number;
  /** In what both differ. */
  readonly difference?:
    | 'missing there'
    | 'missing here'
    | 'size'
    | 'checksum'
    | 'guid'
    | 'path'
    | 'state'
    | 'kind'
    | 'dataset';
  /** It cannot be reached: exit 5 when nothing else could be done. */
  readonly unreachable?: boolean;
  readonly since?: Iso;
}
