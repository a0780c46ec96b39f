// What doctor examines, for tests of its checks: real ports in a temporary folder, where a test puts its fault.
import type { CheckItem } from '../../src/lib/domain/results/items.ts';
import type { Patient } from '../../src/lib/flow/steps/doctor/check.ts';
import { type DoctorOptions, doctor } from '../../src/lib/flow/steps/doctor/doctor.ts';
import type { Store } from '../../src/lib/store.ts';
import { undescribed } from './doctordoc.ts';
import { type PortsOptions, replacing, type TestPorts, world } from './ports.ts';

/** `afterEach(closeWorlds)` removes its folder. */
export async function patientIn(
  options: PortsOptions = {},
  faults: Partial<Patient> = {},
): Promise<Patient & TestPorts> {
  const ports = await world(options);
  return {
    ...ports,
    tools: [],
    environment: {},
    usualProxy: `${ports.folder}/no-proxy`,
    x509: [],
    node: '22.0.0',
    nodeWanted: '>=20',
    clock: Date.now,
    opened: async () => faults.store ?? ports.store,
    trialBackend: (farm) => ports.backend(farm),
    ...faults,
  };
}

/** The same with some calls of its store replaced. */
export function withStore<P extends Patient>(patient: P, calls: Partial<Store>): P {
  const store = replacing<Store>(patient.store, calls);
  return { ...patient, store, opened: async () => store };
}

/** What the checks of these names find, in the order of their subjects. */
export async function examined(patient: Patient, only: string[], options: DoctorOptions = {}): Promise<CheckItem[]> {
  const items: CheckItem[] = [];
  for await (const item of doctor(patient, { only, ...options })) {
    const lacking = undescribed(item);
    if (lacking !== undefined) throw new Error(lacking);
    items.push(item);
  }
  return items.sort((one, other) => (one.ref < other.ref ? -1 : 1));
}

/** What one look finds. */
export async function found(patient: Patient, ref: string): Promise<CheckItem> {
  const items = await examined(patient, [ref]);
  const item = items.find((one) => one.ref === ref) ?? items[0];
  if (!item) throw new Error(`no item for ${ref}`);
  return item;
}
