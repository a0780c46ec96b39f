// A buffer's files without what is dflow's own: configuration, module files, store, `.dflow`, storage elements, trash. By
// device and inode of the folders, since a folder may be mounted or linked under any name.

import { basename, dirname, join, resolve } from 'node:path';
import { isOwnPath } from '../../../domain/data/gone.ts';
import type { Settings } from '../../../domain/settings.ts';
import type { Entry, Storage, Unreadable } from '../../../storage.ts';
import { parallel } from '../../../util/concurrency.ts';
import { SQLITE_FILES } from '../../../util/text/names.ts';
import type { Files, Ports } from '../../ports.ts';

type Here = Pick<Ports, 'files' | 'settings'>;

/** Everything in the buffer that may be a raw file. */
export async function listBuffer(ports: Here, storage: Storage, unreadable?: Unreadable): Promise<Entry[]> {
  const inner = await innerBuffers(ports, storage);
  const entries: Entry[] = [];
  for await (const entry of storage.list('', unreadable)) entries.push(entry);
  const own = await ownPaths(
    ports,
    storage,
    entries.map(({ path }) => path),
  );
  return entries.filter(({ path }) => !own(path) && !inner.some((folder) => path.startsWith(`${folder}/`)));
}

/** Folders below this buffer that are another level's, where both take the same names: a file is of one level only. */
async function innerBuffers({ files, settings: { buffers } }: Here, storage: Storage): Promise<string[]> {
  const top = storage.localPath('');
  const real = async (path: string) => (await files.realPath(path).catch(() => undefined)) ?? resolve(path);
  if (top === undefined) return [];
  const folder = await real(top);
  const others = await Promise.all(buffers.map(async ({ path, pattern }) => ({ pattern, at: await real(path) })));
  const pattern = others.find(({ at }) => at === folder)?.pattern;
  const inner = others.filter((one) => one.pattern === pattern && one.at.startsWith(`${folder}/`));
  return inner.map(({ at }) => at.slice(folder.length + 1));
}

/** Says of each path of the buffer whether it is, or lies in, something of dflow's own. */
export async function ownPaths(
  { files, settings }: Here,
  storage: Storage,
  paths: readonly string[],
): Promise<(path: string) => boolean> {
  const folders = new Set(await identities(files, ownFolders(settings)));
  const own = await ownFiles(files, settings);
  const known = new Map<string, string | undefined>();
  for await (const [folder, identity] of parallel(foldersOf(paths), AT_ONCE, (folder) =>
    identityAt(files, storage, folder),
  ))
    known.set(folder, identity);
  return (path) => {
    const above = foldersAbove(path);
    if (isOwnPath(path)) return true;
    if (above.some((folder) => folders.has(known.get(folder) ?? ''))) return true;
    return own.has(fileKey(known.get(above.at(-1) ?? ''), path));
  };
}

const OWN = '.dflow';
const AT_ONCE = 32;

function ownFolders({ folder, storages }: Settings): string[] {
  const below = storages.filter(({ mounted }) => mounted).map(({ url }) => url);
  return [join(folder, OWN), join(folder, 'modules'), ...below];
}

/** Configuration, store with its companions, files of modules: by the identity of their folder and their name. */
async function ownFiles(files: Files, settings: Settings): Promise<Set<string>> {
  const { file, folder, store, modules, badModules, credentials } = settings;
  const database = store.startsWith('sqlite:')
    ? await andReal(files, resolve(folder, store.slice('sqlite:'.length)))
    : [];
  const companions = database.flatMap((path) => SQLITE_FILES.map((end) => path + end));
  const used = [...Object.values(modules).flatMap((version) => Object.values(version.modules)), ...badModules].flatMap(
    (module) => module.files,
  );
  const all = [file, ...companions, ...used, ...(credentials?.token ? [credentials.token] : [])];
  const where = await Promise.all(all.map((path) => files.identity(dirname(path)).catch(() => undefined)));
  return new Set(all.map((path, index) => fileKey(where[index], path)));
}

/** A link and what it leads to: companions lie beside the file itself. */
async function andReal(files: Files, path: string): Promise<string[]> {
  return [path, (await files.realPath(path).catch(() => undefined)) ?? path];
}

const fileKey = (folder: string | undefined, path: string): string => `${folder} ${basename(path)}`;

async function identities(files: Files, folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(folders.map((folder) => files.identity(folder).catch(() => undefined)));
  return found.flatMap((one) => one ?? []);
}

async function identityAt(files: Files, storage: Storage, folder: string): Promise<[string, string | undefined]> {
  const local = storage.localPath(folder);
  return [folder, local === undefined ? undefined : await files.identity(local).catch(() => undefined)];
}

/** The buffer's own folder (``), and each folder below it on the way to `path`. */
function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return ['', ...parts.map((_, index) => parts.slice(0, index + 1).join('/'))];
}

function foldersOf(paths: readonly string[]): Set<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (const folder of foldersAbove(path)) folders.add(folder);
  }
  return folders;
}
