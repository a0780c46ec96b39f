// The keys of a configuration file, read out of its JSON Schema: what each means, its default, an example. Pure.
import type { Part } from './page.ts';

/** A key, by its path: `buffer.path`, `farms.NAME.slots`. */
export interface Key {
  readonly path: string;
  readonly meaning: string;
  /** What may be written: `a duration such as ...`, `marker or settled`. */
  readonly kind: string;
  readonly required: boolean;
  readonly example?: string;
  readonly default?: string;
  readonly without?: string;
  /** Keys of its own follow. */
  readonly group: boolean;
}

export interface Schema {
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly string[];
  readonly default?: string;
  readonly 'x-without'?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
}

/** Every key below a schema, in the order of the file. */
export function keysOf(schema: Schema, above = ''): Key[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const path = above === '' ? name : `${above}.${name}`;
    const below = insideOf(inner).flatMap(([tail, part]) => keysOf(part, `${path}${tail}`));
    return [keyOf(path, inner, schema.required?.includes(name) === true, below.length > 0), ...below];
  });
}

function keyOf(path: string, schema: Schema, required: boolean, group: boolean): Key {
  const { description = '', examples, default: value, 'x-without': without } = schema;
  return {
    ...{ path, meaning: description, kind: kindOf(schema), required, group },
    ...(examples?.[0] === undefined ? {} : { example: examples[0] }),
    ...(value === undefined ? {} : { default: value }),
    ...(without === undefined ? {} : { without }),
  };
}

/** Maps with fixed keys that a value may be, or hold under a name of its own (`.NAME`). */
function insideOf(schema: Schema): [tail: string, part: Schema][] {
  if (schema.anyOf)
    return schema.anyOf.flatMap(insideOf).filter(([, { properties }], at, all) => {
      return properties !== undefined && all.findIndex((other) => sameKeys(other[1], properties)) === at;
    });
  if (schema.properties) return [['', schema]];
  if (schema.items) return insideOf(schema.items);
  if (typeof schema.additionalProperties !== 'object') return [];
  return insideOf(schema.additionalProperties).map(([tail, part]) => [`.NAME${tail}`, part]);
}

const sameKeys = (one: Schema, properties: Schema['properties']): boolean =>
  Object.keys(one.properties ?? {}).join() === Object.keys(properties ?? {}).join();

function kindOf(schema: Schema): string {
  if (schema.anyOf) return kindsOf(schema.anyOf);
  if (schema.enum) return schema.enum.join(', ');
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'array') return schema.items ? `a list: ${kindOf(schema.items)}` : 'a list';
  if (schema.properties) return 'a map of its keys';
  if (schema.type === 'object') return 'a map: NAME: value';
  return schema.title ?? 'text';
}

/** One, or a list of them, is said as that. */
function kindsOf(all: readonly Schema[]): string {
  const [list, one] = all;
  if (all.length === 2 && list?.type === 'array' && list.items && one && kindOf(list.items) === kindOf(one))
    return `${kindOf(one)}, or a list`;
  return [...new Set(all.filter(({ type }) => type !== 'null').map(kindOf))].join('; or ');
}

/** The keys as parts of a page: a heading for each key of the file itself. */
export function keyParts(keys: readonly Key[]): Part[] {
  const tops = [...new Set(keys.map(({ path }) => path.split('.')[0] ?? path))];
  return tops.flatMap((top): Part[] => {
    const mine = keys.filter(({ path }) => path === top || path.startsWith(`${top}.`));
    return [{ heading: top }, { words: mine.map((key) => [key.path, keyText(key)]) }];
  });
}

/** What there is to say about a key: its meaning, then on a line of their own its value, default and example. */
function keyText(key: Key): string {
  const absent = key.required
    ? 'Required.'
    : key.default !== undefined
      ? `Default: \`${key.default}\`.`
      : key.without !== undefined
        ? `Without this key: ${key.without}.`
        : '';
  const example = key.example === undefined ? '' : `Example: \`${key.path.split('.').at(-1)}: ${key.example}\`.`;
  const kind = key.group ? '' : `Value: ${key.kind}.`;
  const more = [kind, absent, example].filter((text) => text !== '').join(' ');
  return more === '' ? key.meaning : `${key.meaning}\n${more}`;
}
