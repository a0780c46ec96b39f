// Options of a storage element as the configuration gives them: known names, right types. Pure.
import { ConfigError } from '../../util/errors.ts';
import { suggestion } from '../../util/text/near.ts';

type Kind = 'text' | 'count' | 'flag' | 'mode';
type Value<K extends Kind> = K extends 'text'
  ? string
  : K extends 'count'
    ? number
    : K extends 'mode'
      ? string | number
      : boolean;

/** @throws ConfigError that names the element, the option and what was probably meant */
export function checkOptions<const T extends Readonly<Record<string, Kind>>>(
  element: { readonly name: string; readonly protocol: string; readonly options: Readonly<Record<string, unknown>> },
  known: T,
): { readonly [K in keyof T]?: Value<T[K]> } {
  const { name, protocol, options } = element;
  for (const [key, value] of Object.entries(options)) {
    const kind = Object.hasOwn(known, key) ? known[key] : undefined;
    if (kind === undefined) {
      const hint = suggestion(key, Object.keys(known));
      throw new ConfigError(`storage.${name}: ${protocol} has no option '${key}'`, { hint });
    }
    if (!isA(kind, value)) throw new ConfigError(`storage.${name}: option ${key} must be ${SAID[kind]}`);
  }
  return options as { readonly [K in keyof T]?: Value<T[K]> };
}

const SAID: Readonly<Record<Kind, string>> = {
  text: 'a text',
  count: 'a whole number above 0',
  flag: 'true or false',
  mode: "a mode such as '0640'",
};

function isA(kind: Kind, value: unknown): boolean {
  if (kind === 'mode') return /^0?[0-7]{3}$/.test(String(value));
  if (kind === 'count') return Number.isInteger(value) && (value as number) > 0;
  return typeof value === (kind === 'text' ? 'string' : 'boolean');
}
