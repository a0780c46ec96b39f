// `dflow complete SHELL LINE`: what may stand at the end of a command line. A shell asks at each press of TAB, so this is an
// entry of its own: it loads neither the framework nor a store, and answers from a small file that is renewed behind it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findConfig } from '../config/find.ts';
import { readCache, writeCache } from './cache.ts';
import { type Candidate, candidates, type Manifest, NONE, type Values } from './candidates.ts';
import { typedWords } from './words.ts';

/** Milliseconds for which values are good. */
const FRESH = 30_000;
/** Milliseconds after which they are not even shown while new ones are asked for. */
const OLD = 24 * 3_600_000;
/** Milliseconds that a person waits at most for the first values. */
const PATIENCE = 1_500;

/** Answers the words after `complete`; `url` is that of bin/run.js. */
export async function complete(url: string, argv: readonly string[]): Promise<void> {
  const [shell = '', line = '', breaks = ''] = argv;
  if (shell === '--renew') {
    await renew(line);
    return;
  }
  const typed = typedWords(line);
  const manifest = JSON.parse(readFileSync(new URL('../oclif.manifest.json', url), 'utf8')) as Manifest;
  const topics = JSON.parse(readFileSync(new URL('../package.json', url), 'utf8')).oclif.topics as Manifest['topics'];
  const found = candidates({ ...manifest, topics }, typed, await values(url, typed.words));
  const lines = found.map((one) => lineFor(shell, one, typed.last, breaks));
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

/** The values of the configuration that the command line would use; none where there is none. */
async function values(url: string, words: readonly string[]): Promise<Values> {
  const config = configOf(words);
  if (config === undefined) return NONE;
  const cached = readCache(config);
  const age = cached ? Date.now() - cached.at : Number.POSITIVE_INFINITY;
  if (cached && age >= 0 && age < FRESH) return cached.values;
  if (cached && age >= 0 && age < OLD) {
    renewBehind(url, config);
    return cached.values;
  }
  return (await renew(config)) ?? NONE;
}

function configOf(words: readonly string[]): string | undefined {
  const at = words.indexOf('--config');
  const flag = at < 0 ? words.find((word) => word.startsWith('--config='))?.slice('--config='.length) : words[at + 1];
  try {
    return findConfig({ cwd: process.cwd(), flag, env: process.env }).file;
  } catch {
    return undefined;
  }
}

/** Asks configuration and store, and keeps the answer. What cannot be asked is not offered: TAB prints no errors. */
async function renew(config: string): Promise<Values | undefined> {
  const { valuesOf } = await import('./values.ts');
  const found = await valuesOf(config, PATIENCE).catch(() => undefined);
  if (found) writeCache(config, { at: Date.now(), values: found });
  return found;
}

/** The same in a process of its own, which nobody waits for. */
function renewBehind(url: string, config: string): void {
  const child = spawn(process.execPath, [fileURLToPath(url), 'complete', '--renew', config], {
    detached: true,
    stdio: 'ignore',
  });
  child.on('error', () => undefined);
  child.unref();
}

/** One candidate as the shell reads it. */
function lineFor(shell: string, { value, about }: Candidate, last: string, breaks: string): string {
  if (shell === 'fish') return about ? `${value}\t${about}` : value;
  if (shell === 'zsh') return about ? `${value.replaceAll(':', '\\:')}:${about}` : value.replaceAll(':', '\\:');
  // bash replaces only what follows the last of its own breaks (`:` and `=`).
  const cut = Math.max(...[...breaks].filter((one) => /[:=@]/.test(one)).map((one) => last.lastIndexOf(one)), -1);
  return value.slice(cut + 1);
}
