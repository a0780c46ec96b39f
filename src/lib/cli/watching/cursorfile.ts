// A file that remembers how far somebody has read the changes of a store. It is written after the lines were handed
// over, so a reader that is killed gets the last lines again: at least once, never less.
import { readFile } from 'node:fs/promises';
import { ConfigError, UsageError } from '../../util/errors.ts';
import { replaceFile } from '../../util/files/replace.ts';
import { codeOf, ownError } from '../../util/systemerrors.ts';
import { field } from '../../util/values/field.ts';

export class CursorFile {
  #written: string | undefined;

  /** `store`: unique id of the store; a cursor of another one is refused. */
  constructor(
    readonly path: string,
    readonly store: string,
  ) {}

  /** The cursor that was kept; `undefined` where there is no file yet. */
  async read(): Promise<string | undefined> {
    const text = await readFile(this.path, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw ownError(error, `the cursor file '${this.path}' cannot be read`, UsageError);
    });
    if (text === undefined) return undefined;
    const said = parsed(text);
    const [cursor, store] = [field(said, 'cursor'), field(said, 'store')];
    const hint = `remove '${this.path}' to begin anew, or name another file`;
    if (typeof cursor !== 'string' || typeof store !== 'string')
      throw new ConfigError(`'${this.path}' is not a cursor file`, { hint });
    if (store !== this.store) throw new ConfigError(`'${this.path}' is of another store (${store})`, { hint });
    this.#written = cursor;
    return cursor;
  }

  /** Keeps the cursor: temporary name, on disk, then renamed. */
  async write(cursor: string): Promise<void> {
    if (cursor === this.#written) return;
    await replaceFile(this.path, `${JSON.stringify({ store: this.store, cursor })}\n`, 'the cursor file');
    this.#written = cursor;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
