// Every duration has a unit, wherever it is written.
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { sinceOf } from '../../src/lib/cli/arguments/selection.ts';
import { durationOf, untilOf } from '../../src/lib/cli/arguments/until.ts';
import { duration } from '../../src/lib/cli/config/yaml/values.ts';
import { open as openGfal } from '../../src/lib/protocols/gfal/gfal.ts';
import { exactDuration, notDuration, parseDuration } from '../../src/lib/util/time.ts';

const NOW = '2026-07-14T02:41:07.000Z';

test.each([
  ['90s', 90_000],
  ['10 min', 600_000],
  ['1.5h', 5_400_000],
  ['2d', 172_800_000],
  ['0', 0],
  ['90', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['365000d', 365_000 * 86_400_000],
  ['365001d', undefined],
  ['9999999999999999999999w', undefined],
  ['-5m', undefined],
  ['5M', undefined],
])('%s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test('a bare number is answered with the units', async () => {
  const words = "'90' has no unit: write 90s, 90m, 90h or 90d";
  expect(notDuration(' 90 ')).toBe(words);
  expect(() => durationOf('90', '--watch')).toThrow(`--watch: ${words}`);
  expect(() => untilOf({ for: '90' }, NOW)).toThrow(`--for: ${words}`);
  expect(() => sinceOf('90', NOW)).toThrow(`--since: ${words}`);
  expect(z.safeParse(duration, 90).error?.issues).toMatchObject([{ message: words }]);
  const element = { name: 'web', protocol: 'gfal', url: 'davs://h/x', tape: false, template: '{name}' };
  await expect(openGfal({ ...element, options: { timeout: 90 } })).rejects.toThrow(`option timeout is wrong: ${words}`);
  await expect(openGfal({ ...element, options: { timeout: 0 } })).rejects.toThrow('option timeout must be more than 0');
  await expect(openGfal({ ...element, options: { timeout: '90s', stage: '2h' } })).resolves.toBeDefined();
});

test.each([
  ['99999999999d', "'99999999999d' is longer than 1000 years"],
  ['-5m', "'-5m' is negative, and a duration is not"],
  ['2 H', "'2 H' is not a duration: units are lower case, write 2 h"],
  ['soon', "'soon' is not a duration (examples: 90s, 30m, 12h, 2d)"],
])('%s is refused in words that say why', (text, words) => {
  expect(notDuration(text)).toBe(words);
  expect(() => untilOf({ for: text }, NOW)).toThrow(`--for: ${words}`);
  expect(z.safeParse(duration, text).error?.issues).toMatchObject([{ message: words }]);
});

test('a duration where a time is asked for, and a year beyond all, are refused with what to type', () => {
  const refused = (until: string): unknown => {
    try {
      return untilOf({ until }, NOW);
    } catch (error) {
      return error;
    }
  };
  expect(refused('12h')).toMatchObject({
    message: "--until: '12h' is not a time",
    hint: '--for 12h, --until 2026-07-14, or --until 2026-07-14T09:00',
  });
  expect(refused('+275000-01-01')).toMatchObject({ message: "--until: '+275000-01-01' is not a time" });
  expect(() => sinceOf('99999999999d', NOW)).toThrow("--since: '99999999999d' is longer than 1000 years");
});

test.each([
  0,
  1,
  1_500,
  90_000,
  600_000,
  5_400_000,
  86_400_000,
  86_400_000 * 30,
  180_000_001,
])('%d ms are said so that they are read as the same', (ms) => expect(parseDuration(exactDuration(ms))).toBe(ms));

test('0 is a duration in every unit', () => {
  expect(z.parse(duration, 0)).toBe(0);
  expect(untilOf({ for: '0' }, NOW)).toBe(NOW);
});
