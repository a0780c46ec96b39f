// The storage elements that a farm reads and writes, as far as they can be used now: one that is down keeps only those
// jobs that need it.
import type { FarmSettings } from '../../domain/settings.ts';
import type { Storage } from '../../storage.ts';
import { CredentialsError, messageOf, UnreachableError } from '../../util/errors.ts';
import type { Ports } from '../ports.ts';

export interface FarmStorages {
  /** The farm as it can be used: with the elements that answer, in its order. */
  readonly farm: FarmSettings;
  readonly storages: ReadonlyMap<string, Storage>;
  /** Elements that cannot be reached, and why. */
  readonly away: ReadonlyMap<string, string>;
}

/** A path that is at no element. */
const NOTHING = '.dflow-is-it-there';
/** An element that answers nothing for so long is taken as away. */
const PATIENCE = 30_000;

/** @throws UnreachableError when the farm has no element left to write outputs to */
export async function farmStorages(ports: Ports, farm: FarmSettings): Promise<FarmStorages> {
  const names = [...new Set([...farm.reads, ...farm.output])];
  const storages = new Map<string, Storage>();
  const away = new Map<string, string>();
  await Promise.all(
    names.map(async (name) => {
      try {
        storages.set(name, await answering(ports, name));
      } catch (error) {
        if (!(error instanceof UnreachableError) && !(error instanceof CredentialsError)) throw error;
        away.set(name, messageOf(error));
      }
    }),
  );
  const here = (name: string): boolean => storages.has(name);
  const output = farm.output.filter(here);
  const [first] = farm.output;
  if (first !== undefined && output.length === 0) {
    const text = `no storage element can take the outputs of ${farm.name}: ${away.get(first)}`;
    throw new UnreachableError(text, { hint: `dflow why ${first}` });
  }
  return { farm: { ...farm, reads: farm.reads.filter(here), output }, storages, away };
}

/** The element, asked once: what is not a mounted folder opens without a word to its server. */
async function answering(ports: Ports, name: string): Promise<Storage> {
  const storage = await ports.storage(name);
  if (storage.localPath('') !== undefined) return storage;
  const over = new AbortController();
  const late = ports.sleep(PATIENCE, over.signal).then(() => {
    if (!over.signal.aborted) throw new UnreachableError(`${name} has not answered for ${PATIENCE / 1000} s`);
  });
  try {
    await Promise.race([storage.stat([NOTHING]), late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
  return storage;
}
