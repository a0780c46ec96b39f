// Receipts of what was destroyed: one file of JSON lines per call, never overwritten, on disk before anything goes.
// Knows lines, not what they mean.
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writing } from './ownfolder.ts';
import { isMissing } from './systemerrors.ts';

export interface Receipt {
  /** File name, as documents refer to it. */
  readonly name: string;
  readonly path: string;
  /** Appends lines and syncs them; the first call makes the file and syncs its folder. @throws UnreachableError, nothing may be destroyed */
  write(lines: readonly object[]): Promise<void>;
  close(): Promise<void>;
}

/** Folder of the receipts of an experiment. */
export function receiptFolder(folder: string): string {
  return join(folder, '.dflow', 'receipts');
}

const NAME = /^[a-z]+-[0-9TZ]+-[A-Za-z0-9]+\.jsonl$/;
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;

/** A receipt called `<what>-<at>-<nonce>.jsonl`; nothing is on disk before the first line. */
export function newReceipt(folder: string, what: string, at: string, nonce: string): Receipt {
  const name = `${what}-${at.replace(/[-:]|\.\d+/g, '')}-${nonce}.jsonl`;
  const below = receiptFolder(folder);
  const path = join(below, name);
  const own = join(folder, '.dflow');
  let handle: FileHandle | undefined;
  return {
    name,
    path,
    write: (lines) =>
      writing(own, async () => {
        const first = handle === undefined;
        if (first) await mkdir(below, { recursive: true });
        handle ??= await open(path, NEW, 0o644);
        await handle.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
        await handle.sync();
        if (first) for (const each of [below, own, folder]) await syncFolder(each);
      }),
    async close() {
      await handle?.close();
    },
  };
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
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
      return line === '' ? [] : [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
}
