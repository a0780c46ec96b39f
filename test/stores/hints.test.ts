// Every command that a message tells an operator to type exists.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const src = resolve(import.meta.dirname, '../..', 'src');
const sources = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name));

test('hints and next steps name commands that are built', () => {
  const named = new Set<string>();
  for (const file of sources) {
    // Only what is meant to be typed: a hint, a next step, or a command between back quotes.
    for (const match of readFileSync(file, 'utf8').matchAll(/(?:hint|next): ['"`]dflow ([a-z]+)/g))
      named.add(match[1]!);
  }
  expect(named.size).toBeGreaterThan(10);
  const missing = [...named].filter(
    (name) => !existsSync(join(src, 'commands', `${name}.ts`)) && !existsSync(join(src, 'commands', name)),
  );
  expect(missing).toEqual([]);
});
