// Reading files that somebody else names: never blocked by a FIFO or a device, never more than a limit. The errors are
// ItemErrors in words; who reads says what they mean.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { ItemError } from '../errors.ts';
import { codeOf, ownError } from '../systemerrors.ts';
import { humanBytes } from '../text/bytes.ts';

const READ = constants.O_RDONLY | constants.O_NONBLOCK;
const CHUNK = 256 * 1024;
/** A pipe that has nothing yet is asked again after this many ms. */
const AGAIN = 20;

function tooLarge(path: string, limit: number): ItemError {
  return new ItemError(`${path}: larger than ${humanBytes(limit)}`);
}

/** The bytes of a regular file of which `check` approves. @throws ItemError: no regular file, larger than `limit`, or what the system says */
export function readRegular(path: string, limit: number, check: (facts: Stats) => void = () => undefined): Buffer {
  try {
    const file = openSync(path, READ);
    try {
      const found = fstatSync(file);
      check(found);
      if (!found.isFile()) throw new ItemError(`${path}: not a regular file`);
      if (found.size > limit) throw tooLarge(path, limit);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw ownError(error, path);
  }
}

/**
 * The pieces of a file or a pipe, such as `<(command)`; a FIFO into which nobody writes is empty. It never blocks, so
 * that signals are heard. @throws ItemError with what the system says
 */
export async function* piecesOf(path: string): AsyncGenerator<Buffer, void, void> {
  try {
    const file = await open(path, READ);
    try {
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK).catch(notYet);
        if (bytesRead === 0) return;
        if (bytesRead < 0) await wait(AGAIN);
        else yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw ownError(error, path);
  }
}

/** What a pipe answers that has nothing yet. */
function notYet(error: unknown): { bytesRead: number; buffer: Buffer } {
  if (codeOf(error) === 'EAGAIN') return { bytesRead: -1, buffer: Buffer.alloc(0) };
  throw error;
}

/** The bytes of a file or a pipe. @throws ItemError: larger than `limit`, or what the system says */
export function readBounded(path: string, limit: number): Promise<Buffer> {
  return collectBounded(piecesOf(path), path, limit);
}

/** Everything that a stream says. @throws ItemError it is more than `limit` bytes */
export async function collectBounded(stream: AsyncIterable<unknown>, name: string, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream) {
    const bytes = Buffer.from(part as Buffer);
    size += bytes.length;
    if (size > limit) throw tooLarge(name, limit);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

/** Lines as they come, of pieces of text; each piece is looked at once. @throws ItemError a line longer than `limit` */
export async function* linesOf(
  pieces: AsyncIterable<string>,
  name: string,
  limit: number,
): AsyncGenerator<string, void, void> {
  let begun: string[] = [];
  let length = 0;
  let number = 0;
  for await (const piece of pieces) {
    const parts = piece.split('\n');
    const rest = parts.pop() ?? '';
    for (const part of parts) {
      number++;
      yield begun.length === 0 ? part : [...begun, part].join('');
      begun = [];
      length = 0;
    }
    if (rest === '') continue;
    begun.push(rest);
    length += rest.length;
    if (length > limit) throw new ItemError(`${name}:${number + 1}: the line is longer than ${humanBytes(limit)}`);
  }
  if (begun.length > 0) yield begun.join('');
}
