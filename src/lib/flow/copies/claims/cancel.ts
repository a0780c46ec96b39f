// Cancelling transfers: a hold that keeps them cancelled until it is resumed, and the claims of copies under way are
// taken away. Who makes one of these looks for new holds every two seconds (claims.ts), and leaves nothing behind.

import { type DataDoc, type RawFile, type Replica, withDone } from '../../../domain/data/data.ts';
import { cancelOutputs, OUTPUTS } from '../../../domain/data/outcopies.ts';
import { appendHistory } from '../../../domain/doc.ts';
import { covers, type HoldDoc, type HoldScope, inForce } from '../../../domain/hold.ts';
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { type Named, noSuchError } from '../../../domain/named.ts';
import { archivedNext, archivedText } from '../../../domain/runs/archived.ts';
import { idsOfRuns, tookEffect } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { withDryRun } from '../../dry.ts';
import { archivedOf } from '../../jobs/archived/archived.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { pause } from '../../switches/holds.ts';
import type { Session } from '../session.ts';

export interface CancelOptions extends StepOptions {
  readonly why: string;
  readonly until?: Iso;
}

/** Cancels the transfers that `scope` covers, by run, level and storage element, now and until the hold ends. */
export function cancelTransfers(ports: Ports, asked: HoldScope, options: CancelOptions): Step {
  return withDryRun(ports, options, (on) => stopAll(on, asked, options));
}

async function* stopAll(ports: Ports, asked: HoldScope, { why, until }: CancelOptions): Step {
  mustBeConfigured(ports, asked);
  const [known, unknown] = await registered(ports, asked.runs ?? []);
  for (const [first, last] of unknown) {
    const words = first === last ? `run ${first} is not registered` : `no run from ${first} to ${last} is registered`;
    const [archived] = first === last ? (await archivedOf(ports.store, [first])).values() : [];
    const text = `${archived ? `run ${first} is ${archivedText(archived)}` : words}: there is nothing to cancel`;
    const next = archived ? archivedNext(archived) : 'dflow list runs';
    yield { kind: 'run', ref: refOf(first), did: 'unknown', failed: true, text, next };
  }
  if (asked.runs && known.length === 0) return;
  const scope: HoldScope = asked.runs ? { ...asked, runs: known } : asked;
  yield* pause(ports, { what: 'transfer', scope, why, ...(until ? { until } : {}) });
  for (const { name } of ports.settings.storages) {
    const rows = await ports.store.view(views.replicas, { prefix: [name, 'copying'] });
    const docs = await ports.store.get<DataDoc>(rows.map(({ id }) => id));
    const mine = [...docs.values()].filter((doc) => covers(scope, { run: doc.run, level: doc.level, storage: name }));
    for (const doc of mine) yield* stop(ports, doc, name, why);
    yield* stopOutputs(ports, name, scope, why);
  }
}

/** @throws UsageError for an element or a level that does not exist: a hold on it would cover nothing */
function mustBeConfigured({ settings }: Ports, { storages, levels }: HoldScope): void {
  const names = settings.storages.map(({ name }) => name);
  const known = [...settings.buffers.map(({ level }) => level), OUTPUTS];
  const check = (what: Named, asked: readonly string[], all: readonly string[]): void => {
    const wrong = asked.find((name) => !/[*?]/.test(name) && !all.includes(name));
    if (wrong !== undefined) throw noSuchError(what, wrong, all, { where: settings.file });
  };
  check('storage element', storages ?? [], names);
  check('level', levels ?? [], known);
}

type Ranges = NonNullable<HoldScope['runs']>;

/** Ranges in which there is a run, and those in which there is none. */
async function registered({ store }: Ports, ranges: Ranges): Promise<[Ranges, Ranges]> {
  const found = await Promise.all(ranges.map((span) => store.range({ ...idsOfRuns('run:', span), limit: 1 })));
  const has = (index: number): boolean => (found[index]?.length ?? 0) > 0;
  return [ranges.filter((_, index) => has(index)), ranges.filter((_, index) => !has(index))];
}

async function* stopOutputs(ports: Ports, to: string, scope: HoldScope, why: string): Step {
  const { store } = ports;
  const rows = await store.view(views.outputCopies, { prefix: [to, 'copying'] });
  const jobs = await store.get<JobDoc>(rows.map(({ id }) => id));
  const now = await store.now();
  for (const { _id, run, module, pass } of jobs.values()) {
    if (!covers(scope, { run, level: OUTPUTS, storage: to })) continue;
    const item: Item = {
      kind: 'replica',
      ref: refOf(run, module, pass),
      run,
      level: OUTPUTS,
      storage: to,
      did: 'canceled',
    };
    const outcome = await store.update<JobDoc>(_id, (doc) => {
      const next = doc && cancelOutputs(doc, to, now, why);
      return next ? { write: next } : { skip: 'nothing is being copied' };
    });
    if (tookEffect(outcome)) yield item;
  }
}

/** Cancels that came after the call began; from now on nothing that they cover is planned. */
export async function heedCancels(session: Session): Promise<readonly HoldDoc[]> {
  const { store } = session.ports;
  const known = new Set(session.rules.holds.map(({ _id }) => _id));
  const rows = await store.view(views.holds, { prefix: ['transfer'] });
  const fresh = rows.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  if (fresh.length > 0) {
    const [holds, now] = [await store.get<HoldDoc>(fresh), await store.now()];
    const found = [...holds.values()].filter((hold) => inForce(hold, now));
    session.canceled = [...session.canceled, ...found];
    session.rules = { ...session.rules, holds: [...session.rules.holds, ...found] };
  }
  return session.canceled;
}

async function* stop(ports: Ports, found: DataDoc, storage: string, why: string): Step {
  const now = await ports.store.now();
  const outcome = await ports.store.update<DataDoc, readonly string[]>(found._id, (doc) => {
    const stopped = doc ? copying(doc, storage) : [];
    if (!doc || stopped.length === 0) return { skip: 'nothing is being copied' };
    const files = doc.files.map((file) => stoppedFile(file, storage, now, why));
    const many = `${stopped.length} ${stopped.length === 1 ? 'copy' : 'copies'}`;
    const entry = { at: now, by: ports.by, to: 'canceled', why: `${many} to ${storage}: ${why}` };
    return { write: withDone({ ...doc, files, history: appendHistory(doc.history, entry) }), note: stopped };
  });
  const ref = refOf(found.run);
  for (const file of outcome.note ?? [])
    yield { kind: 'replica', ref, run: found.run, level: found.level, file, storage, did: 'canceled' };
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
