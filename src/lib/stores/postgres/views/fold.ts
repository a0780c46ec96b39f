// Bringing view rows up to date with documents that another version of dflow wrote, and making those of new views: a
// thousand documents at a time, by whoever comes first.
import { setTimeout as pause } from 'node:timers/promises';
import type { Doc } from '../../../domain/doc.ts';
import { nth } from '../../../util/values/have.ts';
import { deepFreeze } from '../../shared/maps.ts';
import { type Installed, RowWriter } from '../../shared/rows.ts';
import { SAID_AFTER, SAY_EVERY, type Say } from '../../shared/server/patience.ts';
import type { Connection, SqlValue } from '../server/connection.ts';
import { named } from '../tables.ts';
import { places, RowArrays } from './sink.ts';

/** Rows of the table `stale` taken together. */
const PAGE = 4000;

interface Lagging {
  readonly view: number;
  readonly id: string;
  readonly before: Doc | undefined;
  readonly now: Doc | undefined;
  readonly rev: number;
}

export class Folding {
  readonly #connection: Connection;
  /** The store's function that folds. */
  readonly #name: string;
  readonly #say: Say;

  constructor(connection: Connection, name: string, say: Say) {
    this.#connection = connection;
    this.#name = name;
    this.#say = say;
  }

  async fold(views: readonly Installed[]): Promise<void> {
    let sayAt = performance.now() + SAID_AFTER;
    for (;;) {
      const page = await this.#page(views);
      if (page.length === 0) return;
      // False: somebody else was faster, with these or with a document. Both do not meet at once again.
      if (!(await this.#write(views, page))) await pause(20 + Math.random() * 80);
      if (performance.now() < sayAt) continue;
      sayAt = performance.now() + SAY_EVERY;
      this.#say(`the store builds its views: ${await this.#left(views)} rows of documents to go`);
    }
  }

  async #page(views: readonly Installed[]): Promise<Lagging[]> {
    const { schema } = this.#connection.asked;
    const rows = await this.#connection.read(
      `SELECT s.view, s.id, s.body AS before, d.body AS now, d.rev FROM ${named(schema, 'stale')} s
        LEFT JOIN ${named(schema, 'docs')} d ON d.id = s.id WHERE s.view = ANY ($1::integer[]) ORDER BY s.id, s.view LIMIT ${PAGE}`,
      [views.map(({ number }) => number)],
    );
    const docs = new Map<string, Doc>();
    const docOf = (text: unknown): Doc | undefined => {
      if (typeof text !== 'string') return undefined;
      const doc: Doc = docs.get(text) ?? deepFreeze(JSON.parse(text));
      docs.set(text, doc);
      return doc;
    };
    return rows.map(({ view, id, before, now, rev }) => ({
      view: Number(view),
      id: String(id),
      before: docOf(before),
      now: docOf(now),
      rev: Number(rev ?? 0),
    }));
  }

  async #write(views: readonly Installed[], page: readonly Lagging[]): Promise<boolean> {
    const rows = new RowArrays();
    const writer = new RowWriter(rows);
    const byNumber = new Map(views.map((one) => [one.number, one]));
    for (const { view, id, before, now } of page) {
      const installed = byNumber.get(view);
      if (installed) writer.change([installed], id, before, now);
    }
    writer.flush();
    const revs = new Map(page.map(({ id, rev }) => [id, rev]));
    const values: SqlValue[] = [
      views.map(({ number }) => number),
      [...revs.keys()],
      [...revs.values()],
      page.map(({ view }) => view),
      page.map(({ id }) => id),
      ...rows.parameters,
    ];
    const name = named(this.#connection.asked.schema, this.#name);
    const [row] = await this.#connection.read(`SELECT ${name}(${places(values)}) AS done`, values, true);
    return row?.done === 't';
  }

  async #left(views: readonly Installed[]): Promise<number> {
    const stale = named(this.#connection.asked.schema, 'stale');
    const sql = `SELECT count(*) AS left FROM ${stale} WHERE view = ANY ($1::integer[])`;
    const rows = await this.#connection.read(sql, [views.map(({ number }) => number)]);
    return Number(nth(rows, 0).left);
  }
}
