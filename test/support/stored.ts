// Runs that are complete, on the buffer and at every storage element, and ways to damage what lies there.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import { dataId, runId } from '../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import type { Output, SubjobState } from '../../src/lib/domain/jobs/states.ts';
import type { RunDoc } from '../../src/lib/domain/runs/run.ts';
import type { Ports } from '../../src/lib/flow/ports.ts';
import { transfer } from '../../src/lib/flow/steps/transfer/transfer.ts';
import { type VerifyOptions, verify } from '../../src/lib/flow/steps/verify/verify.ts';
import { adler32, bytesOf } from '../contracts/storage.ts';
import { job, module } from './docs.ts';
import type { Seen } from './items.ts';
import { addRun, collect, readRun, T0, type TestPorts } from './ports.ts';

/** Name of a raw file, as the pattern of the test settings has it. */
export function rawName(run: number, subrun = 0): string {
  return `SNOP_${String(run).padStart(10, '0')}_${String(subrun).padStart(3, '0')}.dat`;
}

/** Changes the data document of a run. */
export async function changeDoc(ports: TestPorts, run: number, change: (doc: DataDoc) => DataDoc): Promise<void> {
  await ports.store.update<DataDoc>(dataId('L1', run), (doc) => ({ write: change(doc!) }));
}

/** A complete run with `files` files of `size` bytes on the buffer, as register leaves it. */
export async function completeRun(
  ports: TestPorts,
  run: number,
  files = 2,
  size = 2000,
  level = 'L1',
): Promise<DataDoc> {
  const named = Array.from({ length: files }, (_, subrun) => {
    const name = rawName(run, subrun);
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

/** A completed pass of two outputs a subjob, root and soc, that lie at the first storage element. */
export async function storedPass(ports: TestPorts, wish: Parameters<typeof job>[0] = {}): Promise<JobDoc> {
  const { name: storage } = ports.settings.storages[0]!;
  const fresh = job({ module: module('Count', { outputs: { root: 'root', soc: 'soc' } }), ...wish });
  const subjobs = [];
  for (const subjob of fresh.subjobs) {
    const outputs: Output[] = [];
    for (const type of ['root', 'soc']) {
      const name = `Count_s${subjob.index}.${type}`;
      const path = `outputs/Count/${String(fresh.run).padStart(10, '0')}/p001/e${subjob.index}/${name}`;
      const bytes = bytesOf(name, 5000);
      await mkdir(dirname(join(ports.folder, 'se', storage, path)), { recursive: true });
      await writeFile(join(ports.folder, 'se', storage, path), bytes);
      const known = { size: bytes.length, adler32: adler32(bytes), guid: name, lfn: `/${name}` };
      outputs.push({ type, name, storage, path, ...known });
    }
    const lock = { site: 's', epoch: 1, claim: 'c', index: 0 };
    const state: SubjobState = { name: 'completed', since: T0, lock, execution: 'e', outputs, usage: {} };
    subjobs.push({ ...subjob, state });
  }
  const doc: JobDoc = { ...fresh, subjobs, state: 'completed' };
  await ports.store.update<JobDoc>(doc._id, () => ({ write: doc }));
  return readJob(ports, doc);
}

/** Everything that a pass has in the catalogue. */
export function outputsOf(job: JobDoc): readonly Output[] {
  return job.subjobs.flatMap(({ state }) => (state.name === 'completed' ? state.outputs : []));
}

/** Where a copy of an output lies on the disk. */
export function outputPath(ports: TestPorts, { storage, path }: Pick<Output, 'storage' | 'path'>): string {
  return join(ports.folder, 'se', storage, path);
}

/** A pass as it is now. */
export async function readJob(ports: Ports, { _id }: Pick<JobDoc, '_id'>): Promise<JobDoc> {
  return (await ports.store.get<JobDoc>([_id])).get(_id)!;
}

/** Where a copy lies on the disk. */
export function copyPath(ports: TestPorts, storage: string, run: number, subrun = 0): string {
  const name = rawName(run, subrun);
  return join(ports.folder, 'se', storage, 'L1', String(Math.floor(run / 1000)), name);
}

export function bufferPath(ports: TestPorts, run: number, subrun = 0, level = 'L1'): string {
  const name = rawName(run, subrun);
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

export const digest = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

/** Everything that lies at a storage element, by path: the digest of its content. */
export async function onDisk(ports: TestPorts, storage: string): Promise<Map<string, string>> {
  const root = join(ports.folder, 'se', storage);
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digests = paths.map(async (path) => [path.slice(root.length + 1), digest(await readFile(path))] as const);
  return new Map(await Promise.all(digests));
}

/** Names of files below a folder, hidden ones as well. */
export function below(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** Names of what lies on the buffer. */
export function onBuffer(ports: TestPorts, level = 'L1'): string[] {
  return readdirSync(join(ports.folder, 'buffer', level))
    .filter((name) => !name.startsWith('.dflow'))
    .sort();
}

/** `name: state of the original`, by run. */
export async function originalsOf(ports: TestPorts, run: number): Promise<string[]> {
  return (await readRun(ports, run)).files.map((file) => file.original.state);
}

/** One verify, and what it says. */
export const runVerify = (ports: Ports, options: VerifyOptions = {}): Promise<Seen[]> =>
  collect(verify(ports, options));
