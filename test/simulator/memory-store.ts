// A store in memory: the contract's compare-and-swap, retries and operation ids over a `Raw` connection, each of whose
// calls is one exchange with the database that may fail, lose its reply or come late. It knows no scheduler.

import type { Doc } from '../../src/lib/domain/doc.ts';
import type {
  Change,
  ChangesPage,
  Group,
  IdRange,
  KeyRange,
  Outcome,
  Row,
  Store,
  StoreInfo,
  ViewQuery,
} from '../../src/lib/store.ts';
import { inBatches } from '../../src/lib/stores/shared/changes.ts';
import { requireCursor } from '../../src/lib/stores/shared/cursor.ts';
import { assertSetupMeant } from '../../src/lib/stores/shared/experiment.ts';
import { ViewStore } from '../../src/lib/stores/shared/viewstore.ts';
import { ReadOnlyStoreError, StoreError, UsageError } from '../../src/lib/util/errors.ts';
import type { Iso } from '../../src/lib/util/time.ts';
import type { Database, Put, Written } from './database.ts';

/** One exchange each; throws StoreError when the reply is bad or missing, whatever became of the request. */
export interface Raw {
  read(ids: readonly string[]): Promise<Map<string, Doc>>;
  write(puts: readonly Put[]): Promise<Written[]>;
  range(range: IdRange): Promise<Doc[]>;
  view(name: string, query: ViewQuery): Promise<Row[]>;
  count(name: string, level: number, query: ViewQuery): Promise<Group[]>;
  changes(since: string | undefined, limit: number | undefined): Promise<ChangesPage>;
  now(): Promise<Iso>;
}

/** Others may win this many times before a change is reported as lost. */
const CONFLICTS = 10;
/** Failed exchanges in a row before the store counts as unreachable. */
const FAILURES = 3;
/** Operation ids kept in a document. */
const RING = 8;

/** A change on its way: its operation id tells its own write from another's. */
interface Pending {
  readonly change: Change;
  readonly op: string;
  /** The document to decide on; absent: to be read. */
  doc: { readonly current: Doc | undefined } | undefined;
  /** A removal was sent and its reply was lost. */
  removing: boolean;
  failures: number;
  conflicts: number;
  outcome?: Outcome;
}

export class MemoryStore extends ViewStore implements Store {
  constructor(
    private readonly raw: Raw,
    private readonly database: Database,
    private readonly nonce: () => string,
    private readonly readOnly = false,
  ) {
    super();
  }

  async get<D extends Doc = Doc>(ids: readonly string[]): Promise<Map<string, D>> {
    if (ids.length === 0) return new Map();
    return this.retried(() => this.raw.read(ids)) as Promise<Map<string, D>>;
  }
  async range<D extends Doc = Doc>(range: IdRange): Promise<D[]> {
    return this.retried(() => this.raw.range(range)) as Promise<D[]>;
  }
  protected rows(name: string, query: ViewQuery): Promise<Row[]> {
    return this.retried(() => this.raw.view(name, query));
  }
  protected groups(name: string, level: number, query: KeyRange): Promise<Group[]> {
    return this.retried(() => this.raw.count(name, level, query));
  }
  async changes(since?: string, limit?: number): Promise<ChangesPage> {
    // What is refused is refused before it goes to the scheduler.
    if (since !== undefined && since !== 'now') requireCursor(since, /^\d{1,15}$/, 'memory', this.database.last);
    return this.retried(() => this.raw.changes(since, limit));
  }
  async now(): Promise<Iso> {
    return this.retried(() => this.raw.now());
  }

  async bulk<D extends Doc = Doc, N = unknown>(changes: readonly Change<D, N>[]): Promise<Outcome<D, N>[]> {
    if (this.readOnly) throw new ReadOnlyStoreError('this store was opened for reading');
    return inBatches(changes, async (batch) => {
      const open = batch.map((change) => this.pending(change as unknown as Change));
      await this.settle(open);
      return open.map((pending) => pending.outcome as Outcome<D>);
    });
  }

