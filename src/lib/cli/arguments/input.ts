// Files that the command line names, and standard input: read whole or line by line, within limits, and never so that
// a signal is not heard.
import { ItemError, UsageError } from '../../util/errors.ts';
import { collectBounded, linesOf, piecesOf } from '../../util/files/readfile.ts';
import { ownError } from '../../util/systemerrors.ts';

/** Bytes of a file or of standard input at most: millions of runs. */
const LIMIT = 256_000_000;
/** Characters of one line at most: a document with the largest table. */
const LINE = 128_000_000;

const STDIN = 'standard input';

/** A file, which need not be UTF-8. @throws UsageError */
export function readBytes(file: string): Promise<Buffer> {
  return read(piecesOf(file), file);
}

/** All of standard input. @throws UsageError */
export async function readInput(): Promise<string> {
  return (await readInputBytes()).toString('utf8');
}

export function readInputBytes(): Promise<Buffer> {
  return read(process.stdin, STDIN);
}

async function read(pieces: AsyncIterable<unknown>, where: string): Promise<Buffer> {
  try {
    return await collectBounded(pieces, where, LIMIT);
  } catch (error) {
    throw unreadable(where, error);
  }
}

/** Every line of standard input (`-`) or a file as it comes, empty ones too. @throws UsageError */
export async function* inputLines(name = '-'): AsyncGenerator<string, void, void> {
  const where = name === '-' ? STDIN : name;
  try {
    yield* linesOf(textOf(name === '-' ? process.stdin : piecesOf(name)), where, LINE);
  } catch (error) {
    throw unreadable(where, error);
  }
}

async function* textOf(pieces: AsyncIterable<unknown>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  for await (const piece of pieces) yield decoder.decode(piece as Buffer, { stream: true });
  yield decoder.decode();
}

function unreadable(where: string, error: unknown): unknown {
  const own = ownError(error, where);
  if (!(own instanceof ItemError)) return own;
  const hint = own.hint ?? `check the path: ls -ld '${where}'`;
  return new UsageError(`cannot be read: ${own.message.replace(`${where}: `, '')}`, { where, cause: error, hint });
}
