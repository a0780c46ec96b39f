// What of the storage a person should look at: elements that the configuration no longer has, that are set aside, copies
// that fail or are bad.
import type { Group } from '../../../store.ts';
import type { Ports } from '../../ports.ts';
import type { Attention, StatusPage } from './page.ts';

/** `replicas`: files by element and state, those of elements that are not configured among them. */
export async function storageAttention(
  { settings, store }: Ports,
  { storage }: Pick<StatusPage, 'storage'>,
  replicas: readonly Group[],
): Promise<Attention[]> {
  const copies = await store.count('output-copies', 2);
  const known = new Set(settings.storages.map(({ name }) => name));
  const found: Attention[] = [];
  for (const [name, count] of strangers([...replicas, ...copies], known)) {
    const text = `${count} copies are catalogued at ${name}, which the configuration does not have`;
    found.push({ text, next: `dflow list replicas --storage ${name}` });
  }
  for (const { name, state } of storage.filter((row) => row.state.startsWith('breaker')))
    found.push({ text: `${name} is set aside: ${state}`, next: `dflow why ${name}` });
  for (const { name, states } of storage.filter((row) => (row.states.failed ?? 0) > 0))
    found.push({ text: `copies to ${name} that failed: ${states.failed}`, next: `dflow why ${name}` });
  const bad = storage.reduce((sum, { states }) => sum + (states.bad ?? 0), 0);
  if (bad > 0) found.push({ text: `bad replicas: ${bad}`, next: 'dflow list replicas --state bad' });
  const broken = copies.filter(({ key }) => partsOf(key)[1] === 'bad').reduce((sum, { value }) => sum + value, 0);
  if (broken > 0) found.push({ text: `bad copies of outputs: ${broken}`, next: 'dflow verify --repair' });
  return found;
}

const partsOf = (key: unknown): string[] => (Array.isArray(key) ? key.map(String) : []);

/** Elements that are not `known`, with the number of their copies. */
function strangers(groups: readonly Group[], known: ReadonlySet<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key, value } of groups) {
    const [name = ''] = partsOf(key);
    if (!known.has(name)) counts.set(name, (counts.get(name) ?? 0) + value);
  }
  return counts;
}
