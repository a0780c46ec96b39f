// The views of a PostgreSQL store: each version of dflow keeps those that it knows up to date as it writes, and notes for
// the others what has changed. Owns which views there are, their queries, building and removing them.
import { createHash } from 'node:crypto';
import type { Doc } from '../../../domain/doc.ts';
import type { Group, KeyRange, Row, ViewQuery, ViewSet } from '../../../store.ts';
import { StoreError, UsageError } from '../../../util/errors.ts';
import type { View } from '../../../views/view.ts';
import { mergedGroups } from '../../shared/rowquery.ts';
import { type Installed, viewHash } from '../../shared/rows.ts';
import type { Say } from '../../shared/server/patience.ts';
import { requireView, viewsMissing } from '../../shared/viewstore.ts';
import { functionsOf } from '../functions.ts';
import type { Connection } from '../server/connection.ts';
import { named } from '../tables.ts';
import { Folding } from './fold.ts';
import { type ListedGroup, type ListedRow, overlaidGroups, overlaidRows, type Stale } from './overlay.ts';
import { groupsQuery, type ListQuery, rowsQuery } from './query.ts';

export interface ViewsOptions {
  readonly views: readonly View[];
  /** Rows may be brought up to date. */
  readonly write: boolean;
  readonly say: Say;
}

interface Answer<Listed> {
  readonly list: readonly Listed[];
  readonly installed: Installed;
  /** Documents whose rows lag behind; absent where none do. */
  readonly stale?: readonly Stale[];
}

export class Views {
  readonly #connection: Connection;
  readonly #options: ViewsOptions;
  /** The store's functions, as this version has them. */
  readonly functions: ReturnType<typeof functionsOf>;
  readonly #folding: Folding;
  readonly #id: string;
  #installed: Promise<readonly Installed[]> | undefined;

  constructor(connection: Connection, options: ViewsOptions) {
    this.#connection = connection;
    this.#options = options;
    this.functions = functionsOf(connection.asked.schema);
    this.#folding = new Folding(connection, this.functions.fold.name, options.say);
    const names = options.views.map((view) => `${view.name} ${viewHash(view)}`).sort();
    this.#id = `views-${createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 16)}`;
  }

