// One process's connection to the simulated database: every exchange is a yield point of the scheduler.
import type { Doc } from '../../src/lib/domain/doc.ts';
import type { ChangesPage, Group, IdRange, Row, ViewQuery } from '../../src/lib/store.ts';
import { StoreError } from '../../src/lib/util/errors.ts';
import { type Iso, iso } from '../../src/lib/util/time.ts';
import type { Database, Put, Written } from './database.ts';
import type { Raw } from './memory-store.ts';
import type { Process, Scheduler } from './scheduler.ts';

/** Writes that a stale view may lag behind. */
const LAG = 12;

export class Connection implements Raw {
  constructor(
    private readonly database: Database,
    private readonly scheduler: Scheduler,
    private readonly process: Process,
    private readonly blind = false,
  ) {}

  read(ids: readonly string[]): Promise<Map<string, Doc>> {
    return this.call(`read ${ids.join(' ')}`, () => {
      const docs = ids.flatMap((id) => this.database.read(id) ?? []);
      return new Map(docs.map((doc) => [doc._id, doc]));
    });
  }

  write(puts: readonly Put[]): Promise<Written[]> {
    const some = (): void => {
      this.database.write(puts.filter(() => this.scheduler.random.chance(0.5)));
    };
    const what = `write ${puts.map((put) => `${put.id}@${put.rev ?? 'new'}`).join(' ')}`;
    const all = (): Written[] => this.database.write(this.blind ? puts.map((put) => this.overwriting(put)) : puts);
    return this.call(what, all, puts.length > 1 ? { partial: some } : {});
  }

  /** Sabotage: whatever is there is replaced. */
  private overwriting(put: Put): Put {
    return { ...put, rev: this.database.read(put.id)?._rev };
  }

  range(range: IdRange): Promise<Doc[]> {
    return this.call(`range ${range.start}`, () => this.database.range(range));
  }

  view(name: string, query: ViewQuery): Promise<Row[]> {
    const stale = (): Row[] => this.database.view(name, query, this.past());
    return this.call(`view ${name}`, () => this.database.view(name, query), { stale });
  }

  count(name: string, level: number, query: ViewQuery): Promise<Group[]> {
    const stale = (): Group[] => this.database.count(name, level, query, this.past());
    return this.call(`count ${name}`, () => this.database.count(name, level, query), { stale });
  }

  changes(since: string | undefined, limit: number | undefined): Promise<ChangesPage> {
    return this.call('changes', () => this.database.changes(since, limit));
  }

  now(): Promise<Iso> {
    return this.call('now', () => iso(this.scheduler.now));
  }

  private past(): number {
    return Math.max(0, this.database.last - this.scheduler.random.whole(1, LAG));
  }

  private call<T>(
    what: string,
    effect: () => T,
    more: { readonly partial?: () => void; readonly stale?: () => T } = {},
  ): Promise<T> {
    const error = (reason: string): StoreError => new StoreError(`store: ${reason}`);
    return this.scheduler.call(this.process, { what: `store: ${what}`, effect, error, ...more });
  }
}
