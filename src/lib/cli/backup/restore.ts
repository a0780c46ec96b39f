// store restore: the content of a backup becomes the store's. A store that is a file is replaced, and the old content is
// kept beside it; any other must be empty.
import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Settings } from '../../domain/settings.ts';
import type { Item, Step } from '../../flow/ports.ts';
import { type Backup, readBackup } from '../../flow/steps/archive/backuplines.ts';
import { fill, putHold, type Restored, requireEmpty } from '../../flow/steps/archive/restore.ts';
import type { Store, StoreModule } from '../../store.ts';
import type { StoreFile } from '../../storefile.ts';
import { UsageError } from '../../util/errors.ts';
import { removeFileSync } from '../../util/files/remove.ts';
import { counted } from '../../util/text/counted.ts';
import { SQLITE_FILES } from '../../util/text/names.ts';
import { iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { inputLines } from '../arguments/input.ts';
import { storeModule } from '../ports.ts';
import { backupsIn } from './target.ts';
import { wholeInfo } from './wholecopy.ts';

/** A backup that was read and is whole. */
interface Source {
  readonly path: string;
  readonly experiment: string;
  readonly documents: number;
  readonly made: string;
  /** Documents that a damaged store had lost. */
  readonly lost?: number;
  readonly slug: string;
  /** Absent: it is a whole file of a store. */
  readonly lines?: Backup;
}

export interface Restore {
  /** What a person is asked before. `undefined`: nothing is replaced. */
  readonly question?: string;
  run(dryRun: boolean): Step;
}

/** Reads the backup, and the store where there is one. @throws UsageError, and nothing is changed */
export async function planRestore(settings: Settings, from: string, by: string): Promise<Restore> {
  const { module, url } = await storeModule(settings);
  const source = await sourceOf(module, from, settings);
  if (source.experiment !== settings.experiment) {
    throw new UsageError(`this backup belongs to the experiment '${source.experiment}', not '${settings.experiment}'`, {
      where: source.path,
      hint: `in dflow.yaml: experiment: ${source.experiment}; or another backup`,
    });
  }
  const { file } = module;
  const restored = { from: basename(source.path), made: source.made, lacks: 0, by };
  if (!file) return { run: (dryRun) => intoServer(module, url, source, restored, dryRun) };
  const path = file.pathOf(url);
  const question = `The store ${path} becomes what ${source.path} holds (${source.made}, ${counted(source.documents, 'document')}); later changes are lost. Go on?`;
  return {
    ...(existsSync(path) && { question }),
    run: (dryRun) => intoFile(module, file, { url, path }, source, restored, dryRun),
  };
}

async function sourceOf(module: StoreModule, from: string, { experiment }: Settings): Promise<Source> {
  const path = resolve(from);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UsageError('the backup does not exist', { where: path, hint: `ls -l '${path}'` });
  if (found.isDirectory()) {
    const newest = backupsIn(path, experiment).at(-1);
    const hint =
      newest === undefined ? `no backup of '${experiment}' is in it: ls '${path}'` : `dflow store restore '${newest}'`;
    throw new UsageError('a backup is a file, and this is a folder', { where: path, hint });
  }
  if (module.file?.recognises(path)) return wholeFile(module, path, iso(found.mtimeMs));
  const lines = await readBackup(path, () => inputLines(path));
  const { experiment: of, at, lost } = lines.head;
  return {
    path,
    experiment: of,
    documents: lines.documents,
    made: at,
    slug: lines.digest.slice(0, 8),
    lines,
    ...given({ lost }),
  };
}

/** What is wrong with the file is said of the backup: the store itself may be well. */
async function wholeFile(module: StoreModule, path: string, made: string): Promise<Source> {
  const hint = 'use another backup; nothing was changed';
  const { experiment = '', documents } = await wholeInfo(
    module,
    path,
    (cause) => new UsageError(`this backup is not sound: ${cause.message}`, { where: path, hint, cause }),
  );
  return { path, experiment, documents, made, slug: made.replace(/\D/g, '') };
}

function itemOf(where: string, source: Source, more: string): Item {
  const lost = source.lost ? `; ${counted(source.lost, 'document')} could not be rescued` : '';
  const text = `${counted(source.documents, 'document')} of ${source.path}, made ${source.made}${lost}${more}`;
  return { kind: 'store', ref: where, did: 'restored', documents: source.documents, text };
}

async function* intoServer(
  { open }: StoreModule,
  url: string,
  source: Source,
  restored: Restored,
  dryRun: boolean,
): Step {
  if (!source.lines) throw new UsageError('this backup is a file of another kind of store', { where: source.path });
  const store = await open(url, { write: dryRun ? false : 'setup' });
  try {
    if (dryRun) await requireEmpty(store, source.slug);
    else yield* fill(store, source.lines, source.slug, restored);
    const { where } = await store.info();
    yield { ...itemOf(where, source, ''), ...(dryRun ? { dryRun: true } : {}) };
  } finally {
    await store.close();
  }
}

async function* intoFile(
  { open }: StoreModule,
  file: StoreFile,
  { url, path }: { readonly url: string; readonly path: string },
  source: Source,
  restored: Restored,
  dryRun: boolean,
): Step {
  if (dryRun) {
    yield { ...itemOf(path, source, ''), dryRun: true };
    return;
  }
  const part = `${path}.restoring-${process.pid}`;
  try {
    const lacks = source.lines ? 0 : file.lacks(url, source.path);
    const { lines, slug } = source;
    if (lines) {
      yield* using(await open(file.urlOf(part), { write: 'setup' }), (store) => fill(store, lines, slug, restored));
    } else {
      await file.copy(file.urlOf(source.path), part);
      yield* using(await open(file.urlOf(part), { write: true }), async function* (store) {
        yield await putHold(store, slug, { ...restored, lacks });
      });
    }
    const aside = await file.replace(url, part);
    yield itemOf(path, source, aside === undefined ? '' : `; the former store is kept: ${aside}`);
  } finally {
    for (const tail of [...SQLITE_FILES, '-seen']) removeFileSync(`${part}${tail}`);
  }
}

async function* using(store: Store, work: (store: Store) => Step): Step {
  try {
    yield* work(store);
  } finally {
    await store.close();
  }
}
