// Makes broken input of good input: bytes, lines, words and, where it is JSON, nodes. Seeded: the same numbers give the
// same input again.

export type Random = () => number;

/** What parsers stumble over. */
const NASTY = [
  ...['', '0', '-1', '00012', '2147483648', '9007199254740993', '18446744073709551616', '1e999', '-0', '0x', '1.5.2'],
  ...['NaN', 'null', 'true', '{}', '[]', '""', "'", '"', '\\', '\\u0000', '\\ud800', '\0', '\r\n', '\n\n', '\t', ' '],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '../../x', '/', '%', '*', '?', '|', ';', ':', ',', '='],
  ...[
    '\xff',
    '\xc3\x28',
    '\xef\xbb\xbf',
    '\u202e',
    '\x1b[31m',
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    '//',
    '/*',
    '#',
    '&a',
    '*a',
    '<<',
  ],
  ...[
    '0-99999999999',
    '0-1:0',
    '[0-4294967295]',
    '!!binary x',
    '!!js x',
    '? ',
    '- ',
    '---',
    '{{}}',
    '$' + '{x}',
    '{run}',
    '$(',
  ],
];

const LIMIT = 200_000;

const below = (next: Random, count: number): number => Math.floor(next() * count);
const pick = <T>(next: Random, from: readonly T[]): T => from[below(next, from.length)]!;

/** One input: one to eight changes of a sample, at times spliced with another. */
export function mutated(samples: readonly Buffer[], next: Random): Buffer {
  let bytes = pick(next, samples);
  if (next() < 0.25) bytes = jsonMutated(bytes, next) ?? bytes;
  const changes = next() < 0.1 ? 0 : 1 + below(next, 8);
  for (let i = 0; i < changes; i++) bytes = pick(next, CHANGES)(bytes, next, samples);
  return bytes.length > LIMIT ? bytes.subarray(0, LIMIT) : bytes;
}

type Change = (bytes: Buffer, next: Random, samples: readonly Buffer[]) => Buffer;

/** A stretch, mostly short. */
function stretch(length: number, next: Random): [number, number] {
  const from = below(next, length + 1);
  return [from, Math.min(length, from + Math.floor(next() ** 4 * length) + 1)];
}

const replaced = (bytes: Buffer, from: number, to: number, by: string | Buffer): Buffer => {
  const middle = typeof by === 'string' ? Buffer.from(by, 'latin1') : by;
  return Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);
};

const flip: Change = (bytes, next) => {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[below(next, copy.length)] = below(next, 256);
  return copy;
};
const remove: Change = (bytes, next) => replaced(bytes, ...stretch(bytes.length, next), '');
const insert: Change = (bytes, next) => {
  const at = below(next, bytes.length + 1);
  return replaced(bytes, at, at, pick(next, NASTY));
};
const repeat: Change = (bytes, next) => {
  const [from, to] = stretch(bytes.length, next);
  const times = next() < 0.9 ? 2 : Math.ceil(20_000 / (to - from + 1));
  return replaced(bytes, from, to, Buffer.concat(Array(times).fill(bytes.subarray(from, to))));
};
const nest: Change = (bytes, next) => {
  const at = below(next, bytes.length + 1);
  const [open, close] = pick(next, [
    ['[', ']'],
    ['{"a":', '}'],
    ['{a: ', '}'],
    ['(', ')'],
    ['- ', ''],
    ['"', '"'],
  ] as const);
  const deep = next() < 0.96 ? 3 : 20_000;
  return replaced(bytes, at, at, open.repeat(deep) + (next() < 0.5 ? '1' : '') + close.repeat(deep));
};
const splice: Change = (bytes, next, samples) => {
  const other = pick(next, samples);
  return replaced(bytes, ...stretch(bytes.length, next), other.subarray(...stretch(other.length, next)));
};
const cut: Change = (bytes, next) => bytes.subarray(0, below(next, bytes.length + 1));

/** A number or a word becomes something nasty. */
const reword: Change = (bytes, next) => {
  const text = bytes.toString('latin1');
  const words = [...text.matchAll(/[\w.+-]+/g)];
  if (words.length === 0) return bytes;
  const word = pick(next, words);
  return replaced(bytes, word.index, word.index + word[0].length, pick(next, NASTY));
};
const lines: Change = (bytes, next) => {
  const all = bytes.toString('latin1').split('\n');
  const [from, to] = [below(next, all.length), below(next, all.length)];
  if (next() < 0.5) all.splice(to, 0, ...all.splice(from, 1));
  else all.splice(from, 1 + below(next, 3));
  return Buffer.from(all.join('\n'), 'latin1');
};
/** A 32-bit word of a binary file. */
const number: Change = (bytes, next) => {
  if (bytes.length < 4) return bytes;
  const copy = Buffer.from(bytes);
  const value = pick(next, [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x5a444142, below(next, 2 ** 32)]);
  copy.writeUInt32BE(value, below(next, Math.floor(copy.length / 4)) * 4);
  return copy;
};

const CHANGES: readonly Change[] = [
  flip,
  remove,
  insert,
  insert,
  repeat,
  nest,
  splice,
  cut,
  reword,
  reword,
  lines,
  number,
];

const NODES: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    1.5,
    1e300,
    2 ** 53,
    '',
    'x',
    '__proto__',
    [],
    {},
    [null],
    [[]],
    { a: null },
    '2026-99-99T00:00',
  ],
  ...[
    '9999-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00.000Z',
    '../../x',
    'x'.repeat(20_000),
    '\u0000',
    '\ud800',
    ['x', 1],
  ],
];

/** One node of one line, or of the whole text, replaced, removed or given a new field; `undefined` where nothing is JSON. */
function jsonMutated(bytes: Buffer, next: Random): Buffer | undefined {
  const whole = parsed(bytes.toString());
  if (whole !== undefined) return Buffer.from(JSON.stringify(changedNode(whole, next)));
  const all = bytes.toString().split('\n');
  const at = below(next, all.length);
  const value = parsed(all[at]!);
  if (value === undefined) return undefined;
  all[at] = JSON.stringify(changedNode(value, next)) ?? '';
  return Buffer.from(all.join('\n'));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function changedNode(value: unknown, next: Random): unknown {
  if (typeof value !== 'object' || value === null || next() < 0.1) return pick(next, NODES);
  const entries = Object.entries(value);
  const at = below(next, entries.length + 1);
  const [key, old] = entries[at] ?? [pick(next, NASTY), undefined];
  const how = next();
  const made = how < 0.7 ? changedNode(old, next) : how < 0.85 ? undefined : pick(next, NODES);
  if (Array.isArray(value)) return value.toSpliced(at, 1, ...(made === undefined ? [] : [made]));
  return Object.fromEntries([
    ...entries.filter(([name]) => name !== key),
    ...(made === undefined ? [] : [[key, made]]),
  ]);
}
