// The file at the store's path: still the one that was opened, and not older than it was known to be. Somebody may put a
// backup in its place while commands run: they would go on in a file without a name, or start again what has run since.
import { chmodSync, closeSync, constants, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { StoreError } from '../../util/errors.ts';
import { isFileError } from '../../util/files/ownfolder.ts';

/** How far the store has come, as the last writer of this host knew it. */
export const seenPath = (path: string): string => `${path}-seen`;

export class Place {
  readonly #path: string;
  readonly #file: string | undefined;
  #seen = 0;
  #mark: number | undefined;

  #uuid: string | undefined;

  constructor(
    path: string,
    private readonly readUuid: () => string | undefined,
  ) {
    this.#path = path;
    this.#file = fileAt(path);
  }

  /** @throws StoreError when another file, or none, is at the path now */
  requireSame(): void {
    const now = fileAt(this.#path);
    if (now === this.#file) return;
    const what = now === undefined ? 'removed' : 'replaced by another one';
    throw new StoreError(`the file of the store was ${what} while this command ran; nothing more is written`, {
      where: this.#path,
      hint: 'repeat the command to use the new file; to look at the new file first: dflow store info',
    });
  }

  /** Of the store, not of its file: a backup has the same. */
  get #id(): string {
    this.#uuid ??= this.readUuid();
    return this.#uuid ?? '-';
  }

  /**
   * How many changes the store lacks of those that were made on this host. The mark is read first: another process may
   * commit meanwhile, and then moves both on.
   */
  #behind(lastSeq: () => number): number {
    const [known, last] = readMark(seenPath(this.#path));
    const seq = lastSeq();
    return Math.max(0, known === this.#id ? last - seq : 0, this.#seen - seq);
  }

  /** @throws StoreError when changes are missing that were made before */
  requireWhole(lastSeq: () => number): void {
    const behind = this.#behind(lastSeq);
    if (behind === 0) return;
    throw new StoreError(`the store is older than it was: ${behind} changes made on this host are not in it`, {
      where: this.#path,
      hint: `a backup was put back, and jobs that were started since would run again; to accept that: rm ${seenPath(this.#path)}`,
    });
  }

  /** The same within a process, which remembers how far it has come. */
  requireOnward(seq: number): void {
    if (seq < this.#seen) this.requireWhole(() => seq);
  }

  /** Remembers how far the store has come; where no mark can be made it goes on without. */
  note(seq: number): void {
    this.#seen = seq;
    try {
      this.#mark ??= openMark(this.#path);
      writeSync(this.#mark, `${this.#id} ${String(seq).padStart(16, '0')}\n`, 0);
    } catch (error) {
      if (!isFileError(error)) throw error;
    }
  }

  close(): void {
    if (this.#mark !== undefined) closeSync(this.#mark);
    this.#mark = undefined;
  }
}

function fileAt(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found && `${found.dev}:${found.ino}`;
}

/** Whoever may write the store may write its mark. */
function openMark(path: string): number {
  const mark = seenPath(path);
  const mode = statSync(path).mode & 0o777;
  const isNew = statSync(mark, { throwIfNoEntry: false }) === undefined;
  const opened = openSync(mark, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, mode);
  if (isNew) chmodSync(mark, mode);
  return opened;
}

function readMark(path: string): readonly [string | undefined, number] {
  try {
    const match = /^(\S+) (\d{16})\n$/.exec(readFileSync(path, 'latin1'));
    return [match?.[1], Number(match?.[2] ?? 0)];
  } catch (error) {
    if (!isFileError(error)) throw error;
    return [undefined, 0];
  }
}
