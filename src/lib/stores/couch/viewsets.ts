// The views of a database: one set for each version of dflow that uses it, in a design document named by its content.
// A new set is built beside the old one, and both live until somebody prunes. Owns looking, queries and what waiting says.

import type { ViewSet } from '../../store.ts';
import { UsageError } from '../../util/errors.ts';
import { counted } from '../../util/text/counted.ts';
import { field } from '../../util/values/field.ts';
import type { View } from '../../views/view.ts';
import { SAID_AFTER, SAY_EVERY, type Say } from '../shared/server/patience.ts';
import { viewsMissing } from '../shared/viewstore.ts';
import { type DesignDoc, designOf, differingViews, nameOf, SETS } from './design.ts';
import { Gather, type Query } from './gather.ts';
import { askAll, listIn } from './read.ts';
import type { Connection, Reply, Request } from './server/connection.ts';

export interface DeployOptions {
  readonly prune?: boolean;
  readonly dryRun?: boolean;
}

export class ViewSets {
  readonly #connection: Connection;
  readonly #views: readonly View[];
  readonly #say: Say;
  readonly #own: DesignDoc;
  readonly #gathers = new Map<View['reduce'], Gather<readonly unknown[]>>();
  #sound: Promise<void> | undefined;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(connection: Connection, views: readonly View[], say: Say = () => undefined) {
    this.#connection = connection;
    this.#views = views;
    this.#say = say;
    this.#own = designOf(views);
  }

  /**
   * Rows of one of this version's views; they may wait until the views are built, and say so.
   * @throws UsageError where they are missing, or are not what this version wrote
   */
  rows<R>({ reduce }: Pick<View, 'reduce'>, query: Query): Promise<readonly R[]> {
    let gather = this.#gathers.get(reduce);
    if (!gather) {
      gather = new Gather((queries) => this.#send(reduce, queries));
      this.#gathers.set(reduce, gather);
    }
    return gather.ask(query) as Promise<readonly R[]>;
  }

  async #send(reduce: View['reduce'], queries: readonly Query[]): Promise<readonly (readonly unknown[])[]> {
    this.#sound ??= this.#assertOwn();
    const sound = this.#sound;
    const read = async (request: Request): Promise<Reply> => {
      const reply = await this.#saying(this.#connection.read({ ...request, slow: true, accept: [404] }));
      if (reply.status === 404) throw await this.#missing();
      return reply;
    };
    const asked = askAll(this.#connection, `${this.#own._id}/_view/${nameOf(reduce)}`, queries, read);
    const [answers] = await Promise.all([asked, sound]);
    return answers;
  }

  /** Puts this version's set in place and waits until it is built; what becomes of each set. */
  async *deploy({ prune = false, dryRun = false }: DeployOptions = {}): AsyncGenerator<ViewSet, void, void> {
    const did = await this.#put(dryRun);
    this.#sound = undefined;
    const first = this.#views[0];
    if (first && !dryRun) await this.rows(first, { reduce: false, limit: 0 });
    yield { id: this.#own._id, did };
    yield* this.#others(prune, dryRun);
  }

  /** Both a set that is missing and one that somebody has edited become what this version wrote. */
  async #put(dryRun: boolean): Promise<ViewSet['did']> {
    for (;;) {
      const there = await this.#connection.find<DesignDoc & { readonly _rev: string }>(this.#own._id);
      if (there && differingViews(there, this.#own).length === 0) return 'unchanged';
      const did = there ? 'repaired' : 'deployed';
      if (dryRun) return did;
      const design = there ? { ...this.#own, _rev: there._rev } : this.#own;
      // 409: another process was faster; what it has written is looked at.
      const put = await this.#connection.read({ method: 'PUT', path: this.#own._id, body: design, accept: [409] });
      if (put.status !== 409) return did;
    }
  }

  /** CouchDB clears away the files of removed sets by itself. */
  async *#others(prune: boolean, dryRun: boolean): AsyncGenerator<ViewSet, void, void> {
    const { body } = await this.#connection.read({ path: '_all_docs', query: SETS });
    const rows = listIn<{ id: string; value: { rev: string } }>(this.#connection, body, 'rows');
    const others = rows.filter(({ id }) => id !== this.#own._id);
    for (const { id, value } of others) {
      const query = { rev: value.rev };
      if (prune && !dryRun) await this.#connection.read({ method: 'DELETE', path: id, query, accept: [404, 409] });
      yield { id, did: prune ? 'pruned' : 'kept' };
    }
  }

  /** Looks at the set before the first query needs it; that one fails where the set is not what this version wrote. */
  async look(): Promise<boolean> {
    this.#sound = this.#assertOwn();
    return this.#sound.then(
      () => true,
      (error) => {
        if (error instanceof UsageError) return false;
        throw error;
      },
    );
  }

  /** @throws UsageError where the set is not what this version wrote */
  async #assertOwn(): Promise<void> {
    const there = await this.#connection.find<DesignDoc>(this.#own._id);
    if (!there) throw await this.#missing();
    const edited = differingViews(there, this.#own);
    if (edited.length === 0) return;
    throw new UsageError(`${this.#own._id} was edited: ${edited.join(', ')} would answer something else`, {
      where: this.#connection.where,
      hint: 'dflow store deploy',
    });
  }

  /** Other versions may use the database, or nobody does yet. */
  async #missing(): Promise<UsageError> {
    const { body } = await this.#connection.read({ path: '_all_docs', query: { ...SETS, limit: 1 } });
    return viewsMissing(this.#connection.where, listIn(this.#connection, body, 'rows').length > 0);
  }

  /** Waits for a query; after two seconds, and then again and again, says how far the views are. */
  async #saying<T>(asked: Promise<T>): Promise<T> {
    let over = false;
    let timer: NodeJS.Timeout;
    const tell = async (): Promise<void> => {
      const left = await this.#left().catch(() => 0);
      if (over) return;
      if (left > 0 && performance.now() - this.#saidAt >= SAY_EVERY) {
        this.#saidAt = performance.now();
        this.#say(`the store builds its views: ${counted(left, 'change')} to go; this query waits for them`);
      }
      timer = setTimeout(tell, SAID_AFTER);
    };
    timer = setTimeout(tell, SAID_AFTER);
    try {
      return await asked;
    } finally {
      over = true;
      clearTimeout(timer);
    }
  }

  /** How large the views are, and how far. @throws UsageError they are missing */
  async index(): Promise<{ bytes: number; pending: number }> {
    const info = await this.#connection.find(`${this.#own._id}/_info`);
    if (!info) throw await this.#missing();
    return { bytes: Number(field(field(field(info, 'view_index'), 'sizes'), 'file') ?? 0), pending: pendingIn(info) };
  }

  /** Changes that are not in the index yet: what `_active_tasks` tells to server admins only. */
  async #left(): Promise<number> {
    const { body } = await this.#connection.send({ path: `${this.#own._id}/_info` });
    return pendingIn(body);
  }
}

function pendingIn(info: unknown): number {
  return Number(field(field(field(info, 'view_index'), 'updates_pending'), 'total') ?? 0);
}
