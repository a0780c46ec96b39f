// store replicate, compact and info: copies of the store by its own server, its size, and how far the copies are.
import type { Compacted, Mine, Replication, Store, StoreInfo, StoreReplication } from '../../../store.ts';
import { isBroken, replicationText } from '../../../storekeeping.ts';
import { UsageError } from '../../../util/errors.ts';
import { humanBytes } from '../../../util/text/bytes.ts';
import type { Item, ItemOf, Step, StepOptions } from '../../ports.ts';

export interface ReplicateOptions extends StepOptions {
  readonly continuous?: boolean;
  /** Ends it instead. */
  readonly stop?: boolean;
}

export async function* replicate(store: Store, target: string, options: ReplicateOptions): Step {
  const replication = replicationOf(store);
  const { continuous, stop, dryRun } = options;
  const dry = dryRun ? { dryRun: true } : {};
  if (stop) {
    const { where: source } = await store.info();
    const ended = await replication.stop(target, dryRun);
    const did = ended ? 'stopped' : 'unchanged';
    const text = ended ? 'the target stays as it is, read-only' : 'there is no replication to this target';
    yield { kind: 'replication', ref: target, did, state: 'none', source, text, ...dry };
    return;
  }
  const now = await replication.start(target, { continuous, dryRun });
  yield { ...itemOf(now, now.fresh ? (now.state === 'completed' ? 'copied' : 'started') : 'unchanged'), ...dry };
}

function itemOf(now: Replication, did: ItemOf<'replication'>['did']): ItemOf<'replication'> {
  const { target: ref, source, state, lag, error } = now;
  const base = { kind: 'replication', ref, did, state, source, ...(lag !== undefined && { lag }) } as const;
  if (!isBroken(now)) return { ...base, text: replicationText(now) };
  const next = 'correct the login of the target or its server, then the same command again';
  return { ...base, did: 'failed', failed: true, text: `${state}: ${error ?? 'no reason given'}`, next };
}

function replicationOf(store: Store): StoreReplication {
  if (store.replication) return store.replication;
  throw new UsageError('only a CouchDB store can be replicated by dflow', {
    hint: 'dflow store backup backups/',
  });
}

export { replicationText };

/** What `store info` shows: the store, who is logged in, and each replication from or to it. */
export interface StoreState extends StoreInfo, Mine {
  readonly replications?: readonly Replication[];
}

export async function storeState(store: Store): Promise<StoreState> {
  const [info, mine, replications] = await Promise.all([store.info(), store.rights?.mine(), store.replication?.list()]);
  return { ...info, ...mine, ...(replications && replications.length > 0 && { replications }) };
}

/** Gives back room; says the size of each part before and after. */
export async function* compactStore(store: Store, { dryRun }: StepOptions): Step {
  const { where } = await store.info();
  if (!store.compact) {
    yield { kind: 'store', ref: where, did: 'unchanged', text: 'the server of this store compacts by itself' };
    return;
  }
  for await (const part of store.compact({ dryRun: dryRun === true })) yield compactedItem(where, part);
}

function compactedItem(where: string, { part, before, after }: Compacted): Item {
  const sizes = `${humanBytes(before)}${after === undefined ? '' : ` before, ${humanBytes(after)} after`}`;
  const base = { kind: 'store', ref: where, did: 'compacted', text: `${part}: ${sizes}`, before } as const;
  return after === undefined ? { ...base, dryRun: true } : { ...base, bytes: after };
}
