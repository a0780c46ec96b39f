// The store that a test of the contract has: a fresh database each, opened as often as a test wants.
import { afterEach, beforeEach } from 'vitest';
import type { Store, StoreOptions } from '../../../src/lib/store.ts';
import type { View } from '../../../src/lib/views/view.ts';
import { CONTRACT_VIEWS } from '../things.ts';

/** One empty database, and the means to open it as different programs would. */
export interface StoreFixture {
  /** Opens the database, each call like another process. `views`: always CONTRACT_VIEWS. */
  open(options: StoreOptions, views: readonly View[]): Promise<Store>;
  /** Removes the database and whatever serves it. */
  dispose(): Promise<void>;
  /** Takes the setup marker away, as on a replica. */
  unmark?(): Promise<void>;
  /** Marks the database as made by a newer dflow. */
  setSchema?(schema: number): Promise<void>;
  /** Makes a replication conflict on a document. */
  conflict?(id: string): Promise<void>;
}

/** What of the contract a fixture can show; the tests of the rest are not registered. */
export interface StoreFeatures {
  readonly unmark?: boolean;
  readonly setSchema?: boolean;
  readonly conflict?: boolean;
  /** False: strings sort by their code units, as PouchDB has them, and not by ICU's root collation. */
  readonly icu?: boolean;
  /** How many clients race, and how often each: fewer for a slow server. */
  readonly race?: { readonly clients: number; readonly times: number };
  /** Documents of the big bulk; 2500 makes three batches. */
  readonly many?: number;
}

/** Those of the running test. */
export let fixture: StoreFixture;
export let store: Store;
const opened: Store[] = [];

/** Another program on the same database; closed after the test. */
export async function open(options: StoreOptions): Promise<Store> {
  const next = await fixture.open(options, CONTRACT_VIEWS);
  opened.push(next);
  return next;
}

/** Each test of the `describe` around has a database of its own, set up for `demo`. */
export function eachWithStore(make: () => Promise<StoreFixture>): void {
  beforeEach(async () => {
    fixture = await make();
    store = await open({ write: 'setup' });
    await store.setup('demo');
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
    await fixture.dispose();
  });
}
