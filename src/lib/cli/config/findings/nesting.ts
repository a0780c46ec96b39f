// A storage element that lies in a buffer, or a buffer that lies in an element: copies would be taken for raw files, and
// raw files for copies. Refused before anything is opened.
import { basename, dirname, join } from 'node:path';
import type { BufferSettings, Settings, StorageSettings } from '../../../domain/settings.ts';
import { ConfigError } from '../../../util/errors.ts';
import { isWithin } from '../../../util/files/mounts.ts';
import { type Located, locate, type Relation, relation } from '../../../util/files/nesting.ts';

export interface Nesting {
  readonly storage: string;
  readonly error: ConfigError;
}

/** Every mounted element that is a buffer, lies below one, or above one. Asks the disk, no server. */
export async function nestings({ storages, buffers }: Settings): Promise<Nesting[]> {
  const levels = await Promise.all(buffers.map(async (buffer) => ({ buffer, at: await locate(buffer.path) })));
  const found: Nesting[] = [];
  for (const storage of storages.filter(({ mounted }) => mounted)) {
    const at = await locate(storage.url);
    const near = levels
      .map((level) => ({ ...level, how: relation(at, level.at) }))
      .find((level): level is typeof level & { how: Relation } => level.how !== undefined);
    if (near) found.push({ storage: storage.name, error: nested(storage, at, near) });
  }
  return found;
}

/** @throws ConfigError for the first element that shares a folder with a buffer */
export async function refuseNesting(settings: Settings): Promise<void> {
  const [first] = await nestings(settings);
  if (first) throw new ConfigError(first.error.message, { where: settings.file, hint: first.error.hint ?? '' });
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
