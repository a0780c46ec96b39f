// Questions that are asked at the same time go to the server together: over a long line each request costs a round trip,
// and CouchDB answers many queries of a view, or of `_all_docs`, in one.

import type { Json } from '../../domain/doc.ts';

/** A query as CouchDB takes it: of a range, or of `keys`. */
export type Query = Readonly<Record<string, Json>>;

/** Keys and queries of one request: answers must fit into memory. */
const MOST = { keys: 1000, queries: 200 } as const;

interface Waiting<Answer> {
  readonly query: Query;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers what is asked within one turn of the event loop. */
export class Gather<Answer> {
  readonly #send: (queries: readonly Query[]) => Promise<readonly Answer[]>;
  #waiting: Waiting<Answer>[] = [];

  /** `send` answers the queries in their order. */
  constructor(send: (queries: readonly Query[]) => Promise<readonly Answer[]>) {
    this.#send = send;
  }

  ask(query: Query): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ query, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const batch of portions(waiting)) void this.#answer(batch);
  }

  async #answer(batch: readonly Waiting<Answer>[]): Promise<void> {
    try {
      const answers = await this.#send(batch.map(({ query }) => query));
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i] as Answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

/** One query may be larger than a portion: then it goes alone. */
function* portions<Answer>(waiting: readonly Waiting<Answer>[]): Generator<Waiting<Answer>[], void, void> {
  let portion: Waiting<Answer>[] = [];
  let keys = 0;
  for (const one of waiting) {
    const more = Array.isArray(one.query.keys) ? one.query.keys.length : 0;
    if (portion.length > 0 && (portion.length >= MOST.queries || keys + more > MOST.keys)) {
      yield portion;
      portion = [];
      keys = 0;
    }
    portion.push(one);
    keys += more;
  }
  if (portion.length > 0) yield portion;
}
