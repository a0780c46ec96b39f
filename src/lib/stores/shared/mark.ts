// How far a store has come, as the last writer of this host knew it: a line in a file outside of the store. A store that
// lacks some of that is an older one.
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { isFileError } from '../../util/files/ownfolder.ts';
import { counted } from '../../util/text/counted.ts';

/** Two files of one store are told apart by it. */
export interface Identity {
  readonly uuid: string;
  /** How often it was restored. */
  readonly generation: number;
}

/** `seq` counts changes. */
export interface Progress extends Identity {
  readonly seq: number;
}

/** How many changes `now` lacks of what was known before. After a restore the count is that of another history. */
export function missing(before: Progress | undefined, now: Progress): number {
  if (before?.uuid !== now.uuid || before.generation < now.generation) return 0;
  if (before.generation > now.generation) return Number.POSITIVE_INFINITY;
  return Math.max(0, before.seq - now.seq);
}

/** That a store lacks changes, in words. */
export function olderText(behind: number): string {
  const lacks = Number.isFinite(behind) ? counted(behind, 'change') : 'changes';
  return `the store is older than it was: it lacks ${lacks} made on this host`;
}

/** The generation is left out until there is one: older versions of dflow read the mark, too. */
function lineOf({ uuid, generation, seq }: Progress): string {
  return `${uuid}${generation > 0 ? `.${generation}` : ''} ${String(seq).padStart(16, '0')}\n`;
}

/** Opens a mark for writing, and makes it where it is missing. */
export function openMark(path: string, mode: number): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, mode);
}

/** A mark, as whoever writes the store keeps it. */
export class Mark {
  readonly #path: string;
  readonly #open: (path: string) => number;
  #file: number | undefined;

  /** `open`: at the first note. */
  constructor(path: string, open: (path: string) => number) {
    this.#path = path;
    this.#open = open;
  }

  read(): Progress | undefined {
    return readMark(this.#path);
  }

  /** Remembers how far the store has come; where no mark can be made it goes on without. */
  note(progress: Progress): void {
    try {
      this.#file ??= this.#open(this.#path);
      // Of two processes the one that committed first may come here last.
      if (missing(this.read(), progress) > 0) return;
      const line = lineOf(progress);
      writeSync(this.#file, line, 0);
      ftruncateSync(this.#file, line.length);
    } catch (error) {
      if (!isFileError(error)) throw error;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

export function readMark(mark: string): Progress | undefined {
  try {
    const match = /^([^\s.]+)(?:\.(\d+))? (\d{16})\n$/.exec(readFileSync(mark, 'latin1'));
    const [, uuid, generation = '0', seq] = match ?? [];
    return uuid === undefined ? undefined : { uuid, generation: Number(generation), seq: Number(seq) };
  } catch (error) {
    if (!isFileError(error)) throw error;
    return undefined;
  }
}
