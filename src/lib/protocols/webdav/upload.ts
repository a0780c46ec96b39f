// One local file to a WebDAV server, in one request whose bytes are read while they are sent.
import type { Checksum, CopyOptions } from '../../storage.ts';
import { readChecksummed } from '../../util/adler32.ts';
import { openBelow } from '../../util/files/below.ts';
import { ownError } from '../../util/systemerrors.ts';
import { shown } from '../../util/text/names.ts';
import { RemoteFailure } from '../tools/meaning.ts';
import type { WebdavClient } from './client.ts';

/** Sends a file; answers what was read. @throws FileChangedError; ItemError that names `local`; WebFailure; the signal's reason */
export async function upload(
  client: WebdavClient,
  local: string,
  path: string,
  options: CopyOptions & { readonly limit: (bytes: number) => number },
): Promise<Checksum> {
  const { signal, pace, limit } = options;
  const meant = (error: unknown): never => {
    throw ownError(error, shown(local));
  };
  const handle = await openBelow(local, options.below).catch(meant);
  // Of a file that is sent again only what is new is told.
  let told = 0;
  let reading: Promise<Checksum> | undefined;
  try {
    const before = await handle.stat();
    const body = async (write: (piece: Buffer) => Promise<void>): Promise<void> => {
      let sent = 0;
      reading = readChecksummed(handle, local, {
        before,
        ...(signal && { signal }),
        sink: async (piece) => {
          await pace?.take(piece.length, signal);
          await write(piece);
          sent += piece.length;
          if (sent > told) options.progress?.(sent - told);
          told = Math.max(told, sent);
        },
      }).catch(meant);
      await reading;
    };
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(before.size),
    };
    const timeout = limit(before.size);
    // Of nothing there is nothing to write, and no server to wait for.
    const empty = before.size === 0 ? { body: Buffer.alloc(0) } : { body };
    await client.send({ method: 'PUT', path, headers, ...empty, timeout, slow: true, signal });
    if (before.size === 0) return await readChecksummed(handle, local, { before }).catch(meant);
    if (!reading) throw new RemoteFailure('busy', 'the server took it before it was sent');
    // The server may answer before the end of our reading is known here.
    return await reading;
  } finally {
    await handle.close();
  }
}
