// What a host tells all others about itself: again when it has changed, else only after a while.
import type { Doc } from '../../domain/doc.ts';
import type { Change, Decision } from '../../store.ts';
import { type Iso, isRecent } from '../../util/time.ts';
import type { Ports } from '../ports.ts';

/** Writes `doc`, unless what was said last is younger than `every` milliseconds and `same`. */
export function saying<D extends Doc & { readonly at: Iso }>(
  doc: D,
  every: number,
  same: (last: D) => boolean = () => true,
): Change<D> {
  const change = (last: D | undefined): Decision<D> =>
    last && isRecent(last.at, doc.at, every) && same(last) ? { skip: 'said a moment ago' } : { write: doc };
  return { id: doc._id, change };
}

/** Says it now. */
export async function say<D extends Doc>({ store }: Ports, { id, change }: Change<D>): Promise<void> {
  await store.update<D>(id, change);
}

/** Milliseconds that a word waits for others. */
const TOGETHER = 2_000;

/** Words of several steps, written together, soon: a step may take hours. */
export class Sayings {
  readonly #ports: Pick<Ports, 'store' | 'sleep'>;
  /** What was said before, read ahead: it saves a round trip later. */
  readonly #last: Promise<ReadonlyMap<string, Doc>>;
  #waiting = new Map<string, Change>();
  #over = new AbortController();
  #written: Promise<void> = Promise.resolve();

  /** `ids`: documents that will be written. */
  constructor(ports: Pick<Ports, 'store' | 'sleep'>, ids: readonly string[]) {
    this.#ports = ports;
    this.#last = ports.store.get(ids);
    // Writing meets it.
    this.#last.catch(() => undefined);
  }

  add<D extends Doc>(word: Change<D>): void {
    const first = this.#waiting.size === 0;
    // A store hands a change function the document of its own id.
    this.#waiting.set(word.id, word as unknown as Change);
    if (!first) return;
    const { signal } = this.#over;
    const soon = this.#ports.sleep(TOGETHER, signal).then(() => this.#write());
    this.#written = Promise.all([this.#written, soon]).then(() => undefined);
    // `flush` meets it.
    this.#written.catch(() => undefined);
  }

  /** Writes what waits. @throws what writing has met since the last call */
  async flush(): Promise<void> {
    this.#over.abort();
    const written = this.#written;
    this.#written = Promise.resolve();
    this.#over = new AbortController();
    await written;
  }

  async #write(): Promise<void> {
    const words = [...this.#waiting.values()];
    this.#waiting = new Map();
    const last = await this.#last;
    await this.#ports.store.bulk(words.map((word) => ({ base: last.get(word.id) ?? null, ...word })));
  }
}
