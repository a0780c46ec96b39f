// Files and folders of a buffer that a listing could not look at. Nothing is concluded from their absence: what lies
// there is neither gone nor moved, and a run that may have files there is not complete. Everything else goes on.
import type { DataDoc } from '../../../../domain/data/data.ts';
import type { ItemError } from '../../../../util/errors.ts';
import { shown } from '../../../../util/text/names.ts';
import { baseName, type ListingRules } from '../../../copies/buffer/listing.ts';
import type { Item } from '../../../ports.ts';

/** What could not be looked at, and why, by path. */
export type Hidden = ReadonlyMap<string, ItemError>;

/** True when this path, or a folder above it, could not be looked at. */
export function isHidden(hidden: Hidden, path: string): boolean {
  if (hidden.size === 0) return false;
  const parts = path.split('/');
  return parts.some((_, index) => hidden.has(parts.slice(0, index + 1).join('/')));
}

/** One failed item for each. */
export function* hiddenItems(hidden: Hidden, level: string): Generator<Item> {
  for (const [path, why] of hidden) {
    const next = why.hint ?? 'dflow register';
    yield { kind: 'file', ref: shown(path), level, did: 'unreadable', failed: true, text: why.message, next };
  }
}

/** What keeps runs open: a file of theirs, or the folder of a registered one, that could not be looked at. */
export function hiddenOf(hidden: Hidden, rules: ListingRules, data: ReadonlyMap<number, DataDoc>): [number, string][] {
  if (hidden.size === 0) return [];
  const named = [...hidden.keys()].flatMap((path): [number, string][] => {
    const numbers = rules.pattern.parse(baseName(path));
    return numbers ? [[numbers.run, shown(path)]] : [];
  });
  const below = [...data.values()].flatMap(({ run, files }): [number, string][] => {
    const path = files.map((file) => file.path).find((one) => isHidden(hidden, one) && !hidden.has(one));
    return path === undefined ? [] : [[run, `the folder of ${shown(path)}`]];
  });
  return [...named, ...below];
}
