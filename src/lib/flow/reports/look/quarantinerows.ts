// Files that are not registered, and those in the trash: `list quarantine`.
import { remedy } from '../../../domain/runs/remedy.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { idsWith } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { plus } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { inTrash } from '../../copies/removal/trash.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from './row.ts';

/** A file that cannot be registered. */
export interface QuarantineRow extends Row<'quarantine'> {
  readonly level: string;
  readonly name: string;
  readonly reason: string;
  readonly detail: string;
  readonly at: Iso;
  readonly run?: number;
  /** Bytes. */
  readonly size?: number;
  readonly next: string;
}

/** A file in the trash of a buffer. */
export interface TrashRow extends Row<'trash'> {
  readonly level: string;
  readonly name: string;
  readonly host: string;
  /** Bytes. */
  readonly size: number;
  readonly reason: string;
  readonly detail: string;
  readonly at: Iso;
  /** Kept at least so long. */
  readonly until: Iso;
  /** Path below the folder of the buffer. */
  readonly path?: string;
  readonly run?: number;
  readonly why?: string;
}

export async function* quarantineRows(ports: ReadPorts): Rows<QuarantineRow> {
  for (const doc of await ports.store.range<QuarantineDoc>(idsWith('quarantine:'))) {
    const { level, name, reason, detail, at } = doc;
    const known = given({ run: doc.run, size: doc.size });
    yield { kind: 'quarantine', ref: doc._id, level, name, reason, detail, at, ...known, next: remedy(doc) };
  }
}

/** What waits in the trash of the buffers: `list quarantine --trash`. */
export async function* trashRows(ports: ReadPorts): Rows<TrashRow> {
  const keep = ports.settings.purge.trash;
  for (const doc of await inTrash(ports)) {
    const { _id: ref, level, name, host, size, reason, detail, why, at } = doc;
    const [path] = doc.places;
    const until = plus(at, keep);
    const more = given({ path, run: doc.run, why });
    yield { kind: 'trash', ref, level, name, host, size, reason, detail, at, until, ...more };
  }
}
