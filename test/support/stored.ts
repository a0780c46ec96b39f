// Runs that are complete, on the buffer and at every storage element, and ways to damage what lies there.
import { readdirSync } from 'node:fs';
import { open, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataDoc } from '../../src/lib/domain/data.ts';
import { runId } from '../../src/lib/domain/ids.ts';
import type { RunDoc } from '../../src/lib/domain/run.ts';
import { transfer } from '../../src/lib/flow/transfer.ts';
import { bytesOf } from '../contracts/storage.ts';
import { addRun, collect, readRun, T0, type TestPorts } from './ports.ts';

/** A complete run with `files` files of `size` bytes on the buffer, as register leaves it. */
export async function completeRun(
  ports: TestPorts,
  run: number,
  files = 2,
  size = 2000,
  level = 'L1',
): Promise<DataDoc> {
  const named = Array.from({ length: files }, (_, subrun) => {
    const name = `SNOP_${String(run).padStart(10, '0')}_${String(subrun).padStart(3, '0')}.zdab`;
    return { name, bytes: bytesOf(`${level} ${name}`, size) };
  });
  const doc = await addRun(ports, run, named, level);
  const folder = ports.settings.buffers.find((buffer) => buffer.level === level)!.path;
  for (const { name } of named) await utimes(join(folder, name), new Date(T0), new Date(T0));
  const complete = { at: T0, subruns: named.map((_, subrun) => subrun), evidence: 'a later run seen' };
  await ports.store.update<RunDoc>(runId(run), (old) => ({
    write: {
      _id: runId(run),
      kind: 'run',
      v: 1,
      run,
      firstSeen: T0,
      history: [],
      ...old,
      levels: { ...old?.levels, [level]: { complete, lastFile: T0, late: [], files } },
    },
  }));
  return doc;
}

/** Complete runs, each copied to every storage element. */
export async function storedRuns(ports: TestPorts, runs: readonly number[], files = 2, size = 2000): Promise<void> {
  for (const run of runs) await completeRun(ports, run, files, size);
  await collect(transfer(ports));
}

/** Where a copy lies on the disk. */
export function copyPath(ports: TestPorts, storage: string, run: number, subrun = 0): string {
  const name = `SNOP_${String(run).padStart(10, '0')}_${String(subrun).padStart(3, '0')}.zdab`;
  return join(ports.folder, 'se', storage, 'L1', String(Math.floor(run / 1000)), name);
}

export function bufferPath(ports: TestPorts, run: number, subrun = 0, level = 'L1'): string {
  const name = `SNOP_${String(run).padStart(10, '0')}_${String(subrun).padStart(3, '0')}.zdab`;
  return join(ports.folder, 'buffer', level, name);
}

async function flip(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const { size } = await handle.stat();
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, Math.floor(size / 2));
    byte[0] = byte[0]! ^ 0x40;
    await handle.write(byte, 0, 1, Math.floor(size / 2));
  } finally {
    await handle.close();
  }
}

/** Five ways in which a copy can go wrong. */
export const DAMAGES = {
  missing: (path: string) => rm(path),
  truncated: async (path: string) => truncate(path, (await stat(path)).size - 1),
  grown: async (path: string) => writeFile(path, Buffer.concat([await readFile(path), Buffer.from('x')])),
  flipped: flip,
  silent: async (path: string) => {
    const { atime, mtime } = await stat(path);
    await flip(path);
    await utimes(path, atime, mtime);
  },
} as const;

export type Damage = keyof typeof DAMAGES;

/** Names of what lies on the buffer. */
export function onBuffer(ports: TestPorts, level = 'L1'): string[] {
  return readdirSync(join(ports.folder, 'buffer', level)).sort();
}

/** `name: state of the original`, by run. */
export async function originalsOf(ports: TestPorts, run: number): Promise<string[]> {
  return (await readRun(ports, run)).files.map((file) => file.original.state);
}
