// Options of a storage element as the configuration gives them: known names, right types. Pure.

import { noSuch } from '../../domain/named.ts';
import { ConfigError } from '../../util/errors.ts';
import { LONGEST_TIMER, notDuration, parseDuration } from '../../util/time.ts';

const isText = (value: unknown): value is string => typeof value === 'string';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value > 0;

/** What each kind of option makes of a value; `undefined` where it is of another kind. `time`: milliseconds. */
const READ = {
  text: (value: unknown) => (isText(value) ? value : undefined),
  count: (value: unknown) => (isCount(value) ? value : undefined),
  flag: (value: unknown) => (isFlag(value) ? value : undefined),
  mode: (value: unknown) => (/^0?[0-7]{3}$/.test(String(value)) ? String(value) : undefined),
  /** Bytes. */
  size: (value: unknown) => parseSize(String(value)),
  time: (value: unknown) => Math.min(parseDuration(String(value)) ?? 0, LONGEST_TIMER) || undefined,
} as const;

const UNITS = ['K', 'M', 'G', 'T', 'P'];

/** Bytes of `5 GB`, `16 MiB`, `100T`. */
function parseSize(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMGTP])i?B?$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(amount) * 1024 ** (UNITS.indexOf(unit.toUpperCase()) + 1));
  return amount !== undefined && bytes > 0 ? bytes : undefined;
}

type Kind = keyof typeof READ;
type Value<K extends Kind> = NonNullable<ReturnType<(typeof READ)[K]>>;
type Values<T extends Readonly<Record<string, Kind>>> = { readonly [K in keyof T]?: Value<T[K]> };

/** @throws ConfigError that names the element, the option and what was probably meant */
export function checkOptions<const T extends Readonly<Record<string, Kind>>>(
  element: { readonly name: string; readonly protocol: string; readonly options: Readonly<Record<string, unknown>> },
  known: T,
): Values<T> {
  const { name, protocol, options } = element;
  const read = Object.entries(options).map(([key, value]) => {
    const kind = Object.hasOwn(known, key) ? known[key] : undefined;
    if (kind === undefined) {
      throw new ConfigError(`storage.${name}: ${noSuch('option', key, Object.keys(known), protocol)}`);
    }
    const made = READ[kind](value);
    if (made === undefined) throw new ConfigError(`storage.${name}: option ${key} ${wrong(kind, value)}`);
    return [key, made];
  });
  return Object.fromEntries(read) as Values<T>;
}

const SAID = {
  text: 'a text',
  count: 'a whole number above 0',
  flag: 'true or false',
  mode: "a mode such as '0640'",
  size: 'a size such as 5 GB',
};

function wrong(kind: Kind, value: unknown): string {
  if (kind !== 'time') return `must be ${SAID[kind]}`;
  return parseDuration(String(value)) === 0 ? 'must be more than 0' : `is wrong: ${notDuration(String(value))}`;
}
