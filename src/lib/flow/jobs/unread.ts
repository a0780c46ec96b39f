// Documents that cannot be read: nothing works on them until somebody has put them right or away. The step that meets
// one notes it, so that the status page can say it without reading the whole store.
import { type Doc, SCHEMA } from '../../domain/doc.ts';
import { current } from '../../domain/migrations/migrations.ts';
import { tellsNewer, unsound } from '../../domain/schemas.ts';
import { type Change, idsWith, type ReadStore, type Store } from '../../store.ts';
import { shellWord } from '../../util/text/shell.ts';
import type { Iso } from '../../util/time.ts';

export interface UnreadDoc extends Doc {
  readonly kind: 'unread';
  /** Id of the document. */
  readonly document: string;
  readonly wrong: string;
  readonly since: Iso;
}

/**
 * What to do about a document that cannot be read, by what is `wrong`: take it away, and its content stays in a receipt.
 * One of a newer dflow is sound: this host is too old.
 */
export function unreadNext(id: string, wrong: string): string {
  if (tellsNewer(wrong)) return 'upgrade dflow on this host: npm install -g dflow';
  return `dflow store drop ${shellWord(id)} --why "cannot be read"`;
}

const PREFIX = 'unread:';

export function unreadDocs(store: ReadStore): Promise<UnreadDoc[]> {
  return store.range<UnreadDoc>(idsWith(PREFIX));
}

/**
 * Notes what was met, and takes away of `noted` what can be read again or is gone. `store` hands out every document.
 */
export async function noteUnread(store: Store, met: Iterable<string>, noted: readonly UnreadDoc[]): Promise<void> {
  const ids = [...new Set([...noted.map(({ document }) => document), ...met])];
  if (ids.length === 0) return;
  const [docs, now] = [await store.get(ids), await store.now()];
  await store.bulk<UnreadDoc>(ids.map((document) => change(document, docs.get(document), now)));
}

function change(document: string, doc: Doc | undefined, now: Iso): Change<UnreadDoc> {
  const _id = PREFIX + document;
  const wrong = doc && unsound(current(doc));
  return {
    id: _id,
    change: (note) => {
      if (wrong === undefined) return note ? { remove: true } : { skip: 'it can be read' };
      if (note?.wrong === wrong) return { skip: 'it is noted' };
      return { write: { _id, kind: 'unread', v: SCHEMA, document, wrong, since: note?.since ?? now } };
    },
  };
}
