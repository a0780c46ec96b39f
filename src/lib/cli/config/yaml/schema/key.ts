// A key of a configuration file with the words that documents say about it: what it means, an example, and its default.
import * as z from 'zod/mini';

export interface Words {
  /** As it is written in the file. */
  readonly example: string;
  /** What counts where the key is not written, as it would be written. */
  readonly default?: string;
  /** What happens where the key is not written and no value stands for it. */
  readonly without?: string;
}

/** Words under names of ours: Zod drops those of JSON Schema where a value is transformed. `named` gives them back. */
function meta(meaning: string, { example, default: value, without }: Partial<Words>) {
  return z.meta({
    description: meaning,
    ...(example === undefined ? {} : { 'x-example': example }),
    ...(value === undefined ? {} : { 'x-default': value }),
    ...(without === undefined ? {} : { 'x-without': without }),
  });
}

/** A JSON Schema with the names that editors know: `examples`, `default`. */
export function named(schema: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema), (_, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const { 'x-example': example, 'x-default': fallback, ...rest } = value;
    return {
      ...rest,
      ...(typeof example === 'string' ? { examples: [example] } : {}),
      ...(typeof fallback === 'string' ? { default: fallback } : {}),
    };
  });
}

/** A key that may be left out. */
export function key<T extends z.ZodMiniType>(type: T, meaning: string, words: Words) {
  return z.optional(type).check(meta(meaning, words));
}

/** A key that must be there. */
export function needed<T extends z.ZodMiniType>(type: T, meaning: string, example: string): T {
  return type.check(meta(meaning, { example }));
}

/** A key with keys of its own, which have examples. */
export function section<T extends z.ZodMiniType>(type: T, meaning: string) {
  return z.optional(type).check(meta(meaning, {}));
}
