// Writing to PostgreSQL: a batch of drafts in one statement, with the view rows that follow from them.
import type { Doc } from '../../domain/doc.ts';
import type { Outcome } from '../../store.ts';
import { RowWriter } from '../shared/rows.ts';
import { UnclearError } from '../shared/server/unclear.ts';
import type { Draft, Stored, Swapping } from '../shared/swap.ts';
import type { Seen } from './progress.ts';
import type { Documents } from './read.ts';
import type { Connection, SqlValue } from './server/connection.ts';
import { named } from './tables.ts';
import { places, RowArrays } from './views/sink.ts';
import type { Views } from './views/views.ts';

interface Line<D extends Doc> {
  readonly draft: Draft<D>;
  readonly id: string;
  readonly rev: number;
  readonly body: string | null;
  readonly after: D | undefined;
}

export class Writer implements Swapping {
  readonly #connection: Connection;
  readonly #documents: Documents;
  readonly #views: Views;
  readonly #seen: Seen;

  constructor(connection: Connection, documents: Documents, views: Views, seen: Seen) {
    this.#connection = connection;
    this.#documents = documents;
    this.#views = views;
    this.#seen = seen;
  }

  get patience(): number {
    return this.#connection.patience;
  }

  readStored<D extends Doc>(ids: readonly string[]): Promise<Map<string, Stored<D>>> {
    return this.#documents.stored<D>(ids);
  }

  /** What a document had emitted is computed from it, so it must be what is stored. */
  believes(doc: Doc): boolean {
    return this.#documents.made.has(doc);
  }

  async removedBy(_id: string, tombstone: string, op: string): Promise<boolean> {
    return tombstone.endsWith(` ${op}`);
  }

  /** All of the drafts; without those that others were faster with, once more, so that one does not stop a thousand. */
  async post<D extends Doc>(
    drafts: readonly Draft<D>[],
    outcomes: Outcome<D>[],
    op: string,
  ): Promise<UnclearError | undefined> {
    let lines = drafts.map((draft) => this.#line(draft));
    for (let round = 0; round < 3 && lines.length > 0; round++) {
      for (const { draft } of lines) draft.pending.unclear = true;
      try {
        const lost = await this.#apply(lines, op);
        for (const { draft } of lines) draft.pending.unclear = false;
        if (lost.size === 0) {
          for (const { draft, id, after } of lines)
            outcomes[draft.pending.place] = { id, result: 'written', ...(after && { doc: after }) };
          return undefined;
        }
        lines = lines.filter(({ id }) => !lost.has(id));
      } catch (error) {
        if (error instanceof UnclearError) return error;
        throw error;
      }
    }
    return undefined;
  }

  /** Answers the ids that are not as they were. */
  async #apply<D extends Doc>(lines: readonly Line<D>[], op: string): Promise<Set<string>> {
    const views = await this.#views.kept();
    const rows = new RowArrays();
    const writer = new RowWriter(rows);
    for (const { draft, id, after } of lines) writer.change(views, id, draft.pending.stored.doc, after);
    writer.flush();
    const values: SqlValue[] = [
      this.#seen.seq,
      views.map(({ number }) => number),
      op,
      lines.map(({ id }) => id),
      lines.map(({ rev }) => rev),
      lines.map(({ body }) => body),
      ...rows.parameters,
    ];
    const { schema } = this.#connection.asked;
    const [row] = await this.#connection.send(
      `SELECT seq, to_json(conflicts) AS conflicts, lagging FROM ${named(schema, this.#views.functions.apply.name)}(${places(values)})`,
      values,
    );
    const lost: unknown = JSON.parse(String(row?.conflicts));
    if (!Array.isArray(lost)) throw new UnclearError('the answer has no rows', { where: this.#connection.where });
    if (lost.length === 0) this.#seen.note(Number(row?.seq));
    if (row?.lagging === 't') await this.#views.fold();
    return new Set(lost);
  }

  #line<D extends Doc>(draft: Draft<D>): Line<D> {
    const { pending, doc } = draft;
    const { doc: before, tombstone } = pending.stored;
    const rev = Number(before?._rev ?? tombstone?.split(' ', 1)[0] ?? 0);
    if (doc._deleted) return { draft, id: doc._id, rev, body: null, after: undefined };
    const { _rev, ...rest } = doc;
    const body = JSON.stringify(rest);
    return { draft, id: doc._id, rev, body, after: this.#documents.made.make<D>(String(rev + 1), body) };
  }
}
