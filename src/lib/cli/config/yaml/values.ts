// Kinds of values in the configuration: durations, sizes, shares, counts, names. Each says in words what it expects.
import * as z from 'zod/mini';
import { parseRuns } from '../../../domain/selection.ts';
import { notDuration, parseDuration } from '../../../util/time.ts';
import { isTaken } from '../../../util/values/byname.ts';

/** A scalar that `read` understands; anything else is refused with `expected` in words. Documents show them as the kind of value. */
export function scalar<T>(expected: string, read: (text: string) => T | undefined, wrong?: (text: string) => string) {
  const input = z.union([z.string(), z.number()], { error: `expected ${expected}` });
  return z
    .pipe(
      input,
      z.transform((value, context) => {
        const text = String(value).trim();
        const result = read(text);
        if (result !== undefined) return result;
        context.issues.push({ code: 'custom', message: wrong?.(text) ?? `expected ${expected}`, input: value });
        return z.NEVER;
      }),
    )
    .check(z.meta({ title: expected.replace(/ \(.*\)$/, '') }));
}

/** Milliseconds. */
export const duration = scalar('a duration such as `10 min` or `48h`', parseDuration, notDuration);

/** 0..1, from `10%` or `0.1`. */
export const share = scalar('a share such as `10%` or 0.1', (text) => {
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text);
  if (!match) return undefined;
  const value = Number(match[1]) / (match[2] ? 100 : 1);
  return value <= 1 ? value : undefined;
});

const SIZE: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** MiB of `2 GB`, `500M`, `500`. */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT])?(?:i?B)?$/i.exec(text);
  if (!match) return undefined;
  const unit = match[2]?.toUpperCase();
  return unit === undefined ? Math.ceil(Number(match[1])) : Math.ceil((Number(match[1]) * (SIZE[unit] ?? 1)) / SIZE.M!);
}

/** MiB, from `2 GB`, `2 GiB`, `500M`; a bare number counts MiB. Units are powers of 1024, as at batch systems. */
export const memory = scalar('a size such as `2 GB`', parseMemory);

/** Bytes per second, from `200 MB/s`. */
export const rate = scalar('a rate such as `200 MB/s`', (text) => {
  const amount = /^(.*[KMGT]i?B?)\/s$/i.exec(text)?.[1];
  const size = amount === undefined ? undefined : parseMemory(amount);
  return size === undefined ? undefined : size * SIZE.M!;
});

/** A whole number, 0 or more. */
export const count = scalar('a whole number', (text) => {
  const value = Number(text);
  return text !== '' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
});

/** A whole number, 1 or more. */
export const positive = scalar('a whole number, 1 or more', (text) => {
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 1 ? value : undefined;
});

/** How many times as much: more than 1. */
export const factor = scalar('a number greater than 1', (text) => {
  const value = Number(text);
  return text !== '' && Number.isFinite(value) && value > 1 ? value : undefined;
});

/** A run or an inclusive range of runs, as text: `109100`, `109100-109200`, `109100-`. */
export const runRange = scalar('a run or a range such as `109100-109200`', (text) => {
  return parseRuns(text) ? text : undefined;
});

/** Text, also where YAML sees a number (`7`, `1.0`). */
export const text = scalar('text', (value) => (value === '' ? undefined : value));

/** Text that may be empty. */
export const anyText = scalar('text', (value) => value);

/** A name that can stand in ids, file names and shell words. */
export const name = scalar(
  'a name of letters, digits, `.`, `_` and `-` (`constructor` and the like are taken)',
  (value) => {
    return /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(value) && !isTaken(value) ? value : undefined;
  },
);

/** One, or a list of them: read as a list. */
export function oneOrMany<T extends z.ZodMiniType>(item: T) {
  return z.union([
    z.array(item),
    z.pipe(
      item,
      z.transform((one: z.output<T>) => [one]),
    ),
  ]);
}
