// Commands that messages and documents print, and the parser of the built program that must take them.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Parser } from '@oclif/core';

const dist = resolve(import.meta.dirname, '../../dist/commands');

/** Every command of a `Next:` text, as words; words in quotes stay together. */
export function commandsIn(next: string): string[][] {
  return next
    .split(/;\s*|, then: |, or: |: (?=dflow )| \| | && /)
    .map((part) => part.trim())
    .filter((part) => /^dflow /.test(part))
    .map((part) => (part.match(/(?:'[^']*'|"[^"]*"|\S)+/g) ?? []).map((word) => word.replace(/['"]/g, '')).slice(1));
}

interface CommandClass {
  readonly args: object;
  readonly flags: object;
  readonly baseFlags: object;
  readonly strict: boolean;
}

/** The built command of the words, and what is left of them. */
async function builtCommand(words: readonly string[]): Promise<[CommandClass, string[]]> {
  for (const count of [3, 2, 1]) {
    const name = words.slice(0, count).join('/');
    const place = [`${name}.js`, `${name}/index.js`].find((path) => existsSync(join(dist, path)));
    if (place === undefined || words.length < count) continue;
    const { default: command } = (await import(pathToFileURL(join(dist, place)).href)) as { default: CommandClass };
    return [command, words.slice(count)];
  }
  throw new Error(`'${words.slice(0, 2).join(' ')}' is not a command`);
}

/** The real parser on a printed command. @throws what oclif throws for one that is wrong */
export async function parses(words: readonly string[]): Promise<void> {
  const [{ args, flags, baseFlags, strict }, argv] = await builtCommand(words);
  if (!argv.includes('--help') && !argv.includes('-h'))
    await Parser.parse(argv, { args, flags: { ...baseFlags, ...flags }, strict } as never);
}
