// A CouchDB of one test file behind a proxy that can go wrong; each test has a database of its own, set up.
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Store, StoreOptions } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/couch/couch.ts';
import type { Timing } from '../../src/lib/stores/couch/server/connection.ts';
import type { View } from '../../src/lib/views/view.ts';
import { CONTRACT_VIEWS } from '../contracts/things.ts';
import {
  type Fault,
  type FaultProxy,
  type RunningServer,
  startCouchServer,
  startProxy,
} from '../fakes/couch-server.ts';

export const PASS: Fault = { kind: 'pass' };

interface Opening extends Partial<StoreOptions> {
  readonly views?: readonly View[];
  readonly timing?: Timing;
  /** `user:password@`. */
  readonly login?: string;
}

export interface Couch {
  readonly proxy: FaultProxy;
  /** Address of the database of the test, through the proxy. */
  url: string;
  /** The store that set it up. */
  readonly store: Store;
  /** What the stores said. */
  readonly said: string[];
  /** Opens it once more; closed after the test. */
  open(write: StoreOptions['write'], opening?: Opening): Promise<Store>;
}

/** To be called once at the top of a test file: what it answers is new for each test. */
export function couchBehindProxy(name: string): Couch {
  let server: RunningServer;
  const opened: Store[] = [];
  const couch = {
    said: [] as string[],
    open: async (write: StoreOptions['write'], { views, timing, login = '', ...more }: Opening = {}) => {
      const say = (text: string): void => void couch.said.push(text);
      const url = couch.url.replace('//', `//${login}`);
      const store = await openWith(url, { write, say, ...more }, views ?? CONTRACT_VIEWS, timing);
      opened.push(store);
      return store;
    },
  } as Couch & { proxy: FaultProxy; store: Store };
  beforeAll(async () => {
    server = await startCouchServer();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    couch.proxy = await startProxy(server.url);
    couch.url = `${couch.proxy.url}/${name}-${Math.random().toString(36).slice(2, 10)}`;
    couch.store = await couch.open('setup');
    await couch.store.setup('demo');
    couch.proxy.seen.length = 0;
    couch.said.length = 0;
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
    await couch.proxy.stop();
  });
  return couch;
}
