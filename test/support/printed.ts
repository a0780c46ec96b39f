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
async function builtCommand([first = '', second = '', ...rest]: readonly string[]): Promise<[CommandClass, string[]]> {
  const places = [`${first}/${second}.js`, `${first}.js`, `${first}/index.js`];
  const at = places.findIndex((place) => existsSync(join(dist, place)));
  if (at < 0) throw new Error(`'${first} ${second}' is not a command`);
  const file = pathToFileURL(join(dist, places[at]!)).href;
  const { default: command } = (await import(file)) as { default: CommandClass };
  return [command, at === 0 ? rest : [second, ...rest].filter((word) => word !== '')];
}

/** The real parser on a printed command. @throws what oclif throws for one that is wrong */
export async function parses(words: readonly string[]): Promise<void> {
  const [{ args, flags, baseFlags, strict }, argv] = await builtCommand(words);
  if (!argv.includes('--help')) await Parser.parse(argv, { args, flags: { ...baseFlags, ...flags }, strict } as never);
}
