// From what a configuration says to the settings that the program reads: defaults, absolute paths, this host's part.

import { basename, resolve } from 'node:path';
import { chainSteps, planFor } from '../../domain/farms/hostplan.ts';
import { firstPassOrder, TIMEOUT } from '../../domain/firstpass/firstpass.ts';
import type { FirstPassJob } from '../../domain/firstpass/firstpassjob.ts';
import type { BadModules } from '../../domain/modules/badmodules.ts';
import type { ModuleFile } from '../../domain/modules/modules.ts';
import type { BufferSettings, FarmSettings, OutputRule, Settings, StorageSettings } from '../../domain/settings.ts';
import { QUERIES } from '../../domain/tables/tablequeries.ts';
import { HOUR } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { nameForScheme } from '../adapter.ts';
import { PROTOCOLS } from '../adapters.ts';
import { catalogueOf } from './catalogue.ts';
import {
  BREAKER,
  BUFFER,
  EFFICIENCY,
  LIMITS,
  POLICY,
  PURGE,
  RUNS,
  SITE_FAULT,
  TEMPLATE,
  TRANSFER,
  VERIFY,
} from './defaults.ts';
import type { Finding } from './findings/finding.ts';
import { findingsOf } from './findings/findings.ts';
import { hostPlans, loopsOf } from './hosts.ts';
import { notifyRules, smtpOf } from './notify.ts';
import { routeOf, ruleOf } from './rules.ts';
import type { RawConfig } from './yaml/schema.ts';

/** What the settings depend on besides the file. */
export interface Surroundings {
  readonly file: string;
  readonly folder: string;
  readonly host: string;
  /** Cores of this machine: slots of the local farm. */
  readonly cores: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly modules: Readonly<Record<string, ModuleFile>>;
  readonly badModules?: readonly BadModules[];
  readonly hash: string;
}

/** Settings, or what is wrong. Pure. */
export function settingsOf(raw: RawConfig, around: Surroundings): { settings: Settings; findings: Finding[] } {
  const storages = storagesOf(raw, around.folder);
  const farms = farmsOf(raw, storages, around);
  const hosts = hostPlans(raw);
  const mine = planFor(hosts, around.host);
  const buffers = buffersOf(raw, around.folder);
  const settings: Settings = {
    experiment: raw.experiment ?? (basename(around.folder).replace(/[^A-Za-z0-9_.-]+/g, '-') || 'experiment'),
    folder: around.folder,
    file: around.file,
    store: around.env.DFLOW_STORE ?? raw.store ?? 'sqlite:./dflow.db',
    buffers,
    storages,
    copies: copiesOf(raw),
    runs: { ...RUNS, ...given(raw.runs ?? {}) },
    tables: tablesOf(raw.tables ?? {}),
    transfer: { ...TRANSFER, ...given(raw.transfer ?? {}) },
    purge: { ...PURGE, reads: copiesOf(raw).purgeAfter, ...given(raw.purge ?? {}) },
    verify: { ...VERIFY, ...given(raw.verify ?? {}) },
    breaker: { ...BREAKER, ...given(raw.breaker ?? {}) },
    outputs: (raw.outputs ?? []).map(outputRule),
    routing: (raw.routing ?? []).map(routeOf),
    notify: { rules: notifyRules(raw) },
    ...smtpOf(raw, around.folder),
    efficiency: { ...EFFICIENCY, ...given(raw.efficiency ?? {}) },
    siteFault: { ...SITE_FAULT, ...given(raw.siteFault ?? {}) },
    farms,
    farm: around.env.DFLOW_FARM ?? mine?.farm ?? farms[0]?.name ?? around.host,
    automatic: automaticOf(raw, around, buffers),
    modules: around.modules,
    badModules: around.badModules ?? [],
    policy: [...(raw.policy ?? []).map(ruleOf), ...POLICY],
    limits: { ...LIMITS, ...given(raw.limits ?? {}) },
    hosts,
    ...(mine ? { plan: mine.loops } : {}),
    loops: mine ? chainSteps(mine.loops) : loopsOf(raw),
    ...(raw.catalogue ? { catalogue: catalogueOf(raw.catalogue, storages, around) } : {}),
    ...(raw.credentials ? { credentials: credentialsOf(raw.credentials, around) } : {}),
    hash: around.hash,
  };
  return { settings, findings: findingsOf(raw, settings) };
}

function tablesOf(raw: NonNullable<RawConfig['tables']>): Settings['tables'] {
  const { required = [], command, minimum, source, detector, writeBack, queries } = raw;
  const jobs = raw.jobs && firstPassOrder(Object.entries(raw.jobs).map(firstPassJob));
  const { any = [], ...requiredBy } = Array.isArray(required) ? { any: required } : required;
  const byType = Object.keys(requiredBy).length > 0 ? { requiredBy } : {};
  const own = { required: any, ...byType, ...given({ command, jobs, minimum }) };
  if (source === undefined) return own;
  const database = { writeBack: writeBack ?? true, queries: { ...QUERIES, ...given(queries ?? {}) } };
  return { ...own, source, ...given({ detector }), ...database };
}

