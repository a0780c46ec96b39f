// Receipts of what was destroyed: one file of JSON lines per call, never overwritten, on disk before anything goes.
// Knows lines, not what they mean.

import { constants, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Lock, tryLock } from '../processes/lock.ts';
import { isMissing } from '../systemerrors.ts';
import { writing } from './ownfolder.ts';
import { removeFile } from './remove.ts';
import { syncFolder } from './sync.ts';

export interface Receipt {
  /** File name, as documents refer to it. */
  readonly name: string;
  readonly path: string;
  /** Appends lines and syncs them; the first call makes the file and syncs its folder. @throws UnreachableError, nothing may be destroyed */
  write(lines: readonly object[]): Promise<void>;
  /** `settled`: all that its lines name is as the documents say. Else `leftReceipts` of a later call has it. */
  close(settled?: boolean): Promise<void>;
}

/** A receipt whose writer has ended before all was settled. It is ours until `close`. */
export interface LeftReceipt {
  readonly name: string;
  readonly lines: readonly Record<string, unknown>[];
  close(settled: boolean): Promise<void>;
}

/** Folder of the receipts of an experiment. */
function receiptFolder(folder: string): string {
  return join(folder, '.dflow', 'receipts');
}

/** A mark for each receipt that is being written, locked by its writer for as long as it lives. */
function openFolder(folder: string): string {
  return join(folder, '.dflow', 'removing');
}

const NAME = /^[a-z]+-[0-9TZ]+-[A-Za-z0-9]+\.jsonl$/;
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;

/** A receipt called `<what>-<at>-<nonce>.jsonl`; nothing is on disk before the first line. */
export function newReceipt(folder: string, what: string, at: string, nonce: string): Receipt {
  const name = `${what}-${at.replace(/[-:]|\.\d+/g, '')}-${nonce}.jsonl`;
  const below = receiptFolder(folder);
  const path = join(below, name);
  const own = join(folder, '.dflow');
  const mark = join(openFolder(folder), name);
  let handle: FileHandle | undefined;
  let lock: Lock | undefined;
  let last: Promise<void> = Promise.resolve();
  const append = async (lines: readonly object[]): Promise<void> => {
    const first = handle === undefined;
    if (first) for (const each of [below, openFolder(folder)]) await mkdir(each, { recursive: true });
    lock ??= tryLock(mark);
    handle ??= await open(path, NEW, 0o644);
    await handle.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await handle.sync();
    if (first) for (const each of [openFolder(folder), below, own, folder]) await syncFolder(each);
  };
  return {
    name,
    path,
    // One after the other: whoever writes second must not make the file a second time.
    write: (lines) => {
      const written = last.then(() => writing(own, () => append(lines)));
      last = written.catch(() => undefined);
      return written;
    },
    async close(settled = true) {
      await last;
      await handle?.close();
      if (settled && handle) await removeFile(mark);
      lock?.release();
    },
  };
}

/** The receipts that were left unsettled here, by writers that have ended. */
export async function* leftReceipts(folder: string): AsyncGenerator<LeftReceipt, void, void> {
  if (!existsSync(openFolder(folder))) return;
  const names = await namesIn(openFolder(folder));
  // The journals of the locks lie there too.
  for (const name of names.filter((one) => one.endsWith('.jsonl'))) {
    const mark = join(openFolder(folder), name);
    const lock = tryLock(mark);
    if (!lock) continue;
    try {
      // A mark without its receipt is being made; one that has gone was settled while this looked.
      const lines = (await isFile(mark)) && (await isFile(join(receiptFolder(folder), name)));
      if (!lines) continue;
      yield {
        name,
        lines: await readReceipt(folder, name),
        close: async (settled) => void (settled && (await removeFile(mark))),
      };
    } finally {
      lock.release();
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** The lines of a receipt; none when there is no such file. A line that a crash cut off is left out. */
export async function readReceipt(folder: string, name: string): Promise<Record<string, unknown>[]> {
  // The name comes from a document, which others may have written.
  if (!NAME.test(name)) return [];
  let text: string;
  try {
    text = await readFile(join(receiptFolder(folder), name), 'utf8');
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}
