// One tiny job for each farm and storage element: it fetches a file from the element by the wrapper of real jobs, and
// writes one to it. Its jobs have a name and a folder of their own, so they count nowhere.
import type { Backend } from '../../../backend.ts';
import type { CanaryItem } from '../../../domain/results/items.ts';
import type { FarmSettings, StorageSettings } from '../../../domain/settings.ts';
import type { Storage } from '../../../storage.ts';
import { parallel } from '../../../util/concurrency.ts';
import { messageOf } from '../../../util/errors.ts';
import { MINUTE, SECOND } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import type { ResultRecord } from '../../../wrapper/record.ts';
import type { JobSpec } from '../../../wrapper/spec.ts';
import type { Patient } from './check.ts';
import { type Probe, probeFolder, tidy, withProbe } from './probe.ts';
import { emptySpec, withdraw, withTrials } from './trial.ts';

export interface CanaryOptions {
  readonly dryRun?: boolean;
}

/** Milliseconds after which a job is withdrawn, and between two questions. */
const [LONGEST, EVERY] = [2 * MINUTE, 0.5 * SECOND];

interface Outcome {
  readonly phase?: string;
  readonly wrong?: string;
  readonly host?: string;
  readonly seconds?: number;
}

/** One item for each farm and storage element. A pair that the farm neither reads from nor writes to is left out. */
export async function* canary(
  patient: Patient,
  { dryRun }: CanaryOptions = {},
): AsyncGenerator<CanaryItem, void, void> {
  const { farms, storages } = patient.settings;
  if (dryRun) {
    for (const farm of farms) for (const { name } of storages) yield foretold(farm.name, name);
    return;
  }
  // A farm for itself: its trials have one lock.
  for await (const items of parallel(farms, farms.length, (farm) => ofFarm(patient, farm))) yield* items;
}

function foretold(farm: string, storage: string): CanaryItem {
  const text = `without --dry-run: one job at ${farm} with a small file at ${storage}`;
  return { ...about(farm, storage), did: 'not-checked', dryRun: true, text };
}

const about = (farm: string, storage: string) =>
  ({ kind: 'canary', ref: `${farm}/${storage}`, farm, storage }) as const;

async function ofFarm(patient: Patient, farm: FarmSettings): Promise<CanaryItem[]> {
  const { storages } = patient.settings;
  const used = (name: string): boolean => farm.reads.includes(name) || farm.output.includes(name);
  const unused = storages
    .filter(({ name }) => !used(name))
    .map(({ name }): CanaryItem => {
      return { ...about(farm.name, name), did: 'not-checked', text: `${farm.name} neither reads nor writes there` };
    });
  const mine = storages.filter(({ name }) => used(name));
  const tried = withTrials(patient, farm.name, (backend) =>
    Promise.all(mine.map(async (element) => itemOf(farm, element, await pair(patient, farm, element, backend)))),
  );
  const found = await tried.catch((error: unknown) => {
    return mine.map((element) => itemOf(farm, element, { phase: 'batch', wrong: messageOf(error) }));
  });
  const busy = mine.map((element) => itemOf(farm, element, { phase: 'batch', wrong: 'another doctor is there now' }));
  return [...(found ?? busy), ...unused];
}

function itemOf(farm: FarmSettings, element: StorageSettings, { wrong, phase, ...more }: Outcome): CanaryItem {
  const base = { ...about(farm.name, element.name), ...given(more) };
  if (wrong === undefined) return { ...base, did: 'ok', text: 'fetched, run, written and compared' };
  const next =
    phase === 'batch' ? `dflow doctor --only farm/${farm.name}` : `dflow doctor --only storage/${element.name}`;
  return { ...base, did: 'failed', failed: true, text: `${phase}: ${wrong}`, next, ...given({ phase }) };
}

/** One job. Whatever happens, nothing of it stays. */
async function pair(
  patient: Patient,
  farm: FarmSettings,
  element: StorageSettings,
  backend: Backend,
): Promise<Outcome> {
  try {
    const storage = await patient.storage(element.name);
    return await withProbe(patient, storage, (probe) => runJob(patient, farm, element, backend, probe));
  } catch (error) {
    return { phase: 'probe', wrong: messageOf(error) };
  }
}

async function runJob(
  patient: Patient,
  farm: FarmSettings,
  element: StorageSettings,
  backend: Backend,
  probe: Probe,
): Promise<Outcome> {
  const claim = patient.nonce();
  const key = `${claim}.0`;
  const spec = specOf(key, farm, element, probe, `${probeFolder(patient)}/${claim}`);
  const started = patient.clock();
  try {
    const answer = (await backend.submit(claim, [{ key, spec }])).get(key);
    if (typeof answer === 'object') return { phase: 'submit', wrong: answer.refused };
    await backend.release([key]);
    const record = await ended(patient, backend, key);
    const seconds = Math.round((patient.clock() - started) / 100) / 10;
    if (!record) return { phase: 'batch', wrong: `not ended within ${LONGEST / MINUTE} min`, seconds };
    const { phase, reason, host } = record;
    if (phase !== 'done') return { phase, wrong: reason, host, seconds };
    return { host, seconds, ...(await compared(probe, record)) };
  } finally {
    await withdraw(patient, backend, [key]);
    await dropOutputs(patient, probe.storage, `${probeFolder(patient)}/${claim}`);
  }
}

/** Its record, once it is there; `undefined`: not in time, or this process shall end. */
async function ended(patient: Patient, backend: Backend, key: string): Promise<ResultRecord | undefined> {
  for (let waited = 0; waited < LONGEST && !patient.stopping?.aborted; waited += EVERY) {
    await backend.ensure();
    const record = (await backend.records(1000)).find((one) => one.key === key);
    if (record) {
      await backend.acknowledge([record]);
      return record;
    }
    await backend.status([key]);
    await patient.sleep(EVERY, patient.stopping);
  }
  return undefined;
}

/** What the job wrote has the bytes of the probe. */
async function compared({ storage, sum }: Probe, { outputs }: ResultRecord): Promise<Outcome> {
  const [output] = outputs;
  if (!output) return { phase: 'outputs', wrong: 'the record names no output' };
  const read = await storage.readChecksum(output.path);
  if (read.adler32 === sum.adler32) return {};
  return { phase: 'outputs', wrong: `what the job wrote has checksum ${read.adler32}, not ${sum.adler32}` };
}

async function dropOutputs(patient: Patient, storage: Storage, folder: string): Promise<void> {
  const left: string[] = [];
  for await (const { path } of storage.list(folder)) left.push(path);
  if (left.length > 0) await storage.remove(left);
  for (const path of left) await tidy(patient, storage, path.slice(0, path.lastIndexOf('/')));
}

function specOf(key: string, farm: FarmSettings, element: StorageSettings, probe: Probe, path: string): JobSpec {
  const { storage, sum } = probe;
  const { protocol } = element;
  const place = (at: string): string => storage.localPath(at) ?? storage.worker?.url(at) ?? storage.url(at);
  const option = storage.localPath('') === undefined ? storage.worker?.option : storage.mode;
  return {
    ...emptySpec(key),
    command: 'cat "$1" >"$OUT_probe"',
    inputs: [
      { source: place(probe.path), name: 'probe.in', copy: true, protocol, size: sum.size, adler32: sum.adler32 },
    ],
    outputs: [{ type: 'probe', name: 'probe.out' }],
    env: farm.env,
    destinations: [{ storage: element.name, protocol, folder: place(path), path, ...given({ option }) }],
    protocols: storage.worker ? { [protocol]: storage.worker.script } : {},
  };
}
