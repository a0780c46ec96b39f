// A store gets the content of a backup. Jobs that were submitted after the backup was made are not known to it, and would
// be submitted again: a hold keeps every farm from it, until a person has let monitor look and ends the hold.

import { SCHEMA } from '../../../domain/doc.ts';
import type { HoldDoc } from '../../../domain/hold.ts';
import { holdId } from '../../../domain/ids.ts';
import type { ReadStore, Store } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import { counted } from '../../../util/text/counted.ts';
import type { Item, Step } from '../../ports.ts';
import { importStore, type PlainDoc } from './archive.ts';
import type { Backup } from './backuplines.ts';

/** What is said of a restore, in the store for ever. */
export interface Restored {
  /** Name of the backup's file. */
  readonly from: string;
  /** When it was made. */
  readonly made: string;
  /** Changes that it lacks, as far as this host knows. */
  readonly lacks: number;
  readonly by: string;
}

/** Holds back every farm. The same backup makes the same hold, so that a restore that was stopped goes on. */
export async function putHold(store: Store, slug: string, { from, made, lacks, by }: Restored): Promise<Item> {
  const lost = lacks > 0 ? `${lacks} later changes are lost` : 'later changes are lost';
  const hold: HoldDoc = {
    _id: holdId(`restored-${slug}`),
    kind: 'hold',
    v: SCHEMA,
    what: 'pause',
    scope: { sites: ['*'] },
    why: `restored from ${from} of ${made}; ${lost}, and later jobs would run twice`,
    by,
    since: await store.now(),
  };
  await store.update<HoldDoc>(hold._id, () => ({ write: hold }));
  const next = `for each farm: dflow monitor --site FARM; it stops jobs that the store does not know; then: dflow resume ${hold._id} --why TEXT`;
  return { kind: 'hold', ref: hold._id, did: 'paused', text: hold.why, next };
}

/** Writes the documents of a backup into a store that has none, or in which the same restore was stopped. */
export async function* fill(store: Store, backup: Backup, slug: string, restored: Restored): Step {
  const { experiment, uuid } = backup.head;
  // Makes the database where there is none; one that is filled is as it was.
  await store.setup(experiment, undefined, uuid);
  await requireEmpty(store, slug);
  const hold = await putHold(store, slug, restored);
  for await (const item of importStore(store, withoutHolds(backup.docs()))) if (item.failed) yield item;
  yield hold;
}

/** Holds of earlier restores are left out: ours tells of this one, and that it was begun. */
async function* withoutHolds(docs: AsyncIterable<PlainDoc>): AsyncGenerator<PlainDoc, void, void> {
  for await (const doc of docs) if (!doc._id.startsWith(holdId('restored-'))) yield doc;
}

/** @throws UsageError the store holds other documents */
export async function requireEmpty(store: ReadStore, slug: string): Promise<void> {
  const { documents, where } = await store.info();
  const hold = (await store.get<HoldDoc>([holdId(`restored-${slug}`)])).values().next().value;
  if (documents === 0 || (hold && !hold.ended)) return;
  throw new UsageError(`the store holds ${counted(documents, 'document')}, and only an empty one is filled`, {
    where,
    hint: 'restore into a new database, then put its address into dflow.yaml: DFLOW_STORE=https://host/new dflow store restore FILE',
  });
}
