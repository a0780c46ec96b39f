// What a host tells all others about itself: again when it has changed, else only after a while.
import type { Doc } from '../../domain/doc.ts';
import { type Iso, isRecent } from '../../util/time.ts';
import type { Ports } from '../ports.ts';

/** Writes `doc`, unless what was said last is younger than `every` milliseconds and `same`. */
export async function say<D extends Doc & { readonly at: Iso }>(
  { store }: Ports,
  doc: D,
  every: number,
  same: (last: D) => boolean = () => true,
): Promise<void> {
  await store.update<D>(doc._id, (last) =>
    last && isRecent(last.at, doc.at, every) && same(last) ? { skip: 'said a moment ago' } : { write: doc },
  );
}
