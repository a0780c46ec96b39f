// The real servers that the suites use, and what tests do to them.
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { StorageSettings } from '../../src/lib/domain/settings.ts';

export interface SystemServer {
  readonly name: string;
  readonly port: number;
  readonly http: number;
  /** Where its files are on this machine. */
  readonly data: string;
}

const BASE = join(process.env.DFLOW_SYSTEMS ?? '/opt/dflow-systems', 'xrootd');
const server = (name: string, port: number, http: number): SystemServer => ({
  name,
  port,
  http,
  data: join(BASE, name, 'data'),
});
export const A = server('a', 21094, 28094);
export const B = server('b', 21095, 28095);
/** Not up by default: for what kills its servers or fills them. */
export const C = server('c', 21097, 28097);
export const D = server('d', 21098, 28098);
export const FULL = server('full', 21096, 0);

const script = (name: string, args: readonly string[], env = {}): void => {
  execFileSync('bash', [join(import.meta.dirname, name), ...args], { stdio: 'pipe', env: { ...process.env, ...env } });
};
export const up = (one: SystemServer): void => script('xrootd-up.sh', [one.name]);
export const down = (one: SystemServer): void => script('xrootd-down.sh', [one.name]);
/** Stopped first: a fast copy would be over before a script has started. One that has crashed by itself is as dead. */
export function kill(one: SystemServer): void {
  try {
    process.kill(Number(readFileSync(join(BASE, one.name, 'xrootd.pid'), 'utf8')), 'SIGSTOP');
  } catch (error) {
    console.log(`server ${one.name} was dead before it was killed: ${error}`);
  }
  script('xrootd-down.sh', [one.name], { SIGNAL: 'KILL' });
}

let count = 0;

/** A new empty folder on a server: its path there. */
export function freshFolder(one: SystemServer): string {
  const folder = `/t${process.pid}-${Date.now().toString(36)}-${++count}`;
  const path = join(one.data, folder);
  mkdirSync(path);
  const [uid, gid] = owner();
  chownSync(path, uid, gid);
  return folder;
}

/** User and group of the servers. */
export function owner(): [number, number] {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'xrootd']).toString());
  return [id('-u'), id('-g')];
}

export async function removeFolders(one: SystemServer): Promise<void> {
  await mkdir(one.data, { recursive: true });
  for (const name of await readdir(one.data)) {
    if (name.startsWith(`t${process.pid}-`)) await rm(join(one.data, name), { recursive: true, force: true });
  }
}

export const rootUrl = (one: SystemServer, folder: string): string => `root://localhost:${one.port}/${folder}`;
export const httpUrl = (one: SystemServer, folder: string): string => `http://localhost:${one.http}${folder}`;

export const settings = (protocol: string, url: string, options = {}, more = {}): StorageSettings => ({
  name: 'sfu',
  protocol,
  url,
  tape: false,
  template: '{name}',
  options,
  ...more,
});

/** Listens, accepts, and never says a word. */
export async function blackHole(): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const hole: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve));
  const address = hole.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => hole.close(() => resolve()));
    },
  };
}
