// An experiment with a catalogue in memory: two storage elements that it knows, one that it does not.
import type { Settings } from '../../src/lib/domain/settings.ts';
import type { Ports } from '../../src/lib/flow/ports.ts';
import { MemoryCatalogue } from './memory-catalogue.ts';
import { makePorts, type TestPorts } from './ports.ts';

export const SFU = 'root://sfu.example.org:1094//x';
export const FNAL = 'root://fnal.example.org:1094//y';

export interface Catalogued {
  readonly base: TestPorts;
  readonly catalogue: MemoryCatalogue;
  /** Ports that have the catalogue; `more` of their settings is otherwise. */
  readonly ports: (more?: Partial<Settings>) => Ports;
}

export async function catalogued(gate = false, now?: () => number): Promise<Catalogued> {
  const about = { url: 'https://rucio.example.org', account: 'a', auth: { user: 'u' }, scope: 'test', gate };
  const rses = { sfu: { name: 'SFU', url: SFU }, fnal: { name: 'FNAL', url: FNAL } };
  const base = await makePorts({ config: { catalogue: { ...about, rses } }, ...(now && { now }) });
  const catalogue = new MemoryCatalogue({ scopes: ['test'], places: { SFU, FNAL } });
  const ports = (more: Partial<Settings> = {}): Ports => ({
    ...base,
    settings: { ...base.settings, ...more },
    catalogue: async () => catalogue,
  });
  return { base, catalogue, ports };
}
