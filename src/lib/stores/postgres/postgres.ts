// Store `postgres://user@host/database`: PostgreSQL, where one node is not enough. Opens; the rest is in postgres/.
import type { Store, StoreOptions } from '../../store.ts';
import { given } from '../../util/values/given.ts';
import { VIEWS } from '../../views/index.ts';
import type { View } from '../../views/view.ts';
import { serverOptions } from '../shared/serverstore.ts';
import { markPath } from './progress.ts';
import { Connection, type Timing } from './server/connection.ts';
import { loginOf } from './server/login.ts';
import { parsePlace } from './server/place.ts';
import { PostgresStore } from './store.ts';

/**
 * Opens `postgres://[user[:password]@]host[:port][,host...]/database[/schema]`; for the login see server/login.ts.
 * @throws StoreError when no server can be reached; LoginError when it refuses the login
 * @throws UsageError when the database is missing or not set up
 * @throws ReadOnlyStoreError when `write` is asked and it is a standby, a copy, or newer
 */
export function open(url: string, options: StoreOptions): Promise<Store> {
  return openWith(url, options, VIEWS);
}

/** The same with other views and times, for the contract suite. */
export async function openWith(
  url: string,
  options: StoreOptions,
  views: readonly View[],
  timing: Timing = {},
): Promise<Store> {
  const place = parsePlace(url);
  const mark = options.folder === undefined ? undefined : markPath(options.folder, place.where);
  const connection = new Connection(place, loginOf(place, process.env), {
    write: options.write !== false,
    timing,
    ...given({ say: options.say, mark }),
  });
  const store = new PostgresStore(connection, { ...serverOptions(options, views), mark });
  try {
    return await store.begin();
  } catch (error) {
    await store.close();
    throw error;
  }
}
