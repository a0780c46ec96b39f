// From what a configuration says to the settings that the program reads: defaults, absolute paths, this host's part.
// Also what only the whole can show to be wrong: two storages with one folder, a farm that names no storage.
import { basename, resolve } from 'node:path';
import { globMatch } from '../../domain/hold.ts';
import type { ModuleFile } from '../../domain/modules.ts';
import type { BufferSettings, FarmSettings, OutputRule, Settings, StorageSettings } from '../../domain/settings.ts';
import { nearest, suggestion } from '../../util/near.ts';
import { HOUR } from '../../util/time.ts';
import {
  BREAKER,
  BUFFER,
  LIMITS,
  LOOPS,
  POLICY,
  PURGE,
  RUNS,
  SITE_FAULT,
  TEMPLATE,
  TRANSFER,
  VERIFY,
} from './defaults.ts';
import type { Path } from './document.ts';
import { routeFindings, routeOf, ruleFindings, ruleOf } from './rules.ts';
import type { RawConfig } from './schema.ts';
import { listOf } from './values.ts';

/** What the settings depend on besides the file. */
export interface Surroundings {
  readonly file: string;
  readonly folder: string;
  readonly host: string;
  /** Cores of this machine: slots of the local farm. */
  readonly cores: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly modules: Readonly<Record<string, ModuleFile>>;
  readonly hash: string;
}

/** Something wrong with the whole, at a path of the file. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
}

/** Settings, or what is wrong. Pure. */
export function settingsOf(raw: RawConfig, around: Surroundings): { settings: Settings; findings: Finding[] } {
  const storages = storagesOf(raw, around.folder);
  const farms = farmsOf(raw, storages, around);
  const mine = Object.entries(raw.hosts ?? {}).find(([pattern]) => globMatch(pattern, around.host))?.[1];
  const buffers = buffersOf(raw, around.folder);
  const settings: Settings = {
    experiment: raw.experiment ?? (basename(around.folder).replace(/[^A-Za-z0-9_.-]+/g, '-') || 'experiment'),
    folder: around.folder,
    file: around.file,
    store: around.env.DFLOW_STORE ?? raw.store ?? 'sqlite:./dflow.db',
    buffers,
    storages,
    copies: copiesOf(raw),
    runs: { ...RUNS, ...present(raw.runs ?? {}) } as Settings['runs'],
    tables: {
      required: listOf(raw.tables?.required),
      ...(raw.tables?.command === undefined ? {} : { command: raw.tables.command }),
    },
    transfer: { ...TRANSFER, ...present(raw.transfer ?? {}) } as Settings['transfer'],
    purge: { ...PURGE, reads: copiesOf(raw).purgeAfter, ...present(raw.purge ?? {}) } as Settings['purge'],
    verify: { ...VERIFY, ...present(raw.verify ?? {}) } as Settings['verify'],
    breaker: { ...BREAKER, ...present(raw.breaker ?? {}) } as Settings['breaker'],
    outputs: (raw.outputs ?? []).map(outputRule),
    routing: (raw.routing ?? []).map(routeOf),
    siteFault: { ...SITE_FAULT, ...present(raw.siteFault ?? {}) } as Settings['siteFault'],
    farms,
    farm: around.env.DFLOW_FARM ?? mine?.farm ?? farms[0]?.name ?? around.host,
    automatic: automaticOf(raw, around, buffers),
    modules: around.modules,
    policy: [...(raw.policy ?? []).map(ruleOf), ...POLICY],
    limits: { ...LIMITS, ...present(raw.limits ?? {}) } as Settings['limits'],
    loops: mine?.loops ?? LOOPS,
    ...(raw.credentials ? { credentials: credentialsOf(raw.credentials, around) } : {}),
    hash: around.hash,
  };
  return { settings, findings: findingsOf(raw, settings) };
}

/** The fields that are there: an absent one must not hide its default. */
function present<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function buffersOf(raw: RawConfig, folder: string): BufferSettings[] {
  return listOf(raw.buffer).map((buffer) => ({
    ...BUFFER,
    ...(present(buffer) as typeof buffer),
    ...(buffer.format ? {} : buffer.pattern.endsWith('.zdab') ? { format: 'zdab' } : {}),
    path: resolve(folder, buffer.path),
  })) as BufferSettings[];
}

