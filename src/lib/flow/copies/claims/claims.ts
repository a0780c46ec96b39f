// A batch of copies that is claimed, made and recorded. Where claims stand is not known here: raw files have slots in
// their data document (slots.ts), outputs one claim for each element in their job (outputclaims.ts).

import type { CopyTask } from '../../../domain/data/replicas.ts';
import type { Claim, Renewal, Result } from '../../../domain/data/slots.ts';
import { covers } from '../../../domain/hold.ts';
import { StoreError } from '../../../util/errors.ts';
import { type Iso, plus, SECOND } from '../../../util/time.ts';
import { have } from '../../../util/values/have.ts';
import { CanceledError, type CopyLease, removeStale, SlotLostError } from '../copy.ts';
import type { Session } from '../session.ts';
import { heedCancels } from './cancel.ts';

/** Where copies of some documents are claimed, renewed and recorded: one write for each document. */
export interface Claims {
  /** Claims what is still due; answers which of `tasks` are ours now. */
  claim(tasks: readonly CopyTask[], claim: Claim): Promise<readonly CopyTask[]>;
  /** Makes claims good for longer; answers which are still ours. */
  renew(tasks: readonly CopyTask[], renewal: Renewal): Promise<ReadonlySet<CopyTask>>;
  /** True when the claim is still ours, by the document as it is now. */
  isOurs(task: CopyTask, nonce: string): Promise<boolean>;
  /** Writes down how they ended; answers of which results the documents say so now. */
  record(results: readonly Result[], nonce: string): Promise<ReadonlySet<Result>>;
}

/** How a batch is made. */
export interface Making {
  copy(task: CopyTask, lease: CopyLease): Promise<Result>;
  /** Runs `one` for each, as many at once as may be. */
  run(tasks: readonly CopyTask[], one: (task: CopyTask) => Promise<Result>): Promise<AsyncIterable<Result>>;
  /** Known without a copy; recorded with the others. */
  readonly broken?: readonly Result[];
}

export interface Made {
  /** In the order of the tasks. */
  readonly results: readonly Result[];
  readonly recorded: ReadonlySet<Result>;
  /** An error that stopped the step (credentials): thrown by the caller once it has said what was done. */
  readonly fatal: unknown;
}

/**
 * Claims, copies, records. After an error that stops the step the rest is released, so that nothing counts as failed and
 * nothing waits for the lease to end.
 */
export async function makeClaimed(
  session: Session,
  claims: Claims,
  tasks: readonly CopyTask[],
  making: Making,
): Promise<Made> {
  const { presence, nonce: fresh } = session.ports;
  const nonce = fresh();
  session.own.add(nonce);
  const leave = await presence?.enter(nonce);
  try {
    return await makeAs(nonce, session, claims, tasks, making);
  } finally {
    await leave?.();
  }
}

async function makeAs(
  nonce: string,
  session: Session,
  claims: Claims,
  tasks: readonly CopyTask[],
  { copy, run, broken = [] }: Making,
): Promise<Made> {
  const { store, settings, host, presence, stopping } = session.ports;
  const now = await store.now();
  const holder = presence?.holder === undefined ? {} : { holder: presence.holder };
  const claim = { host, nonce, ...holder, now, expires: plus(now, settings.transfer.lease), gone: session.rules.gone };
  const mine = stopping?.aborted ? [] : await claims.claim(tasks, claim);
  const lease = new Lease(session, claims, mine, claim);
  const results: Result[] = [];
  let fatal: unknown = stopping?.reason;
  const halt = (): void => {
    fatal ??= stopping?.reason;
    lease.stopAll(stopping?.reason);
  };
  stopping?.addEventListener('abort', halt);
  const one = async (task: CopyTask): Promise<Result> => {
    if (fatal !== undefined) return { task, did: 'released', why: 'stopped before it began' };
    try {
      return await copy(task, lease);
    } catch (error) {
      fatal ??= error;
      return { task, did: 'released', why: 'stopped' };
    }
  };
  try {
    await removeStale(session, mine);
    for await (const result of await run(mine, one)) results.push(result);
  } finally {
    stopping?.removeEventListener('abort', halt);
    await lease.stop();
  }
  // As planned, oldest run first, not as they finished.
  const order = new Map(mine.map((task, index) => [task, index]));
  results.sort((a, b) => have(order, a.task) - have(order, b.task));
  const all = [...broken, ...results];
  return { results: all, recorded: await claims.record(all, nonce), fatal };
}

