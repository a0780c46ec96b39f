// How far the store has come, for this process and in a file of this host. A server that lacks some of that has gone
// back: a standby took over that had not received everything, or a backup was put back.
import { createHash } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { isFileError } from '../../util/files/ownfolder.ts';
import { missing, type Progress, readMark, writeMark } from '../shared/mark.ts';

/** The file of a store in the folder of this host's own state. */
export function markPath(folder: string, where: string): string {
  return join(folder, `seen-${createHash('sha256').update(where).digest('hex').slice(0, 16)}`);
}

export class Seen {
  readonly #path: string | undefined;
  #uuid = '-';
  #file: number | undefined;
  seq = 0;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** How many changes that were made on this host the store lacks. */
  behind(uuid: string, seq: number): number {
    this.#uuid = uuid;
    const known = this.#path === undefined ? undefined : readMark(this.#path);
    return missing(known, this.#progress(seq));
  }

  /** Where no file can be made, the process alone remembers. */
  note(seq: number): void {
    if (seq <= this.seq) return;
    this.seq = seq;
    if (this.#path === undefined) return;
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true });
      this.#file ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
      // Of two processes the one that committed first may come here last.
      if (missing(readMark(this.#path), this.#progress(seq)) === 0) writeMark(this.#file, this.#progress(seq));
    } catch (error) {
      if (!isFileError(error)) throw error;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #progress(seq: number): Progress {
    return { uuid: this.#uuid, generation: 0, seq };
  }
}
