// A store that is opened when it is first asked: who examines a set-up goes on without it. One that may not be written
// can still be read. It is opened once: a wrong login that is tried again and again locks the account.
import type { Store } from '../../store.ts';
import { ReadOnlyStoreError } from '../../util/errors.ts';

/** `open` opens it for writing, or for reading only. */
export function laterStore(open: (write: boolean) => Promise<Store>): Store & { opened(): Promise<Store> } {
  let writing: Promise<Store> | undefined;
  let reading: Promise<Store> | undefined;
  const writer = (): Promise<Store> => {
    writing ??= open(true);
    return writing;
  };
  const reader = (): Promise<Store> => {
    reading ??= writer().catch((error: unknown) => {
      if (error instanceof ReadOnlyStoreError) return open(false);
      throw error;
    });
    return reading;
  };
  return {
    opened: reader,
    get: async (ids) => (await reader()).get(ids),
    range: async (range) => (await reader()).range(range),
    ranges: async (ranges) => (await reader()).ranges(ranges),
    view: async (view, query) => (await reader()).view(view, query),
    count: async (view, level, query) => (await reader()).count(view, level, query),
    changes: async (since, limit) => (await reader()).changes(since, limit),
    now: async () => (await reader()).now(),
    info: async () => (await reader()).info(),
    identity: async () => (await reader()).identity(),
    update: async (id, change) => (await writer()).update(id, change),
    bulk: async (changes) => (await writer()).bulk(changes),
    setup: async (experiment, force) => (await writer()).setup(experiment, force),
    close: async () => {
      const stores = await Promise.allSettled([reading, writing]);
      const open = new Set(stores.flatMap((one) => (one.status === 'fulfilled' && one.value ? [one.value] : [])));
      for (const store of open) await store.close();
    },
  };
}
