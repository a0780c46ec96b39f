// The storage elements that a farm needs, opened.
import type { FarmSettings } from '../../domain/settings.ts';
import type { Storage } from '../../storage.ts';
import type { Ports } from '../ports.ts';

/** The storage elements that a farm reads or writes, opened, by name. */
export async function farmStorages(ports: Ports, farm: FarmSettings): Promise<Map<string, Storage>> {
  const names = [...new Set([...farm.reads, ...farm.output])];
  return new Map(await Promise.all(names.map(async (name) => [name, await ports.storage(name)] as const)));
}
