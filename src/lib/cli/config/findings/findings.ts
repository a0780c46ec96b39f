// What only the whole configuration can show to be wrong: two storages with one folder, a farm that names no storage, a
// pattern that cannot be read.
import { badOf } from '../../../domain/modules/badmodules.ts';
import { noSuch } from '../../../domain/named.ts';
import { compilePattern } from '../../../domain/runs/pattern.ts';
import type { Settings, StorageSettings } from '../../../domain/settings.ts';
import { compileTemplate } from '../../../domain/storage/template.ts';
import { ConfigError } from '../../../util/errors.ts';
import { catalogueFindings } from '../catalogue.ts';
import { RUNS } from '../defaults.ts';
import { hostFindings } from '../hosts.ts';
import { notifyFindings } from '../notify.ts';
import { routeFindings, ruleFindings } from '../rules.ts';
import type { Path } from '../yaml/document.ts';
import type { RawConfig } from '../yaml/schema.ts';
import type { Finding } from './finding.ts';
import { tableFindings } from './tablefindings.ts';

/** Everything that is wrong with the whole. Pure. */
export function findingsOf(raw: RawConfig, settings: Settings): Finding[] {
  const storages = settings.storages.map((storage) => storage.name);
  const farms = settings.farms.map((farm) => farm.name);
  const known = (what: string, name: string, names: readonly string[], path: Path): Finding[] =>
    names.includes(name) ? [] : [{ path, message: noSuch(what, name, names) }];
  const findings = [...written(settings), ...twice(settings.storages), ...levels(raw, settings), ...copies(settings)];
  for (const [name, farm] of Object.entries(raw.farms ?? {})) {
    if (farm.output) findings.push(...known('storage element', farm.output, storages, ['farms', name, 'output']));
    for (const key of ['failover', 'reads'] as const) {
      for (const one of farm[key] ?? [])
        findings.push(...known('storage element', one, storages, ['farms', name, key]));
    }
  }
  for (const [pattern, host] of Object.entries(raw.hosts ?? {})) {
    if (host.farm) findings.push(...known('farm', host.farm, farms, ['hosts', pattern, 'farm']));
  }
  for (const [index, { to }] of settings.outputs.entries()) {
    for (const one of to) findings.push(...known('storage element', one, storages, ['outputs', index, 'to']));
  }
  findings.push(...version(settings), ...calibration(settings), ...ruleFindings(raw.policy ?? [], ['policy']));
  findings.push(...routeFindings(raw.routing ?? [], settings.farms), ...hostFindings(raw), ...notifyFindings(raw));
  const { from, until } = settings.automatic;
  if (until !== undefined && until < from)
    findings.push({
      path: ['automatic', 'until'],
      message: `automatic.until (${until}) is before automatic.from (${from})`,
    });
  findings.push(...tableFindings(raw, settings));
  findings.push(...catalogueFindings(raw, settings));
  return findings;
}

/** Patterns and templates that cannot be read. */
function written(settings: Settings): Finding[] {
  const { endMarker } = settings.runs;
  const compiled = (path: Path, compile: () => unknown): Finding[] => {
    try {
      compile();
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return [{ path, message: error.message, ...(error.hint ? { hint: error.hint } : {}) }];
    }
  };
  const one = settings.buffers.length === 1;
  return [
    ...settings.buffers.flatMap(({ pattern }, at) =>
      compiled(one ? ['buffer', 'pattern'] : ['buffer', at, 'pattern'], () => compilePattern(pattern)),
    ),
    ...settings.storages.flatMap(({ name, template }) =>
      compiled(['storage', name, 'template'], () => compileTemplate(template)),
    ),
    ...(endMarker === undefined ? [] : compiled(['runs', 'endMarker'], () => compilePattern(endMarker))),
  ];
}

/** Two names for one folder would count one copy as two. */
function twice(storages: readonly StorageSettings[]): Finding[] {
  return storages.flatMap((storage, index) => {
    const other = storages.slice(0, index).find((before) => placeOf(before) === placeOf(storage));
    if (!other) return [];
    const message = `storage elements '${storage.name}' and '${other.name}' have the same address: ${storage.url}`;
    return [
      {
        path: ['storage', storage.name],
        message,
        hint: 'give each storage element its own folder; else one copy would count as two',
      },
    ];
  });
}

/** The address of an element. Buckets with the same name at two endpoints are two places. */
function placeOf({ url, options }: StorageSettings): string {
  return [url.replace(/\/+$/, ''), String(options.endpoint ?? '').replace(/\/+$/, '')].join(' ');
}

/** Purge would wait for ever for copies that transfer never makes. */
function copies({ copies: { raw, purgeAfter } }: Settings): Finding[] {
  if (purgeAfter <= raw) return [];
  const message = `purgeAfter: ${purgeAfter} is more than raw: ${raw}, so nothing would ever be purged`;
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
    findings.push({ path: ['automatic', 'level'], message: noSuch('level', level, names) });
  }
  return findings;
}

function version(settings: Settings): Finding[] {
  const { version: wanted } = settings.automatic;
  if (wanted === undefined || settings.modules[wanted] || badOf(settings, wanted)) return [];
  const known = Object.keys(settings.modules);
  const hint = `or write ${settings.folder}/modules/${wanted}.yaml`;
  return [{ path: ['automatic', 'version'], message: noSuch('version', wanted, known), hint }];
}

function calibration(settings: Settings): Finding[] {
  const types = settings.runs.types;
  return settings.runs.calibration
    .filter((name) => !types.includes(name))
    .filter((name) => !RUNS.calibration.includes(name))
    .map((name) => ({ path: ['runs', 'calibration'], message: noSuch('run type', name, types) }));
}
