// What one call of verify works with.
import { named } from '../../../domain/named.ts';
import { type Iso, plus } from '../../../util/time.ts';
import { Sites } from '../../copies/sites.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { Ports, StepOptions } from '../../ports.ts';
import { Progress } from '../../progress.ts';

export interface VerifyOptions extends StepOptions {
  /** Every byte is read, instead of asking the storage element for its checksum. */
  readonly read?: boolean;
  /** Bad copies are made anew from good ones. */
  readonly repair?: boolean;
  readonly storages?: readonly string[];
  readonly levels?: readonly string[];
  readonly runs?: (run: number) => boolean;
  /** Milliseconds: what was checked within this time is left out, so that a stopped verify goes on where it was. */
  readonly sinceVerified?: number;
}

export interface VerifySession {
  readonly ports: Ports;
  readonly options: VerifyOptions;
  readonly storages: readonly string[];
  readonly sites: Sites;
  /** Copies checked before this time are due. */
  readonly due: Iso;
  /** When the call began, by the store's clock. */
  readonly began: Iso;
  /** Storage elements with too much bad at once. */
  readonly faulty: Set<string>;
  readonly told: Progress;
  /** Copies that may still be checked. */
  left: number;
}

/** @throws UsageError for a name that does not exist */
export async function openVerify(ports: Ports, options: VerifyOptions): Promise<VerifySession> {
  const { settings, store } = ports;
  const names = settings.storages.map(({ name }) => name);
  const levels = settings.buffers.map(({ level }) => level);
  for (const name of options.storages ?? []) named('storage element', name, names);
  for (const level of options.levels ?? []) named('level', level, levels);
  const now = await store.now();
  const sites = new Sites(ports);
  const storages = [];
  for (const name of options.storages ?? names) {
    const holds = await activeHolds(store, now);
    const hold = holds.find(({ what, scope }) => what === 'storage' && scope.storages?.includes(name) && !scope.runs);
    if (!hold) storages.push(name);
    else {
      const text = `disabled: ${hold.why}`;
      sites.say(name, { kind: 'storage', ref: name, did: 'skipped', text, next: `dflow resume ${hold._id}` });
    }
  }
  return {
    ports,
    options,
    storages,
    sites,
    due: plus(now, -(options.sinceVerified ?? 0)),
    began: now,
    faulty: new Set(),
    told: new Progress(ports),
    left: options.limit ?? Number.POSITIVE_INFINITY,
  };
}
