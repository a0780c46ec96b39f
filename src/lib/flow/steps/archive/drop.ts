// Taking documents out of the store that dflow cannot read. Their content stays in a receipt, which store import takes
// once it is put right.
import { current } from '../../../domain/migrations/migrations.ts';
import { isNewer, unsound } from '../../../domain/schemas.ts';
import type { Store } from '../../../store.ts';
import { tookEffect } from '../../../store.ts';
import { unreadNext } from '../../jobs/unread.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { plain } from './archive.ts';

/** `store` is one that hands out every document. Documents that can be read are refused. */
export async function* dropUnreadable(
  { settings, receipts, nonce, by }: Ports,
  store: Store,
  ids: readonly string[],
  why: string,
  { dryRun }: StepOptions = {},
): Step {
  const at = await store.now();
  const receipt = receipts.make(settings.folder, 'drop', at, nonce());
  const docs = await store.get(ids);
  try {
    for (const id of ids) {
      const doc = docs.get(id);
      const wrong = doc && unsound(current(doc));
      const item: Item = { kind: 'document', ref: id, did: 'dropped', ...(dryRun ? { dryRun: true } : {}) };
      if (!doc) yield { ...item, did: 'missing', failed: true, text: 'no document has this id', next: 'dflow status' };
      else if (wrong === undefined) {
        yield {
          ...item,
          did: 'kept',
          failed: true,
          text: 'the document can be read, so it stays',
          next: `dflow show ${id}`,
        };
      } else if (doc && isNewer(doc)) {
        yield { ...item, did: 'kept', failed: true, text: wrong, next: unreadNext(id, wrong) };
      } else if (dryRun) yield { ...item, text: wrong };
      else {
        await receipt.write([{ at, by, why, wrong, document: plain(doc) }]);
        const outcome = await store.update(id, (now) =>
          now && !isNewer(now) && unsound(current(now)) !== undefined
            ? { remove: true }
            : { skip: 'the document has changed meanwhile' },
        );
        if (tookEffect(outcome)) yield { ...item, receipt: receipt.name, text: `${wrong}; kept in ${receipt.path}` };
        else
          yield { ...item, did: 'kept', failed: true, text: outcome.why ?? outcome.result, next: `dflow show ${id}` };
      }
    }
  } finally {
    await receipt.close();
  }
}
