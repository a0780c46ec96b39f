// The first look at files that no marker closes: remembered in the store, one document for each host and level, so that
// every process of a host goes on from it and a read-only folder does not matter. A look is twelve characters long: a
// hundred thousand files in one round are one document of 1.2 MB.
import { createHash } from 'node:crypto';
import { type Doc, SCHEMA } from '../../../domain/doc.ts';
import type { Entry } from '../../../storage.ts';
import type { Iso } from '../../../util/time.ts';
import { addTo } from '../../../util/values/group.ts';
import type { Ports } from '../../ports.ts';

interface LooksDoc extends Doc {
  readonly kind: 'looks';
  readonly host: string;
  readonly level: string;
  /** Marks of files by when each was first seen so, one after the other. */
  readonly looks: readonly { readonly at: Iso; readonly marks: string }[];
}

/** When each mark was first seen. */
export type Looks = Map<string, Iso>;

const MARK = 12;
/** Files beyond wait for a later round. */
const MOST = 200_000;

const idOf = (ports: Ports, level: string): string => `looks:${ports.host}:${level}`;

/** Stands for a file with exactly this path, size and times. */
export function markOf({ path, size, modified, changed }: Entry): string {
  const text = [path, size, modified, changed ?? ''].join('\0');
  return createHash('sha1').update(text).digest('base64url').slice(0, MARK);
}

/** When it was first seen so. In most rounds nothing waits for a second look, and no mark is made. */
export function seenAt(looks: Looks, entry: Entry): Iso | undefined {
  return looks.size === 0 ? undefined : looks.get(markOf(entry));
}

/** Looks of this host. One that is dated later than now was made by a wrong clock: it says nothing. */
export async function readLooks(ports: Ports, level: string, now: Iso): Promise<Looks> {
  const id = idOf(ports, level);
  return looksOf((await ports.store.get<LooksDoc>([id])).get(id), now);
}

function looksOf(doc: LooksDoc | undefined, now: Iso): Looks {
  const looks: Looks = new Map();
  for (const { at, marks } of doc?.looks ?? []) {
    if (at > now) continue;
    for (let from = 0; from < marks.length; from += MARK) looks.set(marks.slice(from, from + MARK), at);
  }
  return looks;
}

/** Remembers the looks at these files, the earlier of two, and forgets all others. */
export async function writeLooks(ports: Ports, level: string, looks: Looks, now: Iso, known?: Looks): Promise<void> {
  // What was read a moment ago says it already.
  if (looks.size === known?.size && [...looks].every(([mark, at]) => known.get(mark) === at)) return;
  const id = idOf(ports, level);
  await ports.store.update<LooksDoc>(id, (doc) => {
    const old = looksOf(doc, now);
    const next = grouped([...looks].slice(0, MOST), old);
    if (JSON.stringify(next) === JSON.stringify(doc?.looks ?? [])) return { skip: 'nothing new' };
    if (next.length === 0) return { remove: true };
    return { write: { ...doc, _id: id, kind: 'looks', v: SCHEMA, host: ports.host, level, looks: next } };
  });
}

function grouped(looks: readonly (readonly [string, Iso])[], old: Looks): LooksDoc['looks'] {
  const groups = new Map<Iso, string[]>();
  for (const [mark, seen] of looks) {
    const before = old.get(mark);
    addTo(groups, before !== undefined && before < seen ? before : seen, mark);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([at, marks]) => ({ at, marks: marks.sort().join('') }));
}
