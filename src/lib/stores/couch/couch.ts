// Store `http(s)://.../database`: CouchDB 3, what a collaboration uses. Opens; the rest is in couch/.
import type { Store, StoreOptions } from '../../store.ts';
import { VIEWS } from '../../views/index.ts';
import type { View } from '../../views/view.ts';
import { ServerClock } from '../shared/server/clock.ts';
import { serverOptions } from '../shared/serverstore.ts';
import type { Target } from './admin/replication.ts';
import { Connection, type Timing } from './server/connection.ts';
import { findLogin, parsePlace } from './server/credentials.ts';
import { Refusals } from './server/refusals.ts';
import { CouchStore } from './store.ts';

/**
 * Opens `http(s)://[user:password@]host[:port]/database`; for the login see server/credentials.ts.
 * @throws StoreError when it cannot be reached, refuses the login, or has no such database
 * @throws ReadOnlyStoreError when `write` is asked and it is a replica, not set up, or newer
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
  const login = await findLogin(place, process.env);
  const refusals = new Refusals(options.folder, place, login);
  refusals.assertMayAsk(Date.now());
  const clock = new ServerClock({ mono: () => performance.now(), wall: Date.now });
  const connection = new Connection(place, login, {
    timing,
    onDate: (seen) => clock.observe(seen),
    onRefused: (error) => refusals.note(error, Date.now()),
    ...(options.say && { say: options.say }),
  });
  const store = new CouchStore(connection, clock, {
    ...serverOptions(options, views),
    replication: { place, login, say: options.say ?? (() => undefined), target },
  });
  try {
    await store.begin();
    refusals.clear();
    return store;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Another database, for replication. `DFLOW_COUCH_USER` is of the store: the login comes from the URL or the file. */
async function target(url: string): Promise<Target> {
  const place = parsePlace(url);
  const { DFLOW_COUCH_USER: _, ...env } = process.env;
  const login = await findLogin(place, env);
  return { place, login, connection: new Connection(place, login) };
}
