// Whether a database keeps two writers apart. In a CouchDB cluster the copies of a shard take writes one by one, so two
// writers of one revision can both be told 201: only a database with one copy of each shard is compare-and-swap.

import { ReadOnlyStoreError } from '../../util/errors.ts';
import { field } from '../../util/values/field.ts';

/** What is wrong with a database of several copies; `undefined` for one that is safe. Servers before CouchDB 2 say nothing. */
export function severalCopies(body: unknown): string | undefined {
  const copies = Number(field(field(body, 'cluster'), 'n') ?? 1);
  return copies > 1 ? `the cluster keeps n=${copies} copies of the database, so two writers can both win` : undefined;
}

/** @throws ReadOnlyStoreError where two writers could both win */
export function assertOneCopy(where: string, body: unknown): void {
  const wrong = severalCopies(body);
  if (wrong === undefined) return;
  throw new ReadOnlyStoreError(`this database cannot be written safely: ${wrong}`, {
    where,
    hint: 'a database with one copy: another name in `store:`, dflow store setup (makes it with n=1), then dflow store import of an export; shards (q) and replicas are free',
  });
}
