// What every store does alike with a query of a view: the handle becomes a name, and its rows get the handle's types.
import type { Json } from '../../domain/doc.ts';
import { named } from '../../domain/named.ts';
import type { Group, KeyRange, Row, ViewQuery } from '../../store.ts';
import type { Head, Level, Prefix, Within } from '../../views/keys.ts';
import type { View } from '../../views/view.ts';

export abstract class ViewStore {
  protected abstract rows(view: string, query: ViewQuery): Promise<Row[]>;
  protected abstract groups(view: string, level: number, query: KeyRange): Promise<Group[]>;

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
export function requireView(views: readonly View[], name: string): void {
  const names = views.map((view) => view.name);
  named('view', name, names);
}
