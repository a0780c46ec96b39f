// A storage element that lies in a buffer, or a buffer that lies in an element: copies would be taken for raw files, and
// raw files for copies. Refused before anything is opened.
import { basename, dirname, join } from 'node:path';
import type { BufferSettings, Settings, StorageSettings } from '../../../domain/settings.ts';
import { ConfigError, UsageError } from '../../../util/errors.ts';
import { isWithin, mountinfo } from '../../../util/files/mounts/mounts.ts';
import { type Located, locate, locateByName, type Relation, relation } from '../../../util/files/mounts/nesting.ts';
import { silentOf } from '../../../util/files/mounts/silent.ts';

export interface Nesting {
  readonly storage: string;
  readonly error: ConfigError;
}

/**
 * Every mounted element that is a buffer, lies below one, or above one. Asks the disk, no server. `silent`: folders that
 * gave no answer; they are compared by their names, and must not be opened before they are compared again.
 */
export async function nestings({
  storages,
  buffers,
}: Settings): Promise<{ readonly found: readonly Nesting[]; readonly silent: ReadonlySet<string> }> {
  const elements = storages.filter(({ mounted }) => mounted);
  const { place, silent } = await places([...buffers.map(({ path }) => path), ...elements.map(({ url }) => url)]);
  const levels = await Promise.all(buffers.map(async (buffer) => ({ buffer, at: await place(buffer.path) })));
  const found: Nesting[] = [];
  for (const storage of elements) {
    const at = await place(storage.url);
    const near = levels
      .map((level) => ({ ...level, how: relation(at, level.at) }))
      .find((level): level is typeof level & { how: Relation } => level.how !== undefined);
    if (near) found.push({ storage: storage.name, error: nested(storage, at, near) });
  }
  return { found, silent };
}

/** Where folders lie; those that give no answer are judged by their names. */
async function places(folders: readonly string[]) {
  const mounts = await mountinfo();
  const silent = await silentOf(folders, mounts);
  const place = async (folder: string): Promise<Located> =>
    silent.has(folder) ? locateByName(folder, mounts) : locate(folder, mounts);
  return { place, silent };
}

/**
 * Files that are not data do not belong where data are: a buffer is registered, an element is verified and cleaned.
 * @throws UsageError `folder` lies in a buffer or a storage element of this machine
 */
export async function refuseAmongData(
  { buffers, storages }: Settings,
  folder: string,
  { what, hint }: { readonly what: string; readonly hint: string },
): Promise<void> {
  const data = [
    ...buffers.map(({ level, path }) => ({ where: `buffer ${level}`, path })),
    ...storages
      .filter(({ mounted }) => mounted)
      .map(({ name, url }) => ({ where: `storage element ${name}`, path: url })),
  ];
  const { place } = await places([folder, ...data.map(({ path }) => path)]);
  const here = await place(folder);
  for (const { where, path } of data) {
    const how = relation(here, await place(path));
    if (how === 'same' || how === 'below') throw new UsageError(`${what} into the ${where}`, { where: folder, hint });
  }
}

/** Folders that gave no answer. @throws ConfigError for the first element that shares a folder with a buffer */
export async function refuseNesting(settings: Settings): Promise<ReadonlySet<string>> {
  const { found, silent } = await nestings(settings);
  const [first] = found;
  if (first) throw new ConfigError(first.error.message, { where: settings.file, hint: first.error.hint ?? '' });
  return silent;
}

const WORDS: Readonly<Record<Relation, string>> = {
  same: 'is the folder of',
  below: 'lies in the folder of',
  above: 'contains the folder of',
};

function nested(
  storage: StorageSettings,
  at: Located,
  { buffer, at: raw, how }: { buffer: BufferSettings; at: Located; how: Relation },
): ConfigError {
  const text = `storage ${storage.name} ${WORDS[how]} buffer ${buffer.level}: '${storage.url}' and '${buffer.path}'`;
  const away = outside(raw.path, storage.name);
  const config = `in dflow.yaml write storage: {${storage.name}: '${away ?? '/another/folder'}'}`;
  if (away === undefined) return new ConfigError(text, { hint: config });
  // Its catalogue has paths below the element's folder, so that the folder may be moved as a whole.
  if (how === 'below' && isWithin(at.path, raw.path))
    return new ConfigError(text, { hint: `mv '${at.path}' '${away}', then ${config}` });
  const parts = `mkdir '${away}', move the element's own folders there (${buffer.level}, outputs)`;
  return new ConfigError(text, { hint: `${parts}, then ${config}` });
}

/** A folder beside the buffer; `undefined` where nothing is beside it. */
export function outside(buffer: string, name: string): string | undefined {
  return dirname(buffer) === buffer ? undefined : join(dirname(buffer), `${basename(buffer)}-${name}`);
}
