// Farms, and the steps of each host: `list farms`, `list loops`.
import type { FarmDoc, LeaseDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import { isCovered, isLoop, type LoopState, loopState, loopTroubles } from '../../../domain/farms/loops.ts';
import { drainOf } from '../../../domain/hold.ts';
import { leaseId } from '../../../domain/ids.ts';
import { idsWith } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { between } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
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

/** A step or a loop of a host, and its last round. */
export interface LoopRow extends Row<'loop'> {
  readonly host: string;
  readonly loop: string;
  /** `hand`: a step that no loop of this host runs. */
  readonly state: LoopState | 'hand';
  readonly at: Iso;
  /** Digest of the configuration. */
  readonly hash: string;
  /** `ok`, or what went wrong. */
  readonly outcome: string;
  /** Words of the dflow command. */
  readonly command?: string;
  /** Milliseconds between the beginnings of two rounds. */
  readonly every?: number;
  /** When the next round is expected. */
  readonly due?: Iso;
  /** How the last round ended. */
  readonly exit?: number;
  /** Milliseconds that the last round took. */
  readonly took?: number;
  readonly pid?: number;
  /** The lease that a round must hold. */
  readonly exclusive?: string;
  /** Who holds that lease now. */
  readonly holder?: string;
  readonly next?: string;
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

export async function* loopRows({ store, settings }: ReadPorts): Rows<LoopRow> {
  const docs = await store.range<LoopDoc>(idsWith('loop:'));
  const leases = await store.range<LeaseDoc>(idsWith(leaseId('loop', '')));
  const now = await store.now();
  for (const doc of docs) {
    const { host, loop, at, hash, outcome } = doc;
    const row = { kind: 'loop', ref: doc._id, host, loop, at, hash, outcome } as const;
    if (!isLoop(doc)) {
      if (!isCovered(doc, docs)) yield { ...row, state: 'hand' };
      continue;
    }
    const { command, every, due, exit, took, pid, exclusive, stopped } = doc.plan;
    const lease = leases.find(({ _id }) => _id === leaseId('loop', exclusive ?? ''));
    const holder = lease?.released === undefined ? lease?.by : undefined;
    const [trouble] = loopTroubles([doc], settings.hosts, now);
    yield {
      ...{ ...row, state: loopState(doc, settings.hosts, now), command, every },
      ...(stopped === undefined ? { due } : {}),
      ...given({ exit, took, pid, exclusive, holder, next: trouble?.next }),
    };
  }
}
