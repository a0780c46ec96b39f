// Colours on a terminal. chalk does not know NO_COLOR (no-color.org).

import chalk from 'chalk';

/** Takes the colours away where the environment asks for none; an empty value asks for nothing. */
export function heedNoColor(env: Readonly<Record<string, string | undefined>>): void {
  if (env.NO_COLOR) chalk.level = 0;
}
