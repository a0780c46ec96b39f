// What every store does alike: a change alone is a bulk of one; many ranges are one after the other, where nothing is
// better; of a query, the handle of the view becomes a name, and its rows get the handle's types.
import type { Doc, Json } from '../../domain/doc.ts';
import { named } from '../../domain/named.ts';
import type {
  Change,
  Group,
  IdRange,
  IdSpan,
  KeyRange,
  Outcome,
  Row,
  StoreIdentity,
  StoreInfo,
  ViewQuery,
} from '../../store.ts';
import { UsageError } from '../../util/errors.ts';
import { have, nth } from '../../util/values/have.ts';
import type { Head, Level, Prefix, Within } from '../../views/keys.ts';
import type { View } from '../../views/view.ts';

export abstract class ViewStore {
  protected abstract rows(view: string, query: ViewQuery): Promise<Row[]>;
  protected abstract groups(view: string, level: number, query: KeyRange): Promise<Group[]>;
  abstract range<D extends Doc>(range: IdRange): Promise<D[]>;
  abstract info(): Promise<StoreInfo>;
  abstract bulk<D extends Doc = Doc, N = unknown>(changes: readonly Change<D, N>[]): Promise<Outcome<D, N>[]>;

  identity(): Promise<StoreIdentity> {
    return this.info();
  }

  async update<D extends Doc = Doc, N = unknown>(id: string, change: Change<D, N>['change']): Promise<Outcome<D, N>> {
    return nth(await this.bulk<D, N>([{ id, change }]), 0);
  }

  async ranges<D extends Doc>(spans: readonly IdSpan[]): Promise<D[]> {
    const docs: D[] = [];
    for (const span of spans) for (const doc of await this.range<D>(span)) docs.push(doc);
    return docs;
  }

  view<Key extends Json, Value extends Json, const Begin extends Prefix<Key> = Prefix<Key>>(
    view: View<Key, Value>,
    query?: ViewQuery<NoInfer<Key>, Begin>,
  ): Promise<Row<Within<Key, Begin>, Value>[]>;
  view({ name }: View, query: ViewQuery = {}): Promise<Row[]> {
    return this.rows(name, query);
  }

  count<Key extends Json, Value extends Json, Count extends Level>(
    view: View<Key, Value>,
    level: Count,
    query?: KeyRange<NoInfer<Key>>,
  ): Promise<Group<Head<Key, Count>>[]>;
  count({ name }: View, level: number, query: KeyRange = {}): Promise<Group[]> {
    return this.groups(name, level, query);
  }
}

/** @throws UsageError for a view that a store was not opened with */
export function requireView(views: readonly View[], name: string): View {
  const byName = new Map(views.map((view) => [view.name, view]));
  return have(byName, named('view', name, byName.keys()));
}

/** This version's views are not in the store. `others`: those of another version are. */
export function viewsMissing(where: string, others: boolean): UsageError {
  if (!others)
    return new UsageError('the store has no views of dflow: it is not set up', { where, hint: 'dflow store setup' });
  return new UsageError('the views of this version of dflow are not in the store: it was set up by another version', {
    where,
    hint: 'to build the views beside those of other versions, which go on working: dflow store deploy',
  });
}
