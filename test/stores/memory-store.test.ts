// The simulator's store keeps the contract that the real ones keep: what it lets the flow get away with, they do.
import { randomUUID } from 'node:crypto';
import type { Store } from '../../src/lib/store.ts';
import { otherExperiment } from '../../src/lib/stores/shared/experiment.ts';
import { ReadOnlyStoreError } from '../../src/lib/util/errors.ts';
import { iso } from '../../src/lib/util/time.ts';
import type { StoreFixture } from '../contracts/store/fixture.ts';
import { storeContract } from '../contracts/store.ts';
import { Database } from '../simulator/database.ts';
import { MemoryStore, type Raw } from '../simulator/memory-store.ts';

/** Without faults; a turn of the event loop between request and reply, so that clients race. */
function connect(database: Database): Raw {
  const later = <T>(answer: () => T): Promise<T> => new Promise((resolve) => setImmediate(() => resolve(answer())));
  return {
    read: (ids) => later(() => new Map(ids.flatMap((id) => database.read(id) ?? []).map((doc) => [doc._id, doc]))),
    write: (puts) => later(() => database.write(puts)),
    range: (range) => later(() => database.range(range)),
    // Errors of the caller are thrown at once.
    view: async (name, query) => database.view(name, query),
    count: async (name, level, query) => database.count(name, level, query),
    changes: (since, limit) => later(() => database.changes(since, limit)),
    now: () => later(() => iso(Date.now())),
  };
}

async function makeFixture(): Promise<StoreFixture> {
  let database: Database | undefined;
  return {
    open: async (options, views): Promise<Store> => {
      database ??= new Database(views);
      if (options.write === true && !database.local.uuid) {
        throw new ReadOnlyStoreError('not set up', { hint: 'dflow store setup' });
      }
      const { experiment = '' } = database.local;
      if (options.write === true && options.experiment !== undefined && options.experiment !== experiment) {
        throw otherExperiment('memory', experiment, options.experiment);
      }
      return new MemoryStore(connect(database), database, options.nonce ?? randomUUID, options.write === false);
    },
    dispose: async () => undefined,
    unmark: async () => {
      delete database?.local.uuid;
    },
  };
}

storeContract('memory', makeFixture, { unmark: true, icu: false });
