// What the compiler knows of a view's keys: their beginnings, the ends of a range, what a query leaves of them.
import type { Json } from '../domain/doc.ts';

/** The beginnings of an array key, from none of its elements to all of them. */
export type Prefix<Key> = Json extends Key
  ? readonly Json[]
  : Key extends readonly [infer First, ...infer Rest]
    ? readonly [] | readonly [First, ...Prefix<Rest>]
    : readonly [];

/** Where a range of keys begins or ends: the beginning of a key, and `{}` for what comes after all in its place. */
export type Bound<Key> = Json extends Key ? Json : Bounds<Key>;
type Bounds<Key> = Key extends readonly [infer First, ...infer Rest]
  ? readonly [] | readonly [Readonly<Record<string, never>>] | readonly [First, ...Bounds<Rest>]
  : readonly [];

/** The keys that may begin with `Begin`: of `buffer`, those of `['in', level]` are not those of `['on', level]`. */
export type Within<Key, Begin> = Json extends Key
  ? Key
  : Key extends unknown
    ? Begin extends Prefix<Key>
      ? Key
      : never
    : never;

export type Level = 0 | 1 | 2 | 3 | 4 | 5;
type Less = [never, 0, 1, 2, 3, 4];

/** The first `Count` elements of an array key; null of none. */
export type Head<Key, Count extends Level> = Count extends 0 ? null : Json extends Key ? Json : First<Key, Count>;
type First<Key, Count extends Level> = Count extends 0
  ? []
  : Key extends readonly [infer One, ...infer Rest]
    ? [One, ...First<Rest, Less[Count]>]
    : Key;
