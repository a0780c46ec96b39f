// What a SQLite store says of itself: whose it is, its unique id, its schema, and how often it was restored.
import type { SqlDatabase } from '../../util/sqlite.ts';
import type { Marker } from '../shared/experiment.ts';
import type { Identity } from '../shared/mark.ts';

export class Meta {
  readonly #db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  #get(name: string): string | undefined {
    return this.#db.get<{ value: string }>('SELECT value FROM meta WHERE name = ?', name)?.value;
  }

  put(values: Marker | { readonly generation: number }): void {
    const put = this.#db.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)');
    for (const [name, value] of Object.entries(values)) put.run(name, String(value));
  }

  get marker(): Marker | undefined {
    const experiment = this.#get('experiment');
    if (experiment === undefined) return undefined;
    return { experiment, uuid: this.identity.uuid, schema: Number(this.#get('schema')) };
  }

  get identity(): Identity {
    return { uuid: this.#get('uuid') ?? '-', generation: Number(this.#get('generation') ?? 0) };
  }
}
