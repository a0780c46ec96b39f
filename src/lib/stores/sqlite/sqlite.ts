// Store `sqlite:PATH`: no server, many processes on one host. Opens; the rest is in sqlite/.
import type { Store, StoreOptions } from '../../store.ts';
import { VIEWS } from '../../views/index.ts';
import type { View } from '../../views/view.ts';
import { randomOp } from '../shared/changes.ts';
import { openFile, pathOf, storeError } from './file.ts';
import { Patience } from './patience.ts';
import { SqliteStore } from './store.ts';

export { pathOf } from './file.ts';
export { file } from './whole/storefile.ts';

/**
 * Opens `sqlite:PATH`; a relative path counts from the working directory. With `write: 'setup'` the file is made.
 * @throws StoreError when the file is missing, on a network file system, or no dflow store
 * @throws ReadOnlyStoreError when `write` is asked and it is not set up, newer, or cannot be written
 */
export function open(url: string, options: StoreOptions): Promise<Store> {
  return openWith(url, options, VIEWS);
}

/** The same with other views, for the contract suite. */
export async function openWith(url: string, options: StoreOptions, views: readonly View[]): Promise<Store> {
  const path = pathOf(url);
  const patience = new Patience(path, options.say);
  const how = { write: options.write !== false, create: options.write === 'setup' };
  const db = await patience.wait(() => openFile(path, how));
  const store = new SqliteStore(db, {
    views,
    now: options.now ?? Date.now,
    nonce: options.nonce ?? randomOp,
    write: options.write,
    patience,
    ...(options.say && { say: options.say }),
    ...(options.experiment !== undefined && { experiment: options.experiment }),
  });
  try {
    return await store.begin();
  } catch (error) {
    db.close();
    throw storeError(error, db.path);
  }
}
