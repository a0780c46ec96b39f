// What a document remembers of what the catalogue of the collaboration was told: the outbox. What a document says now and
// what was told last differ by what is still to be told, so nothing is lost while the catalogue is away.
import type { Iso } from '../../util/time.ts';

/** Paths by the name of the file. */
type Paths = Readonly<Record<string, string>>;

export interface Said {
  /** By storage element, then part (level, or type of output), then file: the path that was told last. */
  readonly copies?: Readonly<Record<string, Readonly<Record<string, Paths>>>>;
  /** Parts whose dataset is closed, and since when. */
  readonly closed?: Readonly<Record<string, Iso>>;
  /** Storage elements at which the dataset of a part is pinned. */
  readonly pinned?: Readonly<Record<string, readonly string[]>>;
  /** Names in the catalogue, where that of the file is taken there by other content. */
  readonly names?: Readonly<Record<string, string>>;
  /** Files that the catalogue does not take. */
  readonly refused?: Readonly<Record<string, { readonly why: string; readonly since: Iso }>>;
}

export const toldPath = (said: Said | undefined, storage: string, part: string, name: string): string | undefined =>
  said?.copies?.[storage]?.[part]?.[name];

type Tree = Record<string, Record<string, Record<string, string>>>;

/** The same with one copy told; without a path: it is no longer there. */
export function withTold(said: Said, changes: readonly Told[]): Said {
  const copies: Tree = structuredClone(said.copies ?? {}) as Tree;
  for (const { storage, part, name, path } of changes) {
    if (path !== undefined) {
      copies[storage] ??= {};
      copies[storage][part] ??= {};
      copies[storage][part][name] = path;
      continue;
    }
    delete copies[storage]?.[part]?.[name];
    if (Object.keys(copies[storage]?.[part] ?? { left: true }).length === 0) delete copies[storage]?.[part];
    if (Object.keys(copies[storage] ?? { left: true }).length === 0) delete copies[storage];
  }
  return { ...said, copies };
}

/** A copy that was told. */
export interface Told {
  readonly storage: string;
  readonly part: string;
  readonly name: string;
  readonly path?: string;
}

/** The same with files that were refused, and without those that were taken. */
export function withRefused(
  said: Said,
  taken: readonly string[],
  refused: ReadonlyMap<string, string>,
  now: Iso,
): Said {
  const all: Record<string, { why: string; since: Iso }> = { ...said.refused };
  for (const name of taken) delete all[name];
  for (const [name, why] of refused) {
    const known = all[name];
    all[name] = known?.why === why ? known : { why, since: now };
  }
  const { refused: _, ...rest } = said;
  return Object.keys(all).length === 0 ? rest : { ...rest, refused: all };
}

export function withClosed(said: Said, part: string, at: Iso): Said {
  return { ...said, closed: { ...said.closed, [part]: said.closed?.[part] ?? at } };
}

export function withPinned(said: Said, part: string, storage: string, pinned: boolean): Said {
  const rest = (said.pinned?.[part] ?? []).filter((name) => name !== storage);
  return { ...said, pinned: { ...said.pinned, [part]: pinned ? [...rest, storage].sort() : rest } };
}

/** A file goes by another name there from now on. */
export function withNewName(said: Said, name: string, other: string): Said {
  return { ...said, names: { ...said.names, [name]: other } };
}
