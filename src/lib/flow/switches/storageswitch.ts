// Switches of storage elements: primary for a while, disabled for a while. Audited holds that end by themselves.

import { inOrder } from '../../domain/data/replicas.ts';
import type { HoldDoc } from '../../domain/hold.ts';
import { named } from '../../domain/named.ts';
import type { Settings } from '../../domain/settings.ts';
import type { Iso } from '../../util/time.ts';
import { activeHolds } from '../jobs/openholds.ts';
import type { Ports, Step, StepOptions } from '../ports.ts';
import { pause, resume } from './holds.ts';

export interface Switch extends StepOptions {
  readonly why: string;
  /** It ends by itself at this time. */
  readonly until: Iso;
}

/** Makes `name` the primary until then; a switch that is in force ends. @throws UsageError */
export async function* setPrimary(ports: Ports, name: string, options: Switch): Step {
  mustBeStorage(ports, name);
  const holds = await activeHolds(ports.store, await ports.store.now());
  const old = holds.filter(({ what }) => what === 'primary').map(({ _id }) => _id);
  if (old.length > 0) yield* resume(ports, old, `${name} is primary now`, options);
  const { why, until } = options;
  yield* pause(ports, { what: 'primary', scope: { storages: [name] }, why, until }, options);
}

/** Keeps transfers, verify and purge away from `name` until then. @throws UsageError */
export async function* disable(ports: Ports, name: string, options: Switch): Step {
  mustBeStorage(ports, name);
  const { why, until } = options;
  yield* pause(ports, { what: 'storage', scope: { storages: [name] }, why, until }, options);
}

/** The storage element that new files go to first: not one that is disabled. */
export function primaryOf(settings: Settings, holds: readonly HoldDoc[]): string | undefined {
  const away = holds.filter(({ what, scope }) => what === 'storage' && !scope.runs && !scope.levels);
  const open = inOrder(settings.storages, holds).filter(
    ({ name }) => !away.some(({ scope }) => scope.storages?.includes(name)),
  );
  return open[0]?.name;
}

function mustBeStorage({ settings }: Ports, name: string): void {
  const names = settings.storages.map((storage) => storage.name);
  named('storage element', name, names, { where: settings.file });
}
