// Storage elements with their replicas by state, counted by the store.
import type { Rows } from '../look.ts';
import type { Ports } from '../ports.ts';

export async function* storageRows(ports: Ports): Rows {
  const groups = await ports.store.count('replicas', 2);
  for (const [index, storage] of ports.settings.storages.entries()) {
    const own = groups.filter(({ key }) => (key as string[])[0] === storage.name);
    const states = Object.fromEntries(own.map(({ key, value }) => [(key as string[])[1], value]));
    yield {
      kind: 'storage',
      ref: storage.name,
      protocol: storage.protocol,
      primary: index === 0,
      tape: storage.tape,
      verified: states.verified ?? 0,
      copying: states.copying ?? 0,
      failed: states.failed ?? 0,
      bad: states.bad ?? 0,
      url: storage.url.replace(/\/\/[^/@]*@/, '//'),
    };
  }
}
