// One tiny job for each farm and storage element: it fetches a file from the element by the wrapper of real jobs, and
// writes one to it. Its jobs have a name and a folder of their own, so they count nowhere.
import type { Backend } from '../../../backend.ts';
import type { CanaryItem } from '../../../domain/results/items.ts';
import type { FarmSettings, StorageSettings } from '../../../domain/settings.ts';
import type { Entry } from '../../../storage.ts';
import { parallel } from '../../../util/concurrency.ts';
import { messageOf } from '../../../util/errors.ts';
import { inTime } from '../../../util/intime.ts';
import { MINUTE, SECOND } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import type { ResultRecord } from '../../../wrapper/record.ts';
import type { JobSpec } from '../../../wrapper/spec.ts';
import { lend } from '../../farms/lend.ts';
import { PATIENCE, type Patient } from './check.ts';
import { dropBelow, openProbe, type Probe, probeFolder } from './probe.ts';
import { emptySpec, withdraw, withTrials } from './trial.ts';

export interface CanaryOptions {
  readonly dryRun?: boolean;
  /** Milliseconds that an element may take for the file, and a farm for its jobs. */
  readonly patience?: { readonly element?: number; readonly farm?: number };
}

/** Milliseconds after which a job is withdrawn, between two questions, and that a batch system may take beside it. */
const [LONGEST, EVERY, BESIDE] = [2 * MINUTE, 0.5 * SECOND, MINUTE];

interface Outcome {
  readonly phase?: string;
  readonly wrong?: string;
  readonly host?: string;
  readonly seconds?: number;
}

/** By the names of elements: the file there, or why there is none. */
type Probes = ReadonlyMap<string, Probe | Outcome>;

/** One item for each farm and storage element. A pair that the farm neither reads from nor writes to is left out. */
export async function* canary(
  patient: Patient,
  { dryRun, patience }: CanaryOptions = {},
): AsyncGenerator<CanaryItem, void, void> {
  const { farms, storages } = patient.settings;
  if (dryRun) {
    for (const farm of farms) for (const { name } of storages) yield foretold(farm.name, name);
    return;
  }
  const used = storages.filter(({ name }) => farms.some((farm) => uses(farm, name)));
  const probes = new Map(
    await Promise.all(used.map(async ({ name }) => [name, await probeAt(patient, name, patience?.element)] as const)),
  );
  try {
    // A farm for itself: its trials have one lock.
    const found = parallel(farms, farms.length, (farm) => ofFarm(patient, farm, probes, patience?.farm));
    for await (const items of found) yield* items;
  } finally {
    await Promise.all([...probes.values()].map((probe) => 'close' in probe && closed(probe)));
  }
}

function foretold(farm: string, storage: string): CanaryItem {
  const text = `without --dry-run: one job at ${farm} with a small file at ${storage}`;
  return { ...about(farm, storage), did: 'not-checked', dryRun: true, text };
}

const about = (farm: string, storage: string) =>
  ({ kind: 'canary', ref: `${farm}/${storage}`, farm, storage }) as const;

const uses = (farm: FarmSettings, name: string): boolean => farm.reads.includes(name) || farm.output.includes(name);

async function probeAt(patient: Patient, name: string, limit = PATIENCE): Promise<Probe | Outcome> {
  const opening = openProbe(patient, name);
  // One that comes too late is taken away all the same.
  let late = false;
  opening.then((probe) => (late ? closed(probe) : undefined)).catch(() => undefined);
  try {
    const probe = await inTime(opening, limit);
    late = probe === undefined;
    return probe ?? { phase: 'probe', wrong: `no answer within ${Math.round(limit / SECOND)} s` };
  } catch (error) {
    return { phase: 'probe', wrong: messageOf(error) };
  }
}

/** An element that went away meanwhile keeps its file; the next call sweeps it. */
async function closed(probe: Probe): Promise<void> {
  await inTime(probe.close(), PATIENCE).catch(() => undefined);
}

