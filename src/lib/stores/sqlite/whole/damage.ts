// That a store was found damaged, in a file beside it. Damage is met by chance, by whoever reads the bad page: what reads
// only sound ones, such as status, says it from here. It is about one file: another one in its place has no damage known.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { StoreFault } from '../../../store.ts';
import { isFileError } from '../../../util/files/ownfolder.ts';
import { removeFileSync } from '../../../util/files/remove.ts';
import { iso } from '../../../util/time.ts';
import { seenPath } from '../place.ts';

const damagePath = (path: string): string => `${path}-damaged`;

/** Notes the first finding. Only beside a store that dflow has written: a backup elsewhere is not the store. */
export function noteDamage(path: string, text: string): void {
  quietly(() => {
    const file = fileAt(path);
    if (file === undefined || fileAt(seenPath(path)) === undefined || read(path)?.file === file) return;
    writeFileSync(damagePath(path), `${file}\n${text.replace(/\s+/g, ' ')}\n`);
  });
}

/** A check of the whole file has found nothing, or the store is another file now. */
export function forgetDamage(path: string): void {
  quietly(() => removeFileSync(damagePath(path)));
}

/** What was found in the file that is the store now. */
export function knownDamage(path: string, next: string): StoreFault[] {
  const note = read(path);
  if (!note || note.file !== fileAt(path)) return [];
  return [{ damage: true, text: `the store is damaged, found ${note.at}: ${note.text}`, next }];
}

function read(path: string): { readonly file: string; readonly text: string; readonly at: string } | undefined {
  return quietly(() => {
    const [file = '', text = ''] = readFileSync(damagePath(path), 'utf8').split('\n');
    return { file, text, at: iso(statSync(damagePath(path)).mtimeMs) };
  });
}

function fileAt(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found && `${found.dev}:${found.ino}`;
}

/** Who may not write beside the store, or read there, goes on without. */
function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isFileError(error)) throw error;
    return undefined;
  }
}