  /**
   * The views that a change must keep up to date: those of this version that the store has.
   * @throws UsageError where the functions of this version are missing, or were changed by hand
   */
  kept(): Promise<readonly Installed[]> {
    this.#installed ??= this.#load();
    this.#installed.catch(() => {
      this.#installed = undefined;
    });
    return this.#installed;
  }

  /** Brings this version's rows up to date with what others wrote. */
  async fold(): Promise<void> {
    await this.#folding.fold(await this.kept());
  }

  async rows(name: string, query: ViewQuery): Promise<Row[]> {
    const ask = (one: Installed, lagging: boolean): ListQuery => rowsQuery(this.#schema, one, query, lagging);
    const { list, installed, stale } = await this.#ask<ListedRow>(name, ask);
    if (stale) return overlaidRows(installed.view, list, stale, query);
    return list.map(([key, value, id]) => ({ key, value, id }));
  }

  async groups(name: string, level: number, query: KeyRange): Promise<Group[]> {
    const ask = (one: Installed): ListQuery => groupsQuery(this.#schema, one, level, query);
    const { list, installed, stale } = await this.#ask<ListedGroup>(name, ask);
    if (stale) return overlaidGroups(installed.view, list, stale, level, query);
    return mergedGroups(
      list.map(([key, value]) => ({ key, value: Number(value) })),
      level,
    );
  }

  /** Puts this version's set in place and makes its rows; what becomes of each set. */
  async *deploy(prune = false, dryRun = false): AsyncGenerator<ViewSet, void, void> {
    const did = await this.#put(dryRun);
    yield { id: this.#id, did };
    const sets = named(this.#schema, 'sets');
    const others = await this.#connection.read(`SELECT id FROM ${sets} WHERE id <> $1 ORDER BY id`, [this.#id]);
    if (prune && !dryRun) {
      const { name } = this.functions.prune;
      await this.#connection.read(`SELECT ${named(this.#schema, name)}($1)`, [this.#id], true);
    }
    for (const { id } of others) yield { id: String(id), did: prune ? 'pruned' : 'kept' };
  }

  async #put(dryRun: boolean): Promise<ViewSet['did']> {
    const functions = Object.values(this.functions);
    const [is] = await this.#connection.read(
      `SELECT (SELECT count(*) FROM ${named(this.#schema, 'sets')} WHERE id = $1) AS sets, ${functionsThere('$2')} AS functions`,
      [this.#id, this.#schema],
    );
    const there = new Map<string, string>(JSON.parse(String(is?.functions ?? '[]')));
    const wrong = functions.filter(({ name, body }) => there.get(name) !== md5(body));
    const edited = wrong.some(({ name }) => there.has(name));
    const known = is?.sets === '1';
    if (dryRun) return edited ? 'repaired' : known && wrong.length === 0 ? 'unchanged' : 'deployed';
    if (wrong.length > 0) {
      // Two that replace one function at once would fail; the lock ends with the statement.
      const lock = "SELECT pg_advisory_xact_lock(hashtext('dflow deploy'))";
      await this.#connection.read([lock, ...wrong.map(({ create }) => create)].join(';\n'));
    }
    const names = this.#options.views.map(({ name }) => name);
    const hashes = this.#options.views.map(viewHash);
    const { install } = this.functions;
    const [made] = await this.#connection.read(
      `SELECT added, mended FROM ${named(this.#schema, install.name)}($1, $2, $3)`,
      [this.#id, names, hashes],
      true,
    );
    this.#installed = undefined;
    await this.fold();
    if (edited || Number(made?.mended) > 0) return 'repaired';
    return known && wrong.length === 0 && Number(made?.added) === 0 ? 'unchanged' : 'deployed';
  }

  get #schema(): string {
    return this.#connection.asked.schema;
  }

  async #load(): Promise<Installed[]> {
    const [row] = await this.#connection.read(
      `SELECT (SELECT json_agg(json_build_array(view, name, hash)) FROM ${named(this.#schema, 'views')}) AS views,
        ${functionsThere('$1')} AS functions`,
      [this.#schema],
    );
    if (this.#options.write) this.#requireFunctions(new Map(JSON.parse(String(row?.functions ?? '[]'))));
    const stored: [number, string, string][] = JSON.parse(String(row?.views ?? '[]'));
    const numbers = new Map(stored.map(([number, name, hash]) => [`${name} ${hash}`, number]));
    return this.#options.views.flatMap((view) => {
      const number = numbers.get(`${view.name} ${viewHash(view)}`);
      return number === undefined ? [] : [{ number, view }];
    });
  }

  #requireFunctions(there: ReadonlyMap<string, string>): void {
    const { apply, fold } = this.functions;
    for (const { name, body } of [apply, fold]) {
      const has = there.get(name);
      if (has === md5(body)) continue;
      const what = has === undefined ? 'is missing' : 'was changed by hand';
      throw new UsageError(`the function ${name} of this version of dflow ${what}`, {
        where: this.#connection.where,
        hint: 'as the owner of the database: dflow store deploy',
      });
    }
  }

  /** The list of a view's query, with what its rows lack; a writer brings them up to date first. */
  async #ask<Listed>(name: string, ask: (one: Installed, lagging: boolean) => ListQuery): Promise<Answer<Listed>> {
    for (let round = 0; round < 4; round++) {
      const installed = await this.#find(name);
      const found = await this.#list<Listed>(installed, ask, false);
      if (!found)
        this.#installed = undefined; // removed meanwhile: look again
      else if (found.lagging === 0) return { list: found.list, installed };
      else if (this.#options.write) await this.fold();
      else {
        const overlaid = await this.#list<Listed>(installed, ask, true);
        if (overlaid) return { ...overlaid, installed };
      }
    }
    const hint = 'run the command again';
    throw new StoreError('other processes change the views of this store', { where: this.#connection.where, hint });
  }

  async #list<Listed>(
    installed: Installed,
    ask: (one: Installed, lagging: boolean) => ListQuery,
    lagging: boolean,
  ): Promise<{ readonly list: Listed[]; readonly lagging: number; readonly stale: Stale[] } | undefined> {
    const { sql, values } = ask(installed, lagging);
    const stale = named(this.#schema, 'stale');
    const docs = named(this.#schema, 'docs');
    const pairs = `(SELECT json_agg(json_build_array(s.id, s.body, d.body)) FROM ${stale} s LEFT JOIN ${docs} d ON d.id = s.id WHERE s.view = $1)`;
    const [row] = await this.#connection.read(
      `SELECT (SELECT v.hash FROM ${named(this.#schema, 'views')} v WHERE v.view = $1) AS hash,
        (SELECT count(*) FROM ${stale} s WHERE s.view = $1) AS lagging, ${sql} AS list, ${lagging ? pairs : 'NULL'} AS stale`,
      values,
    );
    if (row?.hash !== viewHash(installed.view)) return undefined;
    const listIn = <T>(text: unknown): T[] => (typeof text === 'string' ? JSON.parse(text) : []);
    return {
      list: listIn<Listed>(row.list),
      lagging: Number(row.lagging),
      stale: listIn<[string, Doc, Doc]>(row.stale),
    };
  }

  /** @throws UsageError where the store does not have the view of this version */
  async #find(name: string): Promise<Installed> {
    requireView(this.#options.views, name);
    const known = withName(await this.kept(), name);
    if (known) return known;
    this.#installed = undefined; // deployed meanwhile: look again
    const found = withName(await this.kept(), name);
    if (found) return found;
    const [row] = await this.#connection.read(`SELECT count(*) AS sets FROM ${named(this.#schema, 'sets')}`);
    throw viewsMissing(this.#connection.where, Number(row?.sets) > 0);
  }
}

const withName = (views: readonly Installed[], name: string): Installed | undefined =>
  views.find(({ view }) => view.name === name);

/** Names of the functions of the schema that the parameter names, with a hash of their text. */
const functionsThere = (schema: string): string =>
  `(SELECT json_agg(json_build_array(p.proname, md5(p.prosrc))) FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ${schema})`;

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