async function ofFarm(
  patient: Patient,
  farm: FarmSettings,
  probes: Probes,
  limit = LONGEST + BESIDE,
): Promise<CanaryItem[]> {
  const { storages } = patient.settings;
  const unused = storages
    .filter(({ name }) => !uses(farm, name))
    .map(({ name }): CanaryItem => {
      return { ...about(farm.name, name), did: 'not-checked', text: `${farm.name} neither reads nor writes there` };
    });
  const mine = storages.filter(({ name }) => uses(farm, name));
  const all = (outcome: Outcome): CanaryItem[] => mine.map((element) => itemOf(farm, element, outcome));
  const tried = withTrials(patient, farm.name, (backend) =>
    Promise.all(
      mine.map(async (element) => itemOf(farm, element, await pair(patient, farm, element, backend, probes))),
    ),
  ).then((found) => found ?? all({ phase: 'batch', wrong: 'another doctor of this host is there now' }));
  const silent = { phase: 'batch', wrong: `no answer within ${Math.round(limit / SECOND)} s` };
  const found = await inTime(tried, limit).catch((error: unknown) => all({ phase: 'batch', wrong: messageOf(error) }));
  return [...(found ?? all(silent)), ...unused];
}

function itemOf(farm: FarmSettings, element: StorageSettings, { wrong, phase, ...more }: Outcome): CanaryItem {
  const base = { ...about(farm.name, element.name), ...given(more) };
  if (wrong === undefined) return { ...base, did: 'ok', text: 'fetched, run, written and compared' };
  const next =
    phase === 'batch' ? `dflow doctor --only farm/${farm.name}` : `dflow doctor --only storage/${element.name}`;
  return { ...base, did: 'failed', failed: true, text: `${phase}: ${wrong}`, next, ...given({ phase }) };
}

/** One job. Whatever happens, nothing stays of it. */
async function pair(
  patient: Patient,
  farm: FarmSettings,
  element: StorageSettings,
  backend: Backend,
  probes: Probes,
): Promise<Outcome> {
  const probe = probes.get(element.name);
  if (!probe || !('close' in probe)) return probe ?? {};
  const key = `${patient.nonce()}.0`;
  try {
    return await runJob(patient, farm, element, backend, probe, key);
  } catch (error) {
    return { phase: 'batch', wrong: messageOf(error) };
  } finally {
    await withdraw(patient, backend, [key]).catch(() => undefined);
    // The output, and what a job that was stopped has written under a temporary name.
    const isOf = (entry: Entry): boolean => entry.path.includes(outputName(key));
    await dropBelow(patient, probe.storage, isOf).catch(() => undefined);
  }
}

async function runJob(
  patient: Patient,
  farm: FarmSettings,
  element: StorageSettings,
  backend: Backend,
  probe: Probe,
  key: string,
): Promise<Outcome> {
  const plain = specOf(key, farm, element, probe, probeFolder(patient));
  const spec = await lend(new Map([[element.name, probe.storage]]), plain);
  const started = patient.clock();
  const answer = (await backend.submit(key.slice(0, -2), [{ key, spec }])).get(key);
  if (typeof answer === 'object') return { phase: 'submit', wrong: answer.refused };
  await backend.release([key]);
  const record = await ended(patient, backend, key);
  const seconds = Math.round((patient.clock() - started) / 100) / 10;
  if (patient.stopping?.aborted) return { phase: 'batch', wrong: 'stopped by a signal' };
  if (!record) return { phase: 'batch', wrong: `not ended within ${LONGEST / MINUTE} min`, seconds };
  const { phase, reason, host } = record;
  if (phase !== 'done') return { phase, wrong: reason, host, seconds };
  return { host, seconds, ...(await compared(probe, record)) };
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

const outputName = (key: string): string => `canary-${key}`;

function specOf(key: string, farm: FarmSettings, element: StorageSettings, probe: Probe, path: string): JobSpec {
  const { storage, sum } = probe;
  const { protocol } = element;
  const place = (at: string): string => storage.localPath(at) ?? storage.worker?.url(at) ?? storage.url(at);
  const option = storage.localPath('') === undefined ? storage.worker?.option : storage.mode;
  return {
    ...emptySpec(key),
    command: 'cat "$1" >"$OUT_probe"',
    inputs: [
      {
        source: place(probe.path),
        name: 'probe.in',
        copy: true,
        protocol,
        storage: element.name,
        size: sum.size,
        adler32: sum.adler32,
      },
    ],
    outputs: [{ type: 'probe', name: outputName(key) }],
    env: farm.env,
    destinations: [{ storage: element.name, protocol, folder: place(path), path, ...given({ option }) }],
    protocols: storage.worker ? { [protocol]: storage.worker.script } : {},
  };
}
