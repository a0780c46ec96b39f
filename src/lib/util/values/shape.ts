// Shapes of JSON values: what a value from outside must have so that it can be read. Fields that a shape does not name
// are left alone. A check copies nothing, so that every document that is read can be checked.

/** What is wrong: at which field, and what belongs there. */
interface Wrong {
  readonly field: string;
  readonly expected: string;
}

/** What is said to be expected where a field is not there at all. */
export const MISSING = 'this field';

export type Shape = (value: unknown) => Wrong | undefined;

const must =
  (expected: string, is: (value: unknown) => boolean): Shape =>
  (value) =>
    is(value) ? undefined : { field: '', expected };

export const text = must('text', (value) => typeof value === 'string');
/** A path that stays below the folder it is joined to. */
export const below = must(
  'a path without `..`',
  (value) => typeof value === 'string' && !value.includes('\0') && !value.split('/').includes('..'),
);
export const flag = must('true or false', (value) => typeof value === 'boolean');
export const number = must('a number', (value) => typeof value === 'number' && Number.isFinite(value));
export const whole = must('a whole number, 0 or more', (value) => Number.isInteger(value) && Number(value) >= 0);
export const integer = must('a whole number', (value) => Number.isInteger(value));
export const anything: Shape = () => undefined;
const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;
export const when = must(
  'a time such as 2026-07-14T06:00:00.000Z',
  // A month 13 has the form of a time, and is none.
  (value) => typeof value === 'string' && time.test(value) && !Number.isNaN(Date.parse(value)),
);

export function oneOf(...names: readonly string[]): Shape {
  return must(`one of ${names.join(', ')}`, (value) => names.some((name) => name === value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function within(name: string, wrong: Wrong | undefined): Wrong | undefined {
  if (!wrong) return undefined;
  const { field, expected } = wrong;
  return { field: field === '' || field.startsWith('[') ? name + field : `${name}.${field}`, expected };
}

export function list(shape: Shape): Shape {
  return (value) => {
    if (!Array.isArray(value)) return { field: '', expected: 'a list' };
    for (const [index, one] of value.entries()) {
      const wrong = shape(one);
      if (wrong) return within(`[${index}]`, wrong);
    }
    return undefined;
  };
}

/** A list of as many parts as there are shapes. */
export function tuple(...shapes: readonly Shape[]): Shape {
  return (value) => {
    if (!Array.isArray(value) || value.length !== shapes.length)
      return { field: '', expected: `a list of ${shapes.length}` };
    for (const [index, shape] of shapes.entries()) {
      const wrong = shape(value[index]);
      if (wrong) return within(`[${index}]`, wrong);
    }
    return undefined;
  };
}

/** An object whose every value has the shape. */
export function map(shape: Shape): Shape {
  return (value) => {
    if (!isObject(value)) return { field: '', expected: 'an object' };
    for (const name of Object.keys(value)) {
      const wrong = shape(value[name]);
      if (wrong) return within(name, wrong);
    }
    return undefined;
  };
}

type Shapes = Readonly<Record<string, Shape>>;

/** An object with these fields; the optional ones may be absent. */
export function fields(needed: Shapes, optional: Shapes = {}): Shape {
  const [must, may] = [Object.entries(needed), Object.entries(optional)];
  return (value) => {
    if (!isObject(value)) return { field: '', expected: 'an object' };
    for (const [name, shape] of must) {
      const wrong = value[name] === undefined ? { field: '', expected: MISSING } : shape(value[name]);
      if (wrong) return within(name, wrong);
    }
    for (const [name, shape] of may) {
      const wrong = value[name] === undefined ? undefined : shape(value[name]);
      if (wrong) return within(name, wrong);
    }
    return undefined;
  };
}

/** An object whose field `tag` says which of the shapes it has. */
export function tagged(tag: string, shapes: Shapes): Shape {
  return (value) => {
    const name = isObject(value) ? value[tag] : undefined;
    const shape = typeof name === 'string' && Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    return shape ? shape(value) : { field: tag, expected: `one of ${Object.keys(shapes).join(', ')}` };
  };
}