function storagesOf(raw: RawConfig, folder: string): StorageSettings[] {
  return Object.entries(raw.storage).map(([name, said]) => {
    const long = typeof said === 'string' ? { url: said } : said;
    const protocol =
      long.protocol ?? (/^[a-z][a-z0-9+.-]*:\/\//i.test(long.url) ? long.url.split(':', 1)[0]! : 'posix');
    return {
      name,
      protocol,
      url: protocol === 'posix' ? resolve(folder, long.url.replace(/^file:\/\//, '')) : long.url,
      tape: long.tape ?? false,
      template: long.template ?? TEMPLATE,
      options: long.options ?? {},
    };
  });
}

function farmsOf(raw: RawConfig, storages: readonly StorageSettings[], around: Surroundings): FarmSettings[] {
  const { first, all } = elementsOf(storages);
  const said = Object.entries(raw.farms ?? { [around.host]: {} });
  return said.map(([name, farm]) => {
    const output = farm.output ?? first;
    return {
      name,
      backend: farm.backend ?? 'local',
      slots: farm.slots ?? around.cores,
      pending: farm.pending ?? 200,
      output: [...(output ? [output] : []), ...listOf(farm.failover)],
      reads: farm.reads === undefined ? all : listOf(farm.reads),
      setup: farm.setup ?? {},
      ...versionsOf(farm),
      env: farm.env ?? {},
      options: farm.options ?? {},
    };
  });
}

/** Versions installed at a farm: those that are said, or those that it is told how to set up; else every one. */
function versionsOf(farm: { versions?: unknown; setup?: unknown }): { versions?: readonly string[] } {
  if (farm.versions !== undefined) return { versions: listOf(farm.versions as string | string[]) };
  const setUp = Object.keys((farm.setup as object | undefined) ?? {});
  return setUp.length > 0 ? { versions: setUp } : {};
}

/** Where jobs write and read if the farm does not say: no tape unless there is nothing else, mounted folders read first. */
function elementsOf(storages: readonly StorageSettings[]): { first: string | undefined; all: string[] } {
  const disks = storages.filter((storage) => !storage.tape);
  const some = disks.length > 0 ? disks : storages;
  const far = ({ protocol }: StorageSettings): number => (protocol === 'posix' ? 0 : 1);
  const all = [...some].sort((one, other) => far(one) - far(other));
  return { first: some[0]?.name, all: all.map((storage) => storage.name) };
}

function copiesOf(raw: RawConfig): Settings['copies'] {
  const copies = raw.copies?.raw ?? raw.copies?.purgeAfter ?? 1;
  return { raw: copies, purgeAfter: raw.copies?.purgeAfter ?? copies };
}

/** The version of automatic passes: the one that is said, or the only one there is. */
function automaticOf(raw: RawConfig, around: Surroundings, buffers: readonly BufferSettings[]): Settings['automatic'] {
  const versions = Object.keys(around.modules);
  const version =
    around.env.DFLOW_VERSION ?? raw.automatic?.version ?? (versions.length === 1 ? versions[0] : undefined);
  return {
    ...(version === undefined ? {} : { version }),
    level: raw.automatic?.level ?? buffers[0]?.level ?? BUFFER.level,
    from: raw.automatic?.from ?? 0,
    share: raw.automatic?.share ?? 0.7,
  };
}

function outputRule({ to, keep, ...match }: NonNullable<RawConfig['outputs']>[number]): OutputRule {
  return { ...(present(match) as Pick<OutputRule, 'module' | 'type'>), to: listOf(to), keep: keep ?? true };
}

/** A token file may be named by a variable of this host: `$BEARER_TOKEN_FILE`. */
function credentialsOf(
  said: NonNullable<RawConfig['credentials']>,
  around: Surroundings,
): NonNullable<Settings['credentials']> {
  const { check, renew } = said;
  const token = said.token?.startsWith('$') ? (around.env[said.token.slice(1)] ?? '') : said.token;
  return {
    ...(check ? { check } : {}),
    ...(renew ? { renew } : {}),
    ...(token === undefined ? {} : { token: token === '' ? '' : resolve(around.folder, token) }),
    warn: said.warn ?? 3 * HOUR,
  };
}

function findingsOf(raw: RawConfig, settings: Settings): Finding[] {
  const storages = settings.storages.map((storage) => storage.name);
  const farms = settings.farms.map((farm) => farm.name);
  const known = (what: string, name: string, names: readonly string[], path: Path): Finding[] =>
    names.includes(name) ? [] : [{ path, message: `no ${what} is called ${name}`, hint: suggestion(name, names) }];
  const findings = [...twice(settings.storages), ...levels(raw, settings), ...copies(settings)];
  for (const [name, farm] of Object.entries(raw.farms ?? {})) {
    if (farm.output) findings.push(...known('storage', farm.output, storages, ['farms', name, 'output']));
    for (const key of ['failover', 'reads'] as const) {
      for (const one of listOf(farm[key])) findings.push(...known('storage', one, storages, ['farms', name, key]));
    }
  }
  for (const [pattern, host] of Object.entries(raw.hosts ?? {})) {
    if (host.farm) findings.push(...known('farm', host.farm, farms, ['hosts', pattern, 'farm']));
  }
  for (const [index, { to }] of settings.outputs.entries()) {
    for (const one of to) findings.push(...known('storage', one, storages, ['outputs', index, 'to']));
  }
  findings.push(...version(settings), ...calibration(settings), ...ruleFindings(raw.policy ?? [], ['policy']));
  findings.push(...routeFindings(raw.routing ?? [], settings.farms));
  return findings;
}

/** Two names for one folder would count one copy as two. */
function twice(storages: readonly StorageSettings[]): Finding[] {
  return storages.flatMap((storage, index) => {
    const other = storages
      .slice(0, index)
      .find((before) => before.url.replace(/\/+$/, '') === storage.url.replace(/\/+$/, ''));
    if (!other) return [];
    const message = `storage ${storage.name} and storage ${other.name} are the same place: ${storage.url}`;
    return [
      { path: ['storage', storage.name], message, hint: 'one copy would count as two: give each its own folder' },
    ];
  });
}

/** Purge would wait for ever for copies that transfer never makes. */
function copies({ copies: { raw, purgeAfter } }: Settings): Finding[] {
  if (purgeAfter <= raw) return [];
  const message = `purgeAfter ${purgeAfter} is more than the ${raw} that are made: nothing would ever be purged`;
  return [{ path: ['copies', 'purgeAfter'], message, hint: `raw: ${purgeAfter}` }];
}

function levels(raw: RawConfig, settings: Settings): Finding[] {
  const names = settings.buffers.map((buffer) => buffer.level);
  const findings = settings.buffers.flatMap((buffer, index): Finding[] => {
    if (names.indexOf(buffer.level) === index) return [];
    return [{ path: ['buffer', index], message: `level ${buffer.level} has two buffers` }];
  });
  const level = raw.automatic?.level;
  if (level && !names.includes(level)) {
    findings.push({
      path: ['automatic', 'level'],
      message: `no buffer has level ${level}`,
      hint: suggestion(level, names),
    });
  }
  return findings;
}

function version(settings: Settings): Finding[] {
  const { version: wanted } = settings.automatic;
  if (wanted === undefined || settings.modules[wanted]) return [];
  const known = Object.keys(settings.modules);
  const near = nearest(wanted, known);
  const hint = near ? `did you mean ${near}?` : `write ${settings.folder}/modules/${wanted}.yaml`;
  return [{ path: ['automatic', 'version'], message: `version ${wanted} has no module file`, hint }];
}

function calibration(settings: Settings): Finding[] {
  const types = settings.runs.types;
  return settings.runs.calibration
    .filter((name) => !types.includes(name))
    .filter((name) => !RUNS.calibration.includes(name))
    .map((name) => ({
      path: ['runs', 'calibration'],
      message: `no run type is called ${name}`,
      hint: suggestion(name, types),
    }));
}
