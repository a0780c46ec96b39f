// The real WebDAV servers that the suites use: two that have nothing in common and compute no checksums.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { StorageSettings } from '../../src/lib/domain/settings.ts';
import { settings } from './servers.ts';

export interface DavServer {
  readonly name: string;
  readonly port: number;
}

const RCLONE: DavServer = { name: 'rclone', port: 22910 };
export const APACHE: DavServer = { name: 'apache', port: 22911 };
export const DAV_SERVERS = [RCLONE, APACHE];

export const USER = 'dflow';
export const PASSWORD = 'dflow-dav-secret';
export const TOKEN = 'dflow-dav-token';

const BASE = join(process.env.DFLOW_SYSTEMS ?? '/opt/dflow-systems', 'webdav');

/** Where its files are on this machine. */
export const dataOf = ({ name }: DavServer, folder = ''): string => join(BASE, name, 'data', folder);

/** Its program is ended, or started again. */
export function davScript(what: 'up' | 'down', server: DavServer, env: NodeJS.ProcessEnv = {}): void {
  const script = join(import.meta.dirname, `webdav-${what}.sh`);
  execFileSync('bash', [script, server.name], { stdio: 'pipe', env: { ...process.env, ...env } });
}

let count = 0;

/** A new, empty folder there, made by the server itself: its path. `below` begins it. */
export function davFolder(server: DavServer, below = ''): string {
  const folder = `${below}t${process.pid}-${Date.now().toString(36)}-${++count}`;
  const who = below === '' ? ['-u', `${USER}:${PASSWORD}`] : ['-H', `Authorization: Bearer ${TOKEN}`];
  const url = `http://127.0.0.1:${server.port}/${folder}/`;
  execFileSync('curl', ['-sSf', ...who, '-X', 'MKCOL', url], { stdio: 'pipe' });
  return folder;
}

/** A new, empty element. `login` stands before the server's address. */
export function davSettings(
  server: DavServer,
  options: Readonly<Record<string, unknown>> = {},
  folder = davFolder(server),
  login = `${USER}:${PASSWORD}@`,
): StorageSettings {
  return settings('webdav', `http://${login}127.0.0.1:${server.port}/${folder}`, options);
}
