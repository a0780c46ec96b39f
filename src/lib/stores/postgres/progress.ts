// How far the store has come, for this process and in a file of this host. A server that lacks some of that has gone
// back: a standby took over that had not received everything, or a backup was put back.
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Mark, missing, openMark, type Progress } from '../shared/mark.ts';

/** The file of a store in the folder of this host's own state. */
export function markPath(folder: string, where: string): string {
  return join(folder, `seen-${createHash('sha256').update(where).digest('hex').slice(0, 16)}`);
}

export class Seen {
  readonly #mark: Mark | undefined;
  #uuid = '-';
  seq = 0;

  constructor(path: string | undefined) {
    this.#mark = path === undefined ? undefined : new Mark(path, makeMark);
  }

  /** How many changes that were made on this host the store lacks. */
  behind(uuid: string, seq: number): number {
    this.#uuid = uuid;
    return missing(this.#mark?.read(), this.#progress(seq));
  }

  /** Where no file can be made, the process alone remembers. */
  note(seq: number): void {
    if (seq <= this.seq) return;
    this.seq = seq;
    this.#mark?.note(this.#progress(seq));
  }

  close(): void {
    this.#mark?.close();
  }

  #progress(seq: number): Progress {
    return { uuid: this.#uuid, generation: 0, seq };
  }
}

function makeMark(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openMark(path, 0o644);
}
