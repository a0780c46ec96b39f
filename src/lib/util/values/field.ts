// Fields of values that came from outside: a thrown error, an answer.

/** The field of an object; `undefined` of anything else. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
