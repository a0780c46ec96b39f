// The real S3 servers that the suites use: two that have nothing in common.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { StorageSettings } from '../../src/lib/domain/settings.ts';
import { settings } from './servers.ts';

export interface S3Server {
  readonly name: string;
  readonly port: number;
}

export const RCLONE: S3Server = { name: 'rclone', port: 22900 };
export const VERSITY: S3Server = { name: 'versitygw', port: 22901 };
export const S3_SERVERS = [RCLONE, VERSITY];

export const ACCESS = 'dflow-access-key';
export const SECRET = 'dflow-secret-key';
const BUCKET = 'dflow';

export const endpointOf = ({ port }: S3Server): string => `http://127.0.0.1:${port}`;

/** Its program is ended, or started again. */
export function s3Script(what: 'up' | 'down', server: S3Server, env: NodeJS.ProcessEnv = {}): void {
  const script = join(import.meta.dirname, `s3-${what}.sh`);
  execFileSync('bash', [script, server.name], { stdio: 'pipe', env: { ...process.env, ...env } });
}

let count = 0;

/** A new, empty element: a prefix of its own. Keys come from the environment. */
export function s3Settings(server: S3Server, options: Readonly<Record<string, unknown>> = {}): StorageSettings {
  process.env.AWS_ACCESS_KEY_ID = ACCESS;
  process.env.AWS_SECRET_ACCESS_KEY = SECRET;
  const folder = `t${process.pid}-${Date.now().toString(36)}-${++count}`;
  return settings('s3', `s3://${BUCKET}/${folder}`, { endpoint: endpointOf(server), ...options });
}
