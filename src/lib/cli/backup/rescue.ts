// store rescue: what can be read of a damaged store, as a backup that store restore takes.
import { SCHEMA } from '../../domain/doc.ts';
import type { Settings } from '../../domain/settings.ts';
import type { Item, Step } from '../../flow/ports.ts';
import { backupLines, readBackup } from '../../flow/steps/archive/backuplines.ts';
import { UsageError } from '../../util/errors.ts';
import { withScratch } from '../../util/files/scratch.ts';
import { humanBytes } from '../../util/text/bytes.ts';
import { counted } from '../../util/text/counted.ts';
import { inputLines } from '../arguments/input.ts';
import { storeModule } from '../ports.ts';
import { made, targetOf, writeLines } from './target.ts';

/** Documents named one by one that are lost. */
const NAMED = 100;

export async function* rescueStore(settings: Settings, to: string, at: string): Step {
  const { module, url } = await storeModule(settings);
  const { file } = module;
  if (!file) {
    throw new UsageError('only the file of a SQLite store can be read past damage', {
      where: settings.store,
      hint: 'a database server repairs or restores its own files',
    });
  }
  const target = await targetOf(settings, to, {
    at,
    extension: '.jsonl',
    store: file.pathOf(url),
    command: 'store rescue',
  });
  let documents = 0;
  let lost: readonly string[] = [];
  const bytes = await made(target, (part) =>
    withScratch(async (scratch) => {
      const found = await file.salvage(url, scratch);
      lost = found.lost;
      const whose = found.marker ?? { experiment: settings.experiment };
      const head = { dflow: 'backup', format: 1, ...whose, schema: SCHEMA, at, lost: lost.length } as const;
      await writeLines(part, backupLines(head, found.docs));
      documents = (await readBackup(part, () => inputLines(part))).documents;
    }),
  );
  for (const id of lost.slice(0, NAMED)) yield lostItem(id);
  const more = lost.length > 0 ? `; ${lost.length} cannot be read` : '';
  const item: Item = { kind: 'backup', ref: target.path, did: 'rescued', documents, bytes, lost: lost.length };
  yield {
    ...item,
    text: `${counted(documents, 'document')}, ${humanBytes(bytes)}${more}`,
    next: `dflow store restore '${target.path}'${lost.length > 0 ? '; then add lost documents from an older backup: dflow store import BACKUP' : ''}`,
  };
}

function lostItem(ref: string): Item {
  return { kind: 'document', ref, did: 'unreadable', failed: true, text: 'lies on a damaged page, and is lost' };
}
