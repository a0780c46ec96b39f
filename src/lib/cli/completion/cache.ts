// The values of completion between two presses of TAB: one small file for each configuration, of this user alone.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { NONE, type Values } from './candidates.ts';

interface Cached {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly values: Values;
}

function cacheFile(config: string): string {
  const folder = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(folder, 'dflow', `complete-${createHash('sha256').update(config).digest('hex').slice(0, 16)}.json`);
}

/** What was kept; `undefined` where nothing was, or something else. */
export function readCache(config: string): Cached | undefined {
  try {
    const { at, values } = JSON.parse(readFileSync(cacheFile(config), 'utf8'));
    return typeof at === 'number' ? { at, values: { ...NONE, ...values } } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the values; a folder that cannot be written only makes the next answer slower. */
export function writeCache(config: string, cached: Cached): void {
  const file = cacheFile(config);
  const part = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(part, JSON.stringify(cached), { mode: 0o600 });
    renameSync(part, file);
  } catch {
    // The next press of TAB asks again.
  }
}
