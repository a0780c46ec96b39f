// How far a store has come, as the last writer of this host knew it: a line in a file outside of the store. A store that
// lacks some of that is an older one.
import { ftruncateSync, readFileSync, writeSync } from 'node:fs';
import { isFileError } from '../../util/files/ownfolder.ts';

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

/** The generation is left out until there is one: older versions of dflow read the mark, too. */
function lineOf({ uuid, generation, seq }: Progress): string {
  return `${uuid}${generation > 0 ? `.${generation}` : ''} ${String(seq).padStart(16, '0')}\n`;
}

/** Into an open file. */
export function writeMark(file: number, progress: Progress): void {
  const line = lineOf(progress);
  writeSync(file, line, 0);
  ftruncateSync(file, line.length);
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
