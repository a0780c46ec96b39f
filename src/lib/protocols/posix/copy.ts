// Copying one local file to another with its checksum: 1 MiB is read and hashed while the one before is written.
// Knows absolute paths only.
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Checksum, CopyOptions } from '../../storage.ts';
import { readChecksummed } from '../../util/adler32.ts';
import { ItemError } from '../../util/errors.ts';
import { openBelow } from '../../util/files/below.ts';
import { removeFile } from '../../util/files/remove.ts';

// Not truncated at opening: it might be the source itself. No link is followed out of the storage element.
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** An error together with the side on which it arose, so that the message names the right path. */
export class SideError extends Error {
  readonly side: 'source' | 'target';
  constructor(side: 'source' | 'target', cause: unknown) {
    super(side, { cause });
    this.side = side;
  }
}

const at = (side: 'source' | 'target') => (cause: unknown) => {
  throw new SideError(side, cause);
};

/** Replaces `target`, synced to disk, with `mode` or what the umask leaves of 0644. A partial target is removed on any error. @throws SideError */
export async function copyFile(source: string, target: string, options: CopyOptions, mode?: number): Promise<Checksum> {
  const from = await openBelow(source, options.below).catch(at('source'));
  try {
    const to = await open(target, WRITE, mode ?? 0o644).catch(at('target'));
    let complete = false;
    let own = false;
    try {
      const [before, old] = await Promise.all([from.stat(), to.stat()]);
      distinct(before, old, source, target);
      own = true;
      if (mode !== undefined) await to.chmod(mode).catch(at('target'));
      if (old.size > 0) await to.truncate(0).catch(at('target'));
      const sparse = before.blocks * 512 < before.size;
      const sum = await readChecksummed(from, source, {
        before,
        ...(options.signal ? { signal: options.signal } : {}),
        sink: async (chunk, offset) => {
          await options.pace?.take(chunk.length, options.signal);
          // What was a hole stays one: a sparse file must not fill the disk.
          if (sparse && isEmpty(chunk)) options.progress?.(chunk.length);
          else await write(to, chunk, offset, options.progress).catch(at('target'));
        },
      }).catch((error: unknown) => {
        throw error instanceof SideError ? error : new SideError('source', error);
      });
      if (sparse) await to.truncate(sum.size).catch(at('target'));
      await to.sync().catch(at('target'));
      complete = true;
      return sum;
    } finally {
      await to.close();
      if (own && !complete) await removeFile(target).catch(() => undefined);
    }
  } finally {
    await from.close();
  }
}

/** A target that is the source, by another name or a link, would be emptied by the copy. */
function distinct(from: Stats, to: Stats, source: string, target: string): void {
  if (from.dev === to.dev && from.ino === to.ino) throw new ItemError(`${target} and ${source} are the same file`);
  if (!to.isFile()) throw new ItemError(`${target} is not a regular file`);
}

const ZEROS = Buffer.alloc(2 ** 20);

function isEmpty(chunk: Buffer): boolean {
  for (let from = 0; from < chunk.length; from += ZEROS.length) {
    const part = chunk.subarray(from, from + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}

async function write(to: FileHandle, chunk: Buffer, offset: number, progress: CopyOptions['progress']): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await to.write(chunk, done, chunk.length - done, offset + done);
    done += bytesWritten;
    progress?.(bytesWritten);
  }
}
