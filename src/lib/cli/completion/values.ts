// Names of the experiment that a person may type next: what the configuration defines, and what the store holds now.
import { hostname } from 'node:os';
import { knownCauses } from '../../domain/jobs/policy.ts';
import type { Settings } from '../../domain/settings.ts';
import type { ReadStore } from '../../store.ts';
import { views } from '../../views/index.ts';
import { load } from '../config/load.ts';
import { openStore } from '../ports.ts';
import { NONE, type Values } from './candidates.ts';

/** Runs that are offered: the newest. */
const RUNS = 20;

/** Values of this configuration; those of the store are missing where it does not answer within `patience` milliseconds. */
export async function valuesOf(config: string, patience: number): Promise<Values> {
  const { settings } = await load({ cwd: process.cwd(), flag: config, env: process.env, host: hostname() });
  const configured = ofSettings(settings);
  const stored = await within(patience, ofStore(settings)).catch(() => undefined);
  if (!stored) return configured;
  const both = (name: 'modules' | 'versions' | 'causes'): string[] => [
    ...new Set([...configured[name], ...stored[name]]),
  ];
  return { ...configured, ...stored, modules: both('modules'), versions: both('versions'), causes: both('causes') };
}

function ofSettings(settings: Settings): Values {
  const versions = Object.keys(settings.modules);
  return {
    ...NONE,
    modules: versions.flatMap((version) => Object.keys(settings.modules[version]?.modules ?? {})),
    versions,
    farms: settings.farms.map(({ name }) => name),
    storages: settings.storages.map(({ name }) => name),
    levels: settings.buffers.map(({ level }) => level),
    loops: (settings.plan ?? []).map(({ name }) => name),
    causes: [...knownCauses(settings)],
  };
}

type Stored = Pick<Values, 'modules' | 'versions' | 'causes' | 'requests' | 'holds' | 'runs'>;

async function ofStore(settings: Settings): Promise<Stored> {
  const store = await openStore(settings, { write: false, command: 'complete' });
  try {
    const [counts, causes, requests, holds, runs] = await Promise.all([
      store.count(views.jobCounts, 2),
      store.count(views.causes, 1),
      store.count(views.jobsByRequest, 1),
      store.view(views.holds, {}),
      newestRuns(store),
    ]);
    return {
      versions: counts.map(({ key }) => key[0]),
      modules: counts.map(({ key }) => key[1]),
      causes: causes.map(({ key }) => key[0]),
      requests: requests.map(({ key }) => key[0]),
      holds: holds.map(({ id }) => id),
      runs,
    };
  } finally {
    await store.close();
  }
}

/** The newest runs, whatever is still to be done with them. */
async function newestRuns(store: ReadStore): Promise<string[]> {
  const states = ['open', 'todo', 'done'] as const;
  const rows = await Promise.all(
    states.map((state) => store.view(views.runs, { prefix: [state], descending: true, limit: RUNS })),
  );
  const runs = [...new Set(rows.flat().map(({ key }) => key[1]))].sort((one, other) => other - one);
  return runs.slice(0, RUNS).map(String);
}

function within<T>(milliseconds: number, asked: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), milliseconds);
    asked.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
