// NO_COLOR takes the colours of every page away.
import chalk from 'chalk';
import { afterEach, expect, test } from 'vitest';
import { heedNoColor } from '../../src/lib/cli/output/colour.ts';

const before = chalk.level;
afterEach(() => {
  chalk.level = before;
});

test.each([
  [{ NO_COLOR: '1' }, 'word'],
  [{ NO_COLOR: '' }, '\u001b[31mword\u001b[39m'],
  [{}, '\u001b[31mword\u001b[39m'],
])('%j', (env, shown) => {
  chalk.level = 1;
  heedNoColor(env);
  expect(chalk.red('word')).toBe(shown);
});
