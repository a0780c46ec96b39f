// store migrate: documents of an older form are written in the form of today, page by page. Steps read both forms, so
// nothing waits for it. Who is stopped goes on where it was: what has the new form is left alone.
import type { Doc } from '../../../domain/doc.ts';
import { current, FORMS, type Forms } from '../../../domain/migrations/migrations.ts';
import { isNewer, unsound } from '../../../domain/schemas.ts';
import { idsWith, type Outcome, pages, type Store, tookEffect } from '../../../store.ts';
import { unreadNext } from '../../jobs/unread.ts';
import type { Item, Step, StepOptions } from '../../ports.ts';

const PAGE = 1000;

/** `store` hands out every document. An item for each kind that was brought forward, and for each that was not. */
export async function* migrateStore(store: Store, { dryRun }: StepOptions = {}, forms: Forms = FORMS): Step {
  const counts = new Map<string, number>();
  for await (const page of pages<Doc>(store, idsWith(''), PAGE)) {
    const older: Doc[] = [];
    for (const doc of page) {
      const wrong = wrongForm(doc, forms);
      if (wrong) yield wrong;
      else if (current(doc, forms) !== doc) older.push(doc);
    }
    const done = dryRun
      ? older.map(({ _id: id }): Outcome => ({ id, result: 'written' }))
      : await write(store, older, forms);
    for (const [i, outcome] of done.entries()) {
      const { kind = '' } = older[i] ?? {};
      if (tookEffect(outcome) || outcome.why === DONE) counts.set(kind, (counts.get(kind) ?? 0) + 1);
      else yield left(outcome);
    }
  }
  for (const [ref, count] of counts) {
    const text = `${count} of kind ${ref} in the form of schema ${forms.version}`;
    yield { kind: 'document', ref, did: 'migrated', count, text, ...(dryRun && { dryRun }) };
  }
}

/** Somebody else has brought it forward meanwhile. */
const DONE = 'has the form of today';

function write(store: Store, docs: readonly Doc[], forms: Forms): Promise<Outcome[]> {
  return store.bulk(
    docs.map((base) => ({
      id: base._id,
      base,
      change: (doc) => {
        const next = doc && current(doc, forms);
        if (!next) return { skip: 'was removed' };
        return next === doc ? { skip: DONE } : { write: next };
      },
    })),
  );
}

/** A document that no step brings into a form that can be read. */
function wrongForm(doc: Doc, forms: Forms): Item | undefined {
  const text = unsound(current(doc, forms), forms);
  if (text === undefined || (!isNewer(doc, forms) && current(doc, forms) === doc)) return undefined;
  return { kind: 'document', ref: doc._id, did: 'unreadable', failed: true, text, next: unreadNext(doc._id, text) };
}

function left({ id: ref, result, why = result }: Outcome): Item {
  const item = { kind: 'document', ref, failed: true } as const;
  if (result === 'frozen') return { ...item, did: 'frozen', next: `dflow store conflicts show ${ref}` };
  return { ...item, did: 'refused', text: why, next: 'dflow store migrate' };
}
