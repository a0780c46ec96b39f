// Where each setting comes from: a line of the file, the environment, or a default.
import { relative } from 'node:path';
import type { PolicyRule } from '../../../domain/jobs/policyrule.ts';
import { isSecretName, withoutSecrets } from '../../../util/text/secrets.ts';
import { exactDuration } from '../../../util/time.ts';
import type { Loaded } from '../load.ts';
import type { Path, YamlFile } from './document.ts';

export interface OriginRow {
  /** The setting in the file's words: `runs.quiet`, `storage.disk.url`. */
  readonly ref: string;
  readonly value: string;
  /** `dflow.yaml:3`, `$DFLOW_STORE` or `default`. */
  readonly origin: string;
}

/** Settings that the environment may say, by its variable. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  store: 'DFLOW_STORE',
  farm: 'DFLOW_FARM',
  'automatic.version': 'DFLOW_VERSION',
};

/** Settings that are durations, by the last word of their names. */
const DURATIONS = new Set([
  'quiet',
  'settle',
  'lease',
  'retry',
  'grace',
  'submitting',
  'giveUp',
  'stale',
  'warn',
  'window',
  'hold',
  'sampledAfter',
  'trash',
  'aside',
]);

const MASK = '***';

/** Settings that may hold a secret anywhere in their text: the file, to which the origin points, shows them to its owner. */
function isSecret([first, second, third, ...more]: Path): boolean {
  if (first === 'credentials') return second === 'check' || second === 'renew';
  if (first === 'tables') return second === 'command';
  if (first === 'farms') return third === 'env' || third === 'setup' || more.some(isSecretPart);
  return first === 'storage' && third === 'options' && more.some(isSecretPart);
}

const isSecretPart = (part: string | number): boolean => isSecretName(String(part));

/** Settings whose values are made by the program, not said by anybody. */
const DERIVED = new Set(['hash', 'folder', 'file', 'badModules']);

const isDerived = ([first, , third]: Path): boolean =>
  DERIVED.has(String(first)) || (first === 'storage' && third === 'mounted');

/** Every setting, flattened, with its origin. */
export function originRows(loaded: Loaded, env: Readonly<Record<string, string | undefined>>): OriginRow[] {
  const { modules, policy, ...settings } = loaded.settings;
  const rows = flatten(inFileWords(settings), []).filter(([path]) => !isDerived(path));
  const said = rows.map(([path, value]): OriginRow => {
    const ref = path.join('.');
    const variable = ENVIRONMENT[ref];
    const fromEnv = variable !== undefined && env[variable] !== undefined;
    const duration = typeof value === 'number' && DURATIONS.has(String(path.at(-1)));
    const text = duration ? exactDuration(value) : isSecret(path) ? MASK : withoutSecrets(shown(value));
    return { ref, value: text, origin: fromEnv ? `$${variable}` : originOf(loaded.yaml, path) };
  });
  const rules = policy.map((rule, index): OriginRow => {
    const path = ['policy', index];
    return { ref: path.join('.'), value: withoutSecrets(shown(inUnits(rule))), origin: originOf(loaded.yaml, path) };
  });
  const files = Object.values(modules).map((file): OriginRow => {
    const origin = relative(loaded.settings.folder, file.path);
    return { ref: `modules.${file.version}`, value: Object.keys(file.modules).join(', '), origin };
  });
  return [...said, ...rules, ...files];
}

/** Durations of a rule as the file says them. */
function inUnits(rule: PolicyRule): object {
  const { wait, ceiling, of } = rule;
  return {
    ...rule,
    ...(wait === undefined ? {} : { wait: exactDuration(wait) }),
    ...(ceiling === undefined || of !== 'time' ? {} : { ceiling: exactDuration(ceiling) }),
  };
}

/** Lists of named things are maps in the file. */
function inFileWords(settings: object): Record<string, unknown> {
  const { buffers, storages, farms, ...rest } = settings as Record<string, readonly { name?: string }[]>;
  const named = (list: readonly { name?: string }[] = []) => {
    return Object.fromEntries(list.map(({ name, ...value }) => [name ?? '', value]));
  };
  return { ...rest, buffer: buffers, storage: named(storages), farms: named(farms) };
}

function flatten(value: unknown, path: Path): [Path, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => {
    return flatten(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  });
}

function originOf(yaml: YamlFile, path: Path): string {
  for (const candidate of spellings(path)) {
    if (yaml.has(candidate)) return `${yaml.file.split('/').at(-1)}:${yaml.at(candidate).line}`;
  }
  return 'default';
}

/** A setting may stand in the file under a shorter form: one buffer without a list, a storage as its folder. */
function spellings(path: Path): Path[] {
  if (path[0] === 'buffer') return [path, ['buffer', ...path.slice(2)]];
  if (path[0] === 'storage' && path[2] === 'url') return [path, path.slice(0, 2)];
  if (path[0] === 'farms' && path[2] === 'output') return [path];
  return [path];
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