type RawJob = NonNullable<NonNullable<RawConfig['tables']>['jobs']>[string];

function firstPassJob([name, raw]: [string, RawJob]): FirstPassJob {
  const { run, needs = [], required = true, tries, timeout = TIMEOUT, when, makes = [] } = raw;
  return { name, run, needs, required, timeout, makes, ...given({ tries, when }) };
}

function buffersOf(raw: RawConfig, folder: string): BufferSettings[] {
  return raw.buffer.map((buffer) => ({
    ...BUFFER,
    ...(buffer.pattern.endsWith('.zdab') ? { format: 'zdab' as const } : {}),
    ...given(buffer),
    path: resolve(folder, buffer.path),
  }));
}

function storagesOf(raw: RawConfig, folder: string): StorageSettings[] {
  return Object.entries(raw.storage).map(([name, said]) => {
    const long = typeof said === 'string' ? { url: said } : said;
    const protocol = long.protocol ?? protocolOf(long.url);
    const mounted = Object.hasOwn(PROTOCOLS, protocol) && PROTOCOLS[protocol]?.mounted;
    return {
      name,
      protocol,
      ...(mounted ? { mounted, url: resolve(folder, long.url.replace(/^file:\/\//, '')) } : { url: long.url }),
      tape: long.tape ?? false,
      template: long.template ?? TEMPLATE,
      options: long.options ?? {},
    };
  });
}

/** What an address is reached by where nothing is said; a plain path is a file's. */
function protocolOf(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase() ?? 'file';
  return nameForScheme(PROTOCOLS, scheme) ?? scheme;
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
      output: [...(output ? [output] : []), ...(farm.failover ?? [])],
      reads: farm.reads ?? all,
      setup: farm.setup ?? {},
      ...versionsOf(farm),
      env: farm.env ?? {},
      options: farm.options ?? {},
    };
  });
}

/** Versions installed at a farm: those that are said, or those that it is told how to set up; else every one. */
function versionsOf(farm: NonNullable<RawConfig['farms']>[string]): { versions?: readonly string[] } {
  if (farm.versions !== undefined) return { versions: farm.versions };
  const setUp = Object.keys(farm.setup ?? {});
  return setUp.length > 0 ? { versions: setUp } : {};
}

/** Where jobs write and read if the farm does not say: no tape unless there is nothing else, mounted folders read first. */
function elementsOf(storages: readonly StorageSettings[]): { first: string | undefined; all: string[] } {
  const disks = storages.filter((storage) => !storage.tape);
  const some = disks.length > 0 ? disks : storages;
  const far = ({ mounted }: StorageSettings): number => (mounted ? 0 : 1);
  const all = [...some].sort((one, other) => far(one) - far(other));
  return { first: some[0]?.name, all: all.map((storage) => storage.name) };
}

function copiesOf(raw: RawConfig): Settings['copies'] {
  const copies = raw.copies?.raw ?? raw.copies?.purgeAfter ?? 1;
  return { raw: copies, purgeAfter: raw.copies?.purgeAfter ?? copies };
}

/**
 * The version of automatic passes: the one that is said, or the only one there is. A file with mistakes counts: while it is
 * being corrected no other version takes its place.
 */
function automaticOf(raw: RawConfig, around: Surroundings, buffers: readonly BufferSettings[]): Settings['automatic'] {
  const versions = [...Object.keys(around.modules), ...(around.badModules ?? []).map(({ version }) => version)];
  const version =
    around.env.DFLOW_VERSION ?? raw.automatic?.version ?? (versions.length === 1 ? versions[0] : undefined);
  return {
    ...given({ version }),
    level: raw.automatic?.level ?? buffers[0]?.level ?? BUFFER.level,
    from: raw.automatic?.from ?? 0,
    ...given({ until: raw.automatic?.until }),
    share: raw.automatic?.share ?? 0.7,
  };
}

function outputRule({ to, keep, ...match }: NonNullable<RawConfig['outputs']>[number]): OutputRule {
  return { ...given(match), to, keep: keep ?? true };
}

/** A token file may be named by a variable of this host: `$BEARER_TOKEN_FILE`. */
function credentialsOf(
  said: NonNullable<RawConfig['credentials']>,
  around: Surroundings,
): NonNullable<Settings['credentials']> {
  const { check, renew } = said;
  const token = said.token?.startsWith('$') ? (around.env[said.token.slice(1)] ?? '') : said.token;
  return {
    ...given({ check, renew, token: token && resolve(around.folder, token) }),
    warn: said.warn ?? 3 * HOUR,
  };
}
