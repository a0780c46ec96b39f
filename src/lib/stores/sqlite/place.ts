// The file at the store's path: still the one that was opened, and not older than it was known to be. Somebody may put a
// backup in its place while commands run: they would go on in a file without a name, or start again what has run since.
import { chmodSync, statSync } from 'node:fs';
import { StoreError } from '../../util/errors.ts';
import { Mark, missing, olderText, openMark, type Progress } from '../shared/mark.ts';

/** How far the store has come, as the last writer of this host knew it. */
export const seenPath = (path: string): string => `${path}-seen`;

export class Place {
  readonly #path: string;
  readonly #file: string | undefined;
  /** How far this process has seen the store come. */
  #seen: Progress | undefined;
  readonly #mark: Mark;

  constructor(path: string) {
    this.#path = path;
    this.#file = fileAt(path);
    this.#mark = new Mark(seenPath(path), (mark) => openMarkOf(path, mark));
  }

  /** @throws StoreError when another file, or none, is at the path now */
  requireSame(): void {
    const now = fileAt(this.#path);
    if (now === this.#file) return;
    throw this.#other(now === undefined ? 'removed' : 'replaced by another one');
  }

  #other(what: string): StoreError {
    return new StoreError(`the file of the store was ${what} while this command ran; nothing more is written`, {
      where: this.#path,
      hint: 'repeat the command to use the new file; to look at the new file first: dflow store info',
    });
  }

  /**
   * What the store lacks of the changes that were made on this host, in words; `undefined`: nothing. The mark is read
   * first: another process may commit meanwhile, and then moves both on.
   */
  older(progress: () => Progress): string | undefined {
    const known = this.#mark.read();
    const now = progress();
    const behind = Math.max(missing(known, now), missing(this.#seen, now));
    return behind === 0 ? undefined : olderText(behind);
  }

  /** @throws StoreError when changes are missing that were made before, or the content is another store's */
  requireWhole(progress: () => Progress): void {
    const text = this.older(progress);
    if (text !== undefined) {
      throw new StoreError(text, {
        where: this.#path,
        hint: `a backup was put back, and jobs that were started since would run again; to go on with this file: dflow store restore ${this.#path}`,
      });
    }
    const now = progress();
    if (this.#seen && this.#seen.uuid !== now.uuid && this.#seen.uuid !== '-') throw this.#other('overwritten');
    if (this.#seen && this.#seen.generation !== now.generation) throw this.#other('restored from a backup');
    this.#seen = now;
  }

  /** That another store was at this path, before the first change: nobody shall take a new one for it. */
  sayFormer({ uuid }: Progress, say: ((text: string) => void) | undefined): void {
    const known = this.#mark.read();
    if (known === undefined || known.uuid === uuid || known.seq === 0) return;
    say?.(
      `the store that was here before is gone, with ${known.seq} changes\nNext: put a backup back: dflow store restore FILE; without one, read storage again: dflow store rebuild`,
    );
  }

  /** Remembers how far the store has come. */
  note(progress: Progress): void {
    this.#seen = progress;
    this.#mark.note(progress);
  }

  close(): void {
    this.#mark.close();
  }
}

function fileAt(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found && `${found.dev}:${found.ino}`;
}

/** Whoever may write the store may write its mark. */
function openMarkOf(path: string, mark: string): number {
  const mode = statSync(path).mode & 0o777;
  const isNew = statSync(mark, { throwIfNoEntry: false }) === undefined;
  const opened = openMark(mark, mode);
  if (isNew) chmodSync(mark, mode);
  return opened;
}
