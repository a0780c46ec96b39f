// A storage element that lies in a buffer, or a buffer that lies in an element: copies would be taken for raw files, and
// raw files for copies. Refused before anything is opened.
import { basename, dirname, join } from 'node:path';
import type { BufferSettings, Settings, StorageSettings } from '../../../domain/settings.ts';
import { ConfigError } from '../../../util/errors.ts';
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
  const mounts = await mountinfo();
  const silent = await silentOf([...buffers.map(({ path }) => path), ...elements.map(({ url }) => url)], mounts);
  const place = async (folder: string): Promise<Located> =>
    silent.has(folder) ? locateByName(folder, mounts) : locate(folder, mounts);
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
