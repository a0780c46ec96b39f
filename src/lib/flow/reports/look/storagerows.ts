// Storage elements with their replicas by state, counted by the store.

import { asideNow } from '../../../domain/storage/breaker.ts';
import { withoutSecrets } from '../../../util/text/secrets.ts';
import { views } from '../../../views/index.ts';
import { breakers } from '../../copies/breakers.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { ReadPorts } from '../../ports.ts';
import { primaryOf } from '../../switches/storageswitch.ts';
import type { Row, Rows } from './row.ts';

/** A storage element. */
export interface StorageRow extends Row<'storage'> {
  readonly protocol: string;
  readonly primary: boolean;
  readonly tape: boolean;
  /** Number of verified copies. */
  readonly verified: number;
  /** Number of copies under way. */
  readonly copying: number;
  /** Number of copies that failed. */
  readonly failed: number;
  /** Number of bad copies. */
  readonly bad: number;
  /** `ok`, `disabled` or `breaker since TIME`. */
  readonly state: string;
  /** Without credentials. */
  readonly url: string;
}

export async function* storageRows(ports: ReadPorts): Rows<StorageRow> {
  const groups = await ports.store.count(views.replicas, 2);
  const now = await ports.store.now();
  const holds = await activeHolds(ports.store, now);
  const troubles = await breakers(ports.store);
  const primary = primaryOf(ports.settings, holds);
  for (const storage of ports.settings.storages) {
    const disabled = holds.some(({ what, scope }) => what === 'storage' && scope.storages?.includes(storage.name));
    const aside = asideNow(troubles.get(storage.name), now);
    const cause = Object.keys(troubles.get(storage.name)?.causes ?? {})[0];
    const own = groups.filter(({ key }) => key[0] === storage.name);
    const states = Object.fromEntries(own.map(({ key, value }) => [key[1], value]));
    yield {
      kind: 'storage',
      ref: storage.name,
      protocol: storage.protocol,
      primary: storage.name === primary,
      tape: storage.tape,
      verified: states.verified ?? 0,
      copying: states.copying ?? 0,
      failed: states.failed ?? 0,
      bad: states.bad ?? 0,
      state: disabled ? 'disabled' : aside ? `breaker since ${aside.since}` : (cause ?? 'ok'),
      url: withoutSecrets(storage.url),
    };
  }
}
