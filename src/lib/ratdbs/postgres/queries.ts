// The queries of the configuration: filled in, asked, and their columns read. An error names the key.
import { NO_QUERY, numbered, QUERY_RULES, type QueryName } from '../../domain/tables/tablequeries.ts';
import { ConfigError, ItemError, messageOf } from '../../util/errors.ts';
import { codeOf } from '../../util/systemerrors.ts';
import type { Answer, Ask, SqlRow, SqlValue } from './connection.ts';

export type Values = Readonly<Record<string, SqlValue>>;

const keyOfQuery = (name: QueryName): string => `tables.queries.${name}`;

export class Queries {
  readonly #texts: Readonly<Record<QueryName, string>>;
  readonly #where: string;

  constructor(texts: Readonly<Record<QueryName, string>>, where: string) {
    this.#texts = texts;
    this.#where = where;
  }

  /** False where the configuration says that there is nothing to be asked. */
  has(name: QueryName): boolean {
    return this.#texts[name] !== NO_QUERY;
  }

  /** @throws ConfigError the query does not parse, or its answer lacks a column */
  async ask(ask: Ask, name: QueryName, values: Values): Promise<readonly SqlRow[]> {
    const answer = await this.#sent(ask, name, values);
    const lacking = QUERY_RULES[name].columns.find((column) => !isOptional(column) && !answer.columns.includes(column));
    if (lacking !== undefined) throw this.wrong(name, `its answer has no column '${lacking}'`);
    return answer.rows;
  }

  /** The plan of a query: whether it parses, and whether this user may do it. */
  async explain(ask: Ask, name: QueryName, values: Values): Promise<void> {
    await this.#sent(ask, name, values, 'EXPLAIN ');
  }

  async #sent(ask: Ask, name: QueryName, values: Values, before = ''): Promise<Answer> {
    const { sql, names } = numbered(this.#texts[name]);
    try {
      return await ask(
        `${before}${sql}`,
        names.map((one) => values[one] ?? null),
      );
    } catch (error) {
      throw this.#named(name, error);
    }
  }

  /** Errors of the text of a query, with the key where it is written. */
  #named(name: QueryName, error: unknown): unknown {
    const code = codeOf(error);
    // Values of ours that no column takes are of a table, not of the query.
    if (!code?.startsWith('42') || code === '42501') return error;
    return this.wrong(name, `${code}: ${messageOf(error)}`);
  }

  wrong(name: QueryName, what: string): ConfigError {
    const more = name === 'runs' ? `; where no table has run types: ${keyOfQuery(name)}: ${NO_QUERY}` : '';
    return new ConfigError(`${keyOfQuery(name)}: ${what}`, {
      where: this.#where,
      hint: `correct ${keyOfQuery(name)} in dflow.yaml${more}`,
    });
  }

  /** A whole number of a column; nothing counts as 0. */
  whole(name: QueryName, row: SqlRow, column: string): number {
    const value = row[column];
    const number = value === null || value === undefined ? 0 : Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw this.wrong(name, `column '${column}' holds '${String(value).slice(0, 40)}', which is not a whole number`);
  }

  text(row: SqlRow, column: string): string {
    return row[column] === null || row[column] === undefined ? '' : String(row[column]);
  }
}

/** Times of a run: only a minimum length needs them. */
const isOptional = (column: string): boolean => column === 'started' || column === 'ended';

/** A table that is not one any more. */
export function unreadable(key: string, why: string, where: string): ItemError {
  return new ItemError(`the contents under key '${key}' are not a RATDB table: ${why}`, { where });
}
