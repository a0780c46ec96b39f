// store backup: the whole store into one new file, while everything runs. A store that is a file is copied as one; any
// other as JSON lines. The file is read back before it gets its name.
import { SCHEMA } from '../../domain/doc.ts';
import type { Settings } from '../../domain/settings.ts';
import type { Item, Step } from '../../flow/ports.ts';
import { backupLines, entriesOf, readBackup } from '../../flow/steps/archive/backuplines.ts';
import type { StoreInfo, StoreModule } from '../../store.ts';
import { StoreError, UsageError } from '../../util/errors.ts';
import { removeFileSync } from '../../util/files/remove.ts';
import { humanBytes } from '../../util/text/bytes.ts';
import { counted } from '../../util/text/counted.ts';
import { given } from '../../util/values/given.ts';
import { inputLines } from '../arguments/input.ts';
import { type OpenPorts, storeModule } from '../ports.ts';
import { backupsIn, made, requireRoom, type Target, targetOf, writeLines } from './target.ts';
import { wholeInfo } from './wholecopy.ts';

export interface BackupOptions {
  readonly keep?: number;
  readonly dryRun?: boolean;
}

const LINES = '.jsonl';

export async function* backupStore(
  { everything: store, settings }: OpenPorts,
  to: string,
  { keep, dryRun }: BackupOptions,
): Step {
  const { module, url } = await storeModule(settings);
  const info = await store.info();
  const at = await store.now();
  const { file } = module;
  const native = file !== undefined && !to.endsWith(LINES);
  if (!file && to.endsWith('.db')) {
    throw new UsageError('a backup of this store is a file of JSON lines', {
      where: to,
      hint: `dflow store backup ${to.slice(0, -3)}${LINES}`,
    });
  }
  const target = await targetOf(settings, to, {
    at,
    extension: native ? file.extension : LINES,
    ...(file && { store: file.pathOf(url) }),
  });
  if (keep !== undefined && !target.folder) {
    throw new UsageError('--keep needs a folder for its backups', {
      where: to,
      hint: 'dflow store backup FOLDER/ --keep 7',
    });
  }
  await requireRoom(target, info.bytes ?? 0);
  const item: Item = { kind: 'backup', ref: target.path, did: 'backed-up' };
  if (dryRun) {
    yield { ...item, dryRun: true, ...given({ bytes: info.bytes }), documents: info.documents, text: textOf(info) };
  } else {
    let documents = 0;
    const bytes = await made(target, async (part) => {
      if (native) await file.copy(url, part);
      else await writeLines(part, backupLines(headOf(settings, info, at), entriesOf(store)));
      documents = native ? await documentsIn(module, part) : (await readBackup(part, () => inputLines(part))).documents;
    });
    yield { ...item, documents, bytes, text: `${counted(documents, 'document')}, ${humanBytes(bytes)}, read back` };
  }
  if (keep !== undefined) yield* outdated(settings, target, keep, dryRun === true);
}

const textOf = ({ documents, engine }: StoreInfo): string => `${counted(documents, 'document')} of ${engine}`;

function headOf({ experiment }: Settings, info: StoreInfo, at: string) {
  return {
    dflow: 'backup',
    format: 1,
    experiment: info.experiment ?? experiment,
    ...given({ uuid: info.uuid }),
    schema: info.schema ?? SCHEMA,
    at,
  } as const;
}

/** @throws StoreError the copy is not sound */
async function documentsIn(module: StoreModule, path: string): Promise<number> {
  const hint = 'dflow store info --check';
  const unsound = ({ message }: Error) => new StoreError(`the backup is not sound: ${message}`, { where: path, hint });
  return (await wholeInfo(module, path, unsound)).documents;
}

/** Only after the new one is whole. */
function* outdated(
  { experiment }: Settings,
  { folder = '', path }: Target,
  keep: number,
  dry: boolean,
): Generator<Item> {
  const all = backupsIn(folder, experiment);
  if (dry) all.push(path);
  for (const old of all.slice(0, Math.max(0, all.length - keep))) {
    if (!dry) removeFileSync(old);
    yield { kind: 'backup', ref: old, did: 'outdated', ...(dry ? { dryRun: true } : {}) };
  }
}
