// A worker that mounts nothing: the servers that its wrapper copies from and to, and the tools that it has or has not.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { open as openGfal } from '../../src/lib/protocols/gfal/gfal.ts';
import { open as openXrootd } from '../../src/lib/protocols/xrootd/xrootd.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { given } from '../../src/lib/util/values/given.ts';
import { type JobSpec, quote, type StageIn, type StageOut } from '../../src/lib/wrapper/spec.ts';
import { folder, spec as plainSpec } from '../support/worker.ts';
import { httpUrl, rootUrl, type SystemServer, settings } from './servers.ts';

export interface Kind {
  readonly protocol: string;
  open(server: SystemServer, at: string): Promise<Storage>;
}

export const KINDS: readonly Kind[] = [
  { protocol: 'xrootd', open: (server, at) => openXrootd(settings('xrootd', rootUrl(server, at))) },
  { protocol: 'gfal', open: (server, at) => openGfal(settings('gfal', httpUrl(server, at))) },
];
export const GFAL_ROOT: Kind = {
  protocol: 'gfal',
  open: (server, at) => openGfal(settings('gfal', rootUrl(server, at))),
};

/** The functions of the protocols that inputs and places of this file were made with. */
const protocols: Record<string, string> = {};

function sideOf({ protocol }: Kind, { worker }: Storage): NonNullable<Storage['worker']> {
  if (!worker) throw new Error(`${protocol} has no worker's side`);
  protocols[protocol] = worker.script;
  return worker;
}

/** A job with what its inputs and destinations need on a worker. */
export function spec(command: string, more: Partial<JobSpec> = {}): JobSpec {
  return plainSpec(command, { protocols, ...more });
}

/** A file put there by dflow itself, as transfer does: what a job is told about it. */
export async function input(kind: Kind, storage: Storage, name: string, text = `${name}|`): Promise<StageIn> {
  const local = join(folder, 'source');
  writeFileSync(local, text);
  const { size, adler32 } = await storage.copyIn(local, `raw/${name}`);
  return { source: sideOf(kind, storage).url(`raw/${name}`), name, copy: true, protocol: kind.protocol, size, adler32 };
}

export function place(kind: Kind, storage: Storage, name = 'se'): StageOut {
  const { url, option } = sideOf(kind, storage);
  return {
    storage: name,
    protocol: kind.protocol,
    folder: url('out/p 1'),
    ...given({ option }),
    path: 'out/p 1',
  };
}

/** Files below a folder of a server. */
export function filesAt(server: SystemServer, at: string): string[] {
  const all = readdirSync(join(server.data, at), { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

/** What storage says about an output of a record is what the record says. */
export async function isAsRecorded(
  storage: Storage,
  output: { path: string; size: number; checksum: string },
): Promise<void> {
  const { size, adler32 } = await storage.readChecksum(output.path);
  expect({ size, checksum: `adler32:${adler32}` }).toEqual({ size: output.size, checksum: output.checksum });
}

export const real = (tool: string): string =>
  execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();

export function standIn(bin: string, name: string, text: string): void {
  mkdirSync(bin, { recursive: true });
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

/** Its stand-ins come first; the real gfal-copy is no longer found where it is installed. */
export const inFront = (bin: string): string =>
  `PATH=${quote(bin)}:$PATH\nexport PATH GFAL_PYTHONBIN=/usr/bin/python3\n`;

/** A PATH with coreutils and no copy tool. */
export function bareWorker(): string {
  const bin = join(folder, 'bare');
  mkdirSync(bin);
  for (const name of [
    'sh',
    'cat',
    'cp',
    'dd',
    'mkdir',
    'mv',
    'rm',
    'sed',
    'sleep',
    'tail',
    'timeout',
    'tr',
    'wc',
    'md5sum',
  ])
    execFileSync('ln', ['-s', real(name), join(bin, name)]);
  return bin;
}
