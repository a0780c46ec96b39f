// Reading files that may not be there, and the end of files that may be huge. Knows no batch system.
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '../../../util/systemerrors.ts';

/** `undefined` where the file or folder is not there; other errors pass. */
export function ifThere<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The mode of what holds environments, set-up texts and logs: nobody else may look. With umask 000 everybody may, as its
 * user has asked for: there jobs run as another user.
 */
export function privateMode(mode: 0o600 | 0o700): number {
  return process.umask() === 0 ? mode | (mode >> 3) | (mode >> 6) : mode;
}

/** Makes a folder and those above it. Node's own way to do that says ENOENT of a file system that is read-only. */
export function makeFolder(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT') throw error;
    makeFolder(dirname(path));
    makeFolder(path, mode);
  }
}

/** The last `bytes` bytes as UTF-8 (a cut first character is dropped), or `undefined` when there is no such file. */
export function readTail(path: string, bytes: number): string | undefined {
  const file = ifThere(() => openSync(path, 'r'));
  if (file === undefined) return undefined;
  try {
    const { size } = fstatSync(file);
    const start = Math.max(0, size - bytes);
    const buffer = Buffer.alloc(size - start);
    let length = readSync(file, buffer, 0, buffer.length, start);
    let first = 0;
    // Continuation bytes (10xxxxxx) of a character whose head was cut off.
    while (start > 0 && first < length && first < 3 && (buffer[first]! & 0xc0) === 0x80) first += 1;
    if (length < first) length = first;
    return buffer.toString('utf8', first, length);
  } finally {
    closeSync(file);
  }
}
