// Finding data documents that lack a copy, oldest run first. The view's distinct sets are few; only the rows of those
// that lack a wanted element are read, in pages, and merged by run.
import type { DataDoc } from '../../../domain/data/data.ts';
import { holdOnCopies } from '../../../domain/data/replicas.ts';
import type { Group } from '../../../store.ts';
import { views } from '../../../views/index.ts';
import type { Session, TransferOptions } from '../../copies/session.ts';
import type { Ports } from '../../ports.ts';

const PAGE = 500;
/** Files whose documents are read and worked on together. */
export const FILES_AT_ONCE = 1024;

interface Hint {
  readonly id: string;
  readonly run: number;
  readonly files: number;
  /** Copies that it lacks. */
  readonly copies: number;
}

/** Documents of a level that may have something due, about `FILES_AT_ONCE` files at a time. Each comes once. */
export async function* dueDocuments(
  session: Session,
  level: string,
  found: readonly ElementSet[],
): AsyncGenerator<DataDoc[], void, void> {
  const { store } = session.ports;
  const seen = new Set<string>();
  let batch: Hint[] = [];
  let files = 0;
  // A selection of runs is not counted by the view.
  const sets = lackingSets(session, level, found);
  let ahead = session.options.runs ? 0 : sets.reduce((sum, { copies }) => sum + copies, 0);
  const read = async (): Promise<DataDoc[]> => {
    const docs = await store.get<DataDoc>(batch.map((hint) => hint.id));
    const ordered = batch.flatMap((hint) => docs.get(hint.id) ?? []);
    ahead -= batch.reduce((sum, { copies }) => sum + copies, 0);
    session.told.ahead(level, Math.min(ahead, session.left));
    batch = [];
    files = 0;
    return ordered;
  };
  for await (const hint of hints(session, level, sets)) {
    if (seen.has(hint.id) || session.options.runs?.(hint.run) === false) continue;
    seen.add(hint.id);
    if (files > 0 && files + hint.files > FILES_AT_ONCE) yield await read();
    batch.push(hint);
    files += hint.files;
  }
  if (batch.length > 0) yield await read();
}

/** Rows of every set that lacks an element, merged in order of run. */
async function* hints(session: Session, level: string, sets: readonly Lacking[]): AsyncGenerator<Hint, void, void> {
  const cursors = await Promise.all(sets.map((set) => cursor(rows(session, level, set))));
  for (;;) {
    let next: Cursor | undefined;
    for (const one of cursors) if (one.head && !(next?.head && next.head.run <= one.head.run)) next = one;
    if (!next?.head) return;
    yield next.head;
    await next.advance();
  }
}

/** A distinct set of elements that have every file of a run verified, and in how many runs. */
export type ElementSet = Group<[string, string]>;

/** The distinct sets of each level that a call works on. */
export async function setsByLevel(
  { settings, store }: Ports,
  { levels = settings.buffers.map((buffer) => buffer.level) }: TransferOptions,
): Promise<Map<string, ElementSet[]>> {
  const sets = [...new Set(levels)].map(async (level) => {
    return [level, await store.count(views.transfers, 2, { prefix: [level] })] as const;
  });
  return new Map(await Promise.all(sets));
}

/** Runs with one set of elements with every file verified. */
interface Lacking {
  readonly set: string;
  /** Usable elements that are not in it. */
  readonly lacks: number;
  /** Copies that its runs lack. */
  readonly copies: number;
}

/** The distinct sets of elements with every file verified that lack a usable wanted one. */
function lackingSets({ rules, sites }: Session, level: string, found: readonly ElementSet[]): Lacking[] {
  return found.flatMap(({ key: [, set], value }) => {
    if (set === '-') return [];
    const have = new Set(set.split(' '));
    const lacking = [...rules.wanted].filter((name) => !have.has(name));
    const usable = lacking.filter((name) => {
      const hold = holdOnCopies(rules.holds, name, level);
      if (hold) {
        const text = `${hold.what === 'storage' ? 'disabled' : `held (${hold.what})`}: ${hold.why}`;
        sites.say(`hold ${name}`, {
          kind: 'storage',
          ref: name,
          did: 'skipped',
          text,
          next: `dflow resume ${hold._id}`,
        });
      }
      return !hold && !rules.aside.has(name);
    });
    return usable.length > 0 ? [{ set, lacks: usable.length, copies: usable.length * value }] : [];
  });
}

interface Cursor {
  head: Hint | undefined;
  advance(): Promise<void>;
}

async function cursor(source: AsyncGenerator<Hint, void, void>): Promise<Cursor> {
  const one: Cursor = {
    head: undefined,
    advance: async () => {
      const next = await source.next();
      one.head = next.done ? undefined : next.value;
    },
  };
  await one.advance();
  return one;
}

async function* rows({ ports }: Session, level: string, { set, lacks }: Lacking): AsyncGenerator<Hint, void, void> {
  let from = 0;
  for (;;) {
    const found = await ports.store.view(views.transfers, {
      prefix: [level, set],
      start: [level, set, from],
      limit: PAGE,
    });
    const page = found.map(({ id, key, value }) => ({ id, run: key[2], files: value, copies: value * lacks }));
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    from = last.run + 1;
  }
}
