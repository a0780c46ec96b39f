// Replica slots in the store: claimed in one bulk per batch, renewed while copies run, settled in one bulk.
// One write per document and batch, not per file: a document with 300 files would be written 300 times.
import type { DataDoc } from '../../domain/data.ts';
import type { CopyTask } from '../../domain/replicas.ts';
import { claimSlots, isOurs, type Result, renewSlots, settle } from '../../domain/slots.ts';
import type { Outcome } from '../../store.ts';
import { StoreError } from '../../util/errors.ts';
import { groupBy } from '../../util/group.ts';
import { type Iso, plus } from '../../util/time.ts';
import type { Session } from './session.ts';

/** Data documents as last read, by id. */
export type Docs = Map<string, DataDoc>;

/** Another attempt has the slot: this copy is stopped and leaves nothing. */
export class SlotLostError extends Error {}

type Change = (doc: DataDoc, tasks: readonly CopyTask[]) => DataDoc | undefined;

/** Changes the documents of `tasks`, one write each, and brings `docs` up to what is in the store now. */
async function changeDocs(
  session: Session,
  docs: Docs,
  tasks: readonly CopyTask[],
  change: Change,
): Promise<Outcome<DataDoc>[]> {
  const { store } = session.ports;
  const byId = groupBy(tasks, (task) => task.id);
  const outcomes = await store.bulk<DataDoc>(
    [...byId].map(([id, mine]) => {
      const base = docs.get(id);
      return {
        id,
        ...(base ? { base } : {}),
        change: (doc) => {
          const next = doc && change(doc, mine);
          return next ? { write: next } : { skip: 'no slot of it is ours to change' };
        },
      };
    }),
  );
  for (const { id, result, doc } of outcomes) {
    if (doc && (result === 'written' || result === 'already')) docs.set(id, doc);
    else docs.delete(id);
  }
  const unknown = outcomes.filter(({ id }) => !docs.has(id)).map(({ id }) => id);
  for (const [id, doc] of unknown.length > 0 ? await store.get<DataDoc>(unknown) : []) docs.set(id, doc);
  return outcomes;
}

export interface Claimed {
  readonly nonce: string;
  readonly expires: Iso;
  readonly tasks: readonly CopyTask[];
  /** Documents that could not be changed: frozen, or changed by others at every try. */
  readonly refused: readonly Outcome<DataDoc>[];
}

/** Claims the slots of `tasks`; those that others have, or had meanwhile, are left out. */
export async function claimBatch(session: Session, tasks: readonly CopyTask[], docs: Docs): Promise<Claimed> {
  const { ports } = session;
  const { store, settings, host } = ports;
  const nonce = ports.nonce();
  const now = await store.now();
  const expires = plus(now, settings.transfer.lease);
  const claim = { host, nonce, now, expires };
  const outcomes = await changeDocs(session, docs, tasks, (doc, mine) => claimSlots(doc, mine, claim));
  return {
    nonce,
    expires,
    tasks: tasks.filter((task) => isOurs(docs.get(task.id), task, nonce)),
    refused: outcomes.filter(({ result }) => result === 'frozen' || result === 'lost'),
  };
}

/** The slots of a batch, renewed until it is stopped. */
export class Lease {
  readonly nonce: string;
  readonly #session: Session;
  readonly #controllers: ReadonlyMap<CopyTask, AbortController>;
  readonly #stopped = new AbortController();
  #expires: Iso;
  #renewing: Promise<void> = Promise.resolve();

  constructor(session: Session, claimed: Claimed) {
    this.nonce = claimed.nonce;
    this.#session = session;
    this.#expires = claimed.expires;
    this.#controllers = new Map(claimed.tasks.map((task) => [task, new AbortController()]));
    // Its error is that of `#renewing`, which `stop` awaits.
    void this.#loop().catch(() => undefined);
  }

  /** Aborted with a SlotLostError when the slot of `task` is no longer ours. */
  signal(task: CopyTask): AbortSignal {
    return this.#controllers.get(task)!.signal;
  }

  /**
   * Asked right before a copy gets its final name. Before the lease is over nobody may have taken the slot; after that,
   * the document says.
   * @throws SlotLostError
   */
  async confirm(task: CopyTask): Promise<void> {
    this.signal(task).throwIfAborted();
    const { store } = this.#session.ports;
    if ((await store.now()) < this.#expires) return;
    const docs = await store.get<DataDoc>([task.id]);
    if (!isOurs(docs.get(task.id), task, this.nonce)) throw lost(task);
  }

  stop(): Promise<void> {
    this.#stopped.abort();
    return this.#renewing;
  }

  async #loop(): Promise<void> {
    const { ports } = this.#session;
    for (;;) {
      await ports.sleep(ports.settings.transfer.lease / 3, this.#stopped.signal);
      if (this.#stopped.signal.aborted) return;
      // A store that is away for a moment is asked again at the next turn; whether the slots held shows at the end.
      this.#renewing = this.#renew().catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
      });
      await this.#renewing;
    }
  }

  async #renew(): Promise<void> {
    const { store, settings } = this.#session.ports;
    const expires = plus(await store.now(), settings.transfer.lease);
    const docs: Docs = new Map();
    const tasks = [...this.#controllers.keys()];
    await changeDocs(this.#session, docs, tasks, (doc, mine) => renewSlots(doc, mine, this.nonce, expires));
    for (const [task, controller] of this.#controllers) {
      if (!isOurs(docs.get(task.id), task, this.nonce)) controller.abort(lost(task));
    }
    this.#expires = expires;
  }
}

function lost(task: CopyTask): SlotLostError {
  return new SlotLostError(`${task.file.name} to ${task.to}: slot lost`);
}

/** Records the results; answers which of them are in the store now. A lost slot is not recorded. */
export async function recordBatch(
  session: Session,
  results: readonly Result[],
  nonce: string,
  docs: Docs,
): Promise<Set<Result>> {
  const { store, settings, by } = session.ports;
  const settling = { nonce, now: await store.now(), retry: settings.transfer.retry, by };
  const byTask = new Map(results.map((result) => [result.task, result]));
  await changeDocs(session, docs, [...byTask.keys()], (doc, mine) =>
    settle(
      doc,
      mine.map((task) => byTask.get(task)!),
      settling,
    ),
  );
  return new Set(results.filter((result) => isRecorded(docs.get(result.task.id), result)));
}

function isRecorded(doc: DataDoc | undefined, { task, did }: Result): boolean {
  const replica = doc?.files.find((file) => file.name === task.file.name)?.replicas[task.to];
  const state = did === 'verified' || did === 'adopted' ? 'verified' : 'failed';
  return replica?.state === state && replica.attempt === task.attempt;
}
