// Cancelling transfers: a hold that keeps them cancelled until it is resumed, and the copies under way are stopped. Who
// makes one of these sees at its next renewal that the slot is no longer its own, and leaves nothing behind.
import { type DataDoc, type RawFile, type Replica, withDone } from '../../domain/data.ts';
import { appendHistory } from '../../domain/doc.ts';
import { covers, type HoldScope } from '../../domain/hold.ts';
import { refOf } from '../../domain/ids.ts';
import type { Iso } from '../../util/time.ts';
import { pause } from '../holds.ts';
import type { Item, Ports, Step, StepOptions } from '../ports.ts';

export interface CancelOptions extends StepOptions {
  readonly why: string;
  readonly until?: Iso;
}

/** Cancels the transfers that `scope` covers, by run, level and storage element, now and until the hold ends. */
export async function* cancelTransfers(ports: Ports, scope: HoldScope, options: CancelOptions): Step {
  const { why, until, dryRun } = options;
  yield* pause(ports, { what: 'transfer', scope, why, ...(until ? { until } : {}) }, dryRun ? { dryRun } : {});
  for (const { name } of ports.settings.storages) {
    const rows = await ports.store.view('replicas', { prefix: [name, 'copying'] });
    const docs = await ports.store.get<DataDoc>(rows.map(({ id }) => id));
    const mine = [...docs.values()].filter((doc) => covers(scope, { run: doc.run, level: doc.level, storage: name }));
    for (const doc of mine) yield* stop(ports, doc, name, options);
  }
}

async function* stop(ports: Ports, found: DataDoc, storage: string, { why, dryRun }: CancelOptions): Step {
  const now = await ports.store.now();
  let stopped: string[] = copying(found, storage);
  if (!dryRun) {
    await ports.store.update<DataDoc>(found._id, (doc) => {
      stopped = doc ? copying(doc, storage) : [];
      if (!doc || stopped.length === 0) return { skip: 'nothing is being copied' };
      const files = doc.files.map((file) => stoppedFile(file, storage, now, why));
      const entry = { at: now, by: ports.by, to: 'canceled', why: `${stopped.length} copies to ${storage}: ${why}` };
      return { write: withDone({ ...doc, files, history: appendHistory(doc.history, entry) }) };
    });
  }
  for (const file of stopped) {
    const item: Item = {
      kind: 'replica',
      ref: refOf(found.run),
      run: found.run,
      level: found.level,
      file,
      storage,
      did: 'canceled',
    };
    yield dryRun ? { ...item, dryRun: true } : item;
  }
}

function copying(doc: DataDoc, storage: string): string[] {
  return doc.files.filter(({ replicas }) => replicas[storage]?.state === 'copying').map(({ name }) => name);
}

/** A copy that is stopped is due again once the hold ends; a bad one that was being replaced is bad again. */
function stoppedFile(file: RawFile, storage: string, now: Iso, why: string): RawFile {
  const replica = file.replicas[storage];
  if (replica?.state !== 'copying') return file;
  const { attempt, repair } = replica;
  const next: Replica = repair
    ? { state: 'bad', attempt, since: now, ...repair }
    : { state: 'failed', attempt, since: now, why: `canceled: ${why}`, retryAt: now };
  return { ...file, replicas: { ...file.replicas, [storage]: next } };
}
