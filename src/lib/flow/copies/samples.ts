// What a round of transfer leaves for the efficiency of each storage element: how many copies were made and failed.
import { type SampleDoc, sampled, sampleId } from '../../domain/storage/efficiency.ts';
import type { Item, Ports } from '../ports.ts';

export class Samples {
  readonly #counts = new Map<string, { ok: number; failed: number }>();

  note(item: Item): void {
    if (item.kind !== 'replica') return;
    const ok = item.did === 'verified' ? 1 : 0;
    const failed = item.did === 'failed' ? 1 : 0;
    const last = this.#counts.get(item.storage) ?? { ok: 0, failed: 0 };
    if (ok + failed > 0) this.#counts.set(item.storage, { ok: last.ok + ok, failed: last.failed + failed });
  }

  /** Adds them to the hour of now, one write for each element that had some. */
  async leave({ store }: Ports): Promise<void> {
    if (this.#counts.size === 0) return;
    const now = await store.now();
    await store.bulk<SampleDoc>(
      [...this.#counts].map(([name, counts]) => ({
        id: sampleId(name),
        change: (doc) => ({ write: sampled(doc, name, counts, now) }),
      })),
    );
    this.#counts.clear();
  }
}