/** How soon a copy under way notices that it was cancelled. */
const HEED = 2 * SECOND;

/** The claims of a batch, renewed until it is stopped. */
class Lease implements CopyLease {
  readonly nonce: string;
  readonly #session: Session;
  readonly #claims: Claims;
  readonly #controllers: ReadonlyMap<CopyTask, AbortController>;
  readonly #stopped = new AbortController();
  readonly #working: Promise<void>;
  #expires: Iso;

  constructor(session: Session, claims: Claims, tasks: readonly CopyTask[], { nonce, expires }: Claim) {
    this.nonce = nonce;
    this.#session = session;
    this.#claims = claims;
    this.#expires = expires;
    this.#controllers = new Map(tasks.map((task) => [task, new AbortController()]));
    this.#working = tasks.length > 0 ? this.#loop() : Promise.resolve();
    // Its error is that of `#working`, which `stop` awaits.
    this.#working.catch(() => undefined);
  }

  /** Aborted with a SlotLostError when the claim of `task` is no longer ours, with a CanceledError when it shall stop. */
  signal(task: CopyTask): AbortSignal {
    return have(this.#controllers, task).signal;
  }

  /**
   * Asked right before a copy gets its final name. Before the lease is over nobody may have taken the slot; after that,
   * the document says.
   * @throws SlotLostError, CanceledError
   */
  async confirm(task: CopyTask): Promise<void> {
    this.signal(task).throwIfAborted();
    if ((await this.#session.ports.store.now()) < this.#expires) return;
    if (!(await this.#claims.isOurs(task, this.nonce))) throw lost(task);
  }

  /** Stops every copy, for one reason. */
  stopAll(reason: unknown): void {
    for (const controller of this.#controllers.values()) controller.abort(reason);
  }

  stop(): Promise<void> {
    this.#stopped.abort();
    return this.#working;
  }

  async #loop(): Promise<void> {
    const { sleep, settings } = this.#session.ports;
    const turn = settings.transfer.lease / 3;
    const step = Math.min(HEED, turn);
    for (let waited = 0; !this.#stopped.signal.aborted; waited += step) {
      await unlessAway(this.#heed());
      if (waited >= turn) {
        waited = 0;
        await unlessAway(this.#renew());
      }
      await sleep(step, this.#stopped.signal);
    }
  }

  /** The hold says it before the claim is taken away: so a cancel that was killed half-way counts as well. */
  async #heed(): Promise<void> {
    const holds = await heedCancels(this.#session);
    if (holds.length === 0) return;
    for (const [task, controller] of this.#controllers) {
      const { run, level, to: storage } = task;
      const hold = holds.find(({ scope }) => covers(scope, { run, level, storage }));
      if (hold) controller.abort(new CanceledError(`canceled: ${hold.why}`));
    }
  }

  async #renew(): Promise<void> {
    const { store, settings } = this.#session.ports;
    const renewed = await store.now();
    const expires = plus(renewed, settings.transfer.lease);
    const ours = await this.#claims.renew([...this.#controllers.keys()], { nonce: this.nonce, renewed, expires });
    for (const [task, controller] of this.#controllers) if (!ours.has(task)) controller.abort(lost(task));
    this.#expires = expires;
  }
}

/** A store that is away for a moment is asked again at the next turn; whether the claims held shows at the end. */
async function unlessAway(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
  });
}

function lost(task: CopyTask): SlotLostError {
  return new SlotLostError(`${task.file.name} to ${task.to}: slot lost`);
}
