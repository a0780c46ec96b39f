// Farms, and the steps of each host: `list farms`, `list loops`.
import type { FarmDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import { drainOf } from '../../../domain/hold.ts';
import { idsWith } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { between } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from './row.ts';

/** A farm. */
export interface FarmRow extends Row<'farm'> {
  readonly backend: string;
  /** Jobs that it runs at once. */
  readonly slots: number;
  /** Subjobs that it has now. */
  readonly active: number;
  readonly state: 'ok' | 'drained' | 'silent' | 'never seen';
  /** Software versions installed there. */
  readonly versions?: readonly string[];
  readonly host?: string;
  readonly heartbeat?: Iso;
  readonly epoch?: number;
  /** Why it is drained. */
  readonly why?: string;
  readonly until?: Iso;
  readonly next?: string;
}

/** A step of a host, as it ended last. */
export interface LoopRow extends Row<'loop'> {
  readonly host: string;
  readonly loop: string;
  readonly at: Iso;
  /** Digest of the configuration. */
  readonly hash: string;
  /** `ok`, or what went wrong. */
  readonly outcome: string;
}

export async function* farmRows(ports: ReadPorts): Rows<FarmRow> {
  const docs = await ports.store.range<FarmDoc>(idsWith('farm:'));
  const active = await ports.store.count(views.active, 1);
  const now = await ports.store.now();
  const seen = new Map(docs.map((doc) => [doc.site, doc]));
  const inForce = await activeHolds(ports.store, now);
  for (const name of new Set([...ports.settings.farms.map((farm) => farm.name), ...seen.keys()])) {
    const doc = seen.get(name);
    const said = ports.settings.farms.find((farm) => farm.name === name);
    const drain = drainOf(inForce, name);
    const stale = doc && between(doc.heartbeat, now) > ports.settings.limits.stale;
    yield {
      kind: 'farm',
      ref: name,
      backend: doc?.backend ?? said?.backend ?? '',
      slots: doc?.slots ?? said?.slots ?? 0,
      active: active.find(({ key }) => key[0] === name)?.value ?? 0,
      state: doc ? (stale ? 'silent' : drain ? 'drained' : 'ok') : 'never seen',
      ...(said?.versions ? { versions: said.versions } : {}),
      ...(doc ? { host: doc.host, heartbeat: doc.heartbeat, epoch: doc.epoch } : {}),
      ...(drain ? { why: drain.why, until: drain.until, next: `dflow resume ${drain._id}` } : {}),
    };
  }
}

export async function* loopRows(ports: ReadPorts): Rows<LoopRow> {
  for (const doc of await ports.store.range<LoopDoc>(idsWith('loop:'))) {
    const { host, loop, at, hash, outcome } = doc;
    yield { kind: 'loop', ref: doc._id, host, loop, at, hash, outcome };
  }
}
