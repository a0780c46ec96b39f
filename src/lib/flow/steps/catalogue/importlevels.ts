// The levels whose raw files may be imported from here: those whose buffer this host reaches. A file that lies on a buffer
// and is not registered would count as purged, and would stay on the buffer for ever.
import type { LevelNames } from '../../../domain/rebuilt/rawfiles.ts';
import { compilePattern } from '../../../domain/runs/pattern.ts';
import { UnreachableError } from '../../../util/errors.ts';
import { baseName } from '../../copies/buffer/listing.ts';
import { listBuffer } from '../../copies/buffer/own.ts';
import type { Item, Ports } from '../../ports.ts';

export interface LevelsHere {
  readonly levels: readonly LevelNames[];
  /** `LEVEL NAME` of every file on a buffer. */
  readonly onBuffer: ReadonlySet<string>;
  /** Levels that are left out, and why. */
  readonly items: readonly Item[];
}

export async function levelsHere(ports: Ports): Promise<LevelsHere> {
  const levels: LevelNames[] = [];
  const onBuffer = new Set<string>();
  const items: Item[] = [];
  for (const { level, pattern, keep } of ports.settings.buffers) {
    try {
      const unread: string[] = [];
      const entries = await listBuffer(ports, await ports.buffer(level), (path) => unread.push(path));
      const [first] = unread;
      if (first !== undefined) throw new UnreachableError(`'${first}' on it cannot be read`);
      for (const { path } of entries) onBuffer.add(`${level} ${baseName(path)}`);
      levels.push({ level, pattern: compilePattern(pattern), keep });
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      const text = `${level}: no file is imported here, since the buffer cannot be looked at: ${error.message}`;
      const about = { kind: 'storage', ref: `buffer ${level}`, did: 'skipped', failed: true } as const;
      items.push({ ...about, unreachable: true, text, next: 'on the host of the buffer: dflow catalogue import' });
    }
  }
  return { levels, onBuffer, items };
}
