// Every duration has a unit, wherever it is written.
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { sinceOf } from '../../src/lib/cli/arguments/selection.ts';
import { durationOf, untilOf } from '../../src/lib/cli/arguments/until.ts';
import { duration } from '../../src/lib/cli/config/yaml/values.ts';
import { open as openGfal } from '../../src/lib/protocols/gfal/gfal.ts';
import { notDuration, parseDuration } from '../../src/lib/util/time.ts';

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

test('0 is a duration in every unit', () => {
  expect(z.parse(duration, 0)).toBe(0);
  expect(untilOf({ for: '0' }, NOW)).toBe(NOW);
});
