// What doctor examines: the ports of every command, where nothing is opened before it is asked, and this host itself.
import { join } from 'node:path';
import type { Backend } from '../../backend.ts';
import type { CheckItem } from '../../domain/results/items.ts';
import type { FarmSettings, Settings } from '../../domain/settings.ts';
import { farmSettings } from '../../flow/farms/farm.ts';
import type { Patient } from '../../flow/steps/doctor/check.ts';
import { doctor } from '../../flow/steps/doctor/doctor.ts';
import type { Store } from '../../store.ts';
import { DflowError, ReadOnlyStoreError, StoreError } from '../../util/errors.ts';
import { SECOND } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { backendModule, hostOf, nonce, openPorts, openStore } from '../ports.ts';
import { laterStore } from './laterstore.ts';
import { toolsOf, x509Of } from './tools.ts';

export interface OpenPatient extends Patient {
  close(): Promise<void>;
}

/** Node's versions that package.json asks for; the bundle carries it. */
const NODE_WANTED = '>=20.20';

export async function openPatient(settings: Settings, command: string): Promise<OpenPatient> {
  const store = laterStore((write) => openSoon(settings, write, command));
  const ports = await openPorts(settings, { write: false, command, store });
  const trials: Backend[] = [];
  // Each program that runs wants to be told of this process's end, and many run at once.
  process.setMaxListeners(100);
  return {
    ...ports,
    environment: process.env,
    usualProxy: `/tmp/x509up_u${process.getuid?.() ?? 0}`,
    x509: x509Of(settings),
    node: process.versions.node,
    nodeWanted: NODE_WANTED,
    tools: toolsOf(settings),
    clock: Date.now,
    opened: () => store.opened(),
    trialBackend: async (name) => {
      const backend = await openTrial(settings, farmSettings(ports, name));
      trials.push(backend);
      return backend;
    },
    close: async () => {
      for (const backend of trials) await backend.close();
      await ports.close();
    },
  };
}

/** The checks that ask no server, on settings that were just read or written. */
export async function* setupChecks(settings: Settings): AsyncGenerator<CheckItem, void, void> {
  const patient = await openPatient(settings, 'doctor');
  try {
    yield* doctor(patient, { offline: true });
  } finally {
    await patient.close();
  }
}

/** Milliseconds after which a store is away: a loop waits longer, a person does not. */
const OPENING = 15 * SECOND;

/** Opens the store; where others would begin to wait for one that is away, it is away. */
function openSoon(settings: Settings, write: boolean, command: string): Promise<Store> {
  return new Promise((resolve, reject) => {
    const away = (why: string): void => reject(new StoreError(why.replace(/; trying for .*$/, '')));
    setTimeout(() => away('the store does not answer'), OPENING).unref();
    openStore(settings, { write, command, say: away }).then(resolve, (error: unknown) => reject(closed(error)));
  });
}

/** A store that refuses to be opened is away for every check alike; one that may only be read is not. */
function closed(error: unknown): unknown {
  const away = error instanceof DflowError && !(error instanceof StoreError) && !(error instanceof ReadOnlyStoreError);
  return away ? new StoreError(error.message, given({ hint: error.hint, where: error.where })) : error;
}

/** Jobs and files of trials are gone after this. */
const KEEP = '1h';

/** Under a name that only this host and configuration have: what a killed doctor left there is its own. */
async function openTrial(settings: Settings, farm: FarmSettings): Promise<Backend> {
  const { open } = await backendModule(farm.backend);
  const uuid = `doctor\n${hostOf()}\n${settings.folder}`;
  const folder = join(settings.folder, '.dflow', 'doctor', farm.name);
  return open({ ...farm, options: { ...farm.options, keep: KEEP } }, { folder, uuid, nonce });
}