  async setup(experiment: string, force?: string, uuid?: string): Promise<StoreInfo> {
    const { local } = this.database;
    if (local.uuid === undefined) assertSetupMeant('memory', this.database.all().length, experiment, force);
    local.experiment ??= experiment;
    local.uuid ??= uuid ?? '00000000-0000-4000-8000-000000000000';
    if (local.experiment !== experiment) throw new UsageError(`this store is of experiment ${local.experiment}`);
    return this.info();
  }

  async info(): Promise<StoreInfo> {
    const { experiment, uuid } = this.database.local;
    const base = { where: 'memory:', engine: 'memory', documents: this.database.all().length };
    if (experiment === undefined || uuid === undefined) return { ...base, writable: false };
    return { ...base, writable: true, experiment, uuid, schema: 1 };
  }

  async close(): Promise<void> {}

  private pending(change: Change): Pending {
    const doc = change.base ? { current: change.base } : undefined;
    return { change, op: this.nonce(), doc, removing: false, failures: 0, conflicts: 0 };
  }

  /** Rounds of read, decide, write until every change of the batch has its outcome. */
  private async settle(batch: readonly Pending[]): Promise<void> {
    for (;;) {
      const open = batch.filter((pending) => !pending.outcome);
      if (open.length === 0) return;
      await this.readMissing(open);
      const puts = open.flatMap((pending) => decide(pending) ?? []);
      if (puts.length > 0) await this.writeRound(open, puts);
    }
  }

  private async readMissing(open: readonly Pending[]): Promise<void> {
    const missing = open.filter((pending) => !pending.doc);
    if (missing.length === 0) return;
    const docs = await this.retried(() => this.raw.read(missing.map((pending) => pending.change.id)));
    for (const pending of missing) pending.doc = { current: docs.get(pending.change.id) };
  }

  private async writeRound(open: readonly Pending[], puts: readonly Put[]): Promise<void> {
    const writing = open.filter((pending) => !pending.outcome);
    try {
      const written = await this.raw.write(puts);
      writing.forEach((pending, index) => {
        const result = written[index]!;
        if ('conflict' in result) conflicted(pending);
        else pending.outcome = { id: pending.change.id, result: 'written', ...('doc' in result ? result : {}) };
      });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // Unknown, not refused: reading again tells.
      writing.forEach((pending, index) => {
        if (++pending.failures >= FAILURES) throw error;
        pending.removing ||= puts[index]!.doc === undefined;
        pending.doc = undefined;
      });
    }
  }

  private async retried<T>(exchange: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await exchange();
      } catch (error) {
        if (!(error instanceof StoreError) || failures >= FAILURES) throw error;
      }
    }
  }
}

/** The write that the change asks for; without one, its outcome is set. */
function decide(pending: Pending): Put | undefined {
  const { id, change } = pending.change;
  const current = pending.doc?.current;
  const decided = settled(pending, current) ?? change(current);
  if ('result' in decided) pending.outcome = decided;
  else if ('skip' in decided)
    pending.outcome = { id, result: 'skipped', why: decided.skip, ...(current ? { doc: current } : {}) };
  else if ('write' in decided) {
    if (decided.write._id !== id) throw new Error(`${id} would be written as ${decided.write._id}`);
    const ops = [...(current?.ops ?? []), pending.op].slice(-RING);
    return { id, rev: current?._rev, doc: { ...decided.write, _id: id, ops } };
  } else if (current) return { id, rev: current._rev, doc: undefined };
  else pending.outcome = { id, result: 'skipped', why: 'not there' };
  return undefined;
}

/** The outcome that the document itself shows, before the change function is asked. */
function settled({ change: { id }, op, removing }: Pending, current: Doc | undefined): Outcome | undefined {
  if (current?.ops?.includes(op)) return { id, result: 'already', doc: current };
  if (removing && !current) return { id, result: 'already' };
  if (current?._conflicts?.length) return { id, result: 'frozen', doc: current };
  return undefined;
}

function conflicted(pending: Pending): void {
  const { id } = pending.change;
  pending.doc = undefined;
  if (++pending.conflicts >= CONFLICTS) pending.outcome = { id, result: 'lost', why: 'others changed it at every try' };
}
