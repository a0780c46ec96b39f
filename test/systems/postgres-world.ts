// PostgreSQL servers of a test file: each in a folder of its own, on a port of its own.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const PASSWORD = 'pass word/%@';

/** A port that nobody has right now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

const script = (name: string, args: readonly string[], env = {}): void => {
  execFileSync('bash', [join(import.meta.dirname, name), ...args], { stdio: 'pipe', env: { ...process.env, ...env } });
};

const PREFIX = 'dflow-postgres-';

/** Servers whose test file was killed. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || alive(Number(pid))) continue;
    script('postgres-down.sh', [join(tmpdir(), name)]);
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export class Postgres {
  readonly folder: string;
  port = 0;
  #settings: readonly string[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async start(...settings: string[]): Promise<Postgres> {
    sweep();
    const made = new Postgres(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)));
    await made.up(...settings);
    return made;
  }

  /** A standby that follows this server. */
  async standby(...settings: string[]): Promise<Postgres> {
    const made = new Postgres(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)));
    const bin = execFileSync('bash', ['-c', 'ls -d /usr/lib/postgresql/*/bin | tail -1'], { encoding: 'utf8' }).trim();
    const connection = `host=127.0.0.1 port=${this.port} user=dflow password='${PASSWORD}' application_name=standby`;
    const args = ['-D', join(made.folder, 'data'), '-d', connection, '-R', '-X', 'stream', '-c', 'fast'];
    const root = process.getuid?.() === 0;
    if (root) execFileSync('chown', ['postgres', made.folder]);
    const words = [...(root ? ['runuser', '-u', 'postgres', '--'] : []), join(bin, 'pg_basebackup'), ...args];
    execFileSync(words[0]!, words.slice(1), { stdio: 'pipe', cwd: '/' });
    await made.up(...settings);
    return made;
  }

  /** On its old port, where it had one. */
  async up(...settings: string[]): Promise<void> {
    if (settings.length > 0) this.#settings = settings;
    for (let left = 3; ; left--) {
      const port = this.port || (await freePort());
      try {
        const words = this.#settings.flatMap((one) => ['-c', one]);
        script('postgres-up.sh', [this.folder, String(port), ...words]);
        this.port = port;
        return;
      } catch (error) {
        if (left === 0 || this.port !== 0) throw error;
      }
    }
  }

  stop(mode: 'fast' | 'immediate' = 'immediate'): void {
    script('postgres-down.sh', [this.folder, mode]);
  }

  /** As a crash of its machine does. */
  kill(): void {
    script('postgres-down.sh', [this.folder], { SIGNAL: 'KILL' });
  }

  remove(): void {
    this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** `postgres://dflow:...@127.0.0.1:PORT/DATABASE`, the password encoded. */
  url(database = 'postgres', user = 'dflow', password = PASSWORD): string {
    return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${this.port}/${database}`;
  }

  /** Rows of the last statement. */
  sql(text: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    return sql(this.url(database), text);
  }
}

/** pgbouncer in front of a server: a transaction is the longest that it gives somebody a connection for. */
export class Pooler {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(folder: string, child: ChildProcess, port: number) {
    this.#folder = folder;
    this.#child = child;
    this.port = port;
  }

  static async start(server: Postgres, connections = 3): Promise<Pooler> {
    const folder = mkdtempSync(join(tmpdir(), 'dflow-pgbouncer-'));
    const port = await freePort();
    writeFileSync(join(folder, 'users.txt'), `"dflow" "${PASSWORD}"\n`);
    writeFileSync(
      join(folder, 'pgbouncer.ini'),
      `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, 'users.txt')}
pool_mode = transaction
default_pool_size = ${connections}
max_client_conn = 200
`,
    );
    const root = process.getuid?.() === 0;
    if (root) execFileSync('chown', ['-R', 'postgres', folder]);
    // It refuses to run as root; `setpriv` becomes it, so that a signal comes where it shall.
    const user = root ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
    const words = [...user, 'pgbouncer', join(folder, 'pgbouncer.ini')];
    const child = spawn(words[0]!, words.slice(1), {
      stdio: 'ignore',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    });
    const pooler = new Pooler(folder, child, port);
    for (let left = 100; ; left--) {
      try {
        await sql(pooler.url(), 'SELECT 1');
        return pooler;
      } catch (error) {
        if (left === 0 || child.exitCode !== null) throw error;
        await sleep(100);
      }
    }
  }

  url(database = 'postgres'): string {
    return `postgres://dflow:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.port}/${database}`;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function sql(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url.split('?')[0], connectionTimeoutMillis: 60_000 });
  await client.connect();
  try {
    const answer: unknown = await client.query(text);
    const last: unknown = Array.isArray(answer) ? answer.at(-1) : answer;
    return (last as pg.QueryResult<Record<string, unknown>>).rows;
  } finally {
    await client.end();
  }
}

/** Name of a schema for one test. */
export function schemaName(): string {
  return `t_${Date.now().toString(36)}_${Math.random().toString(36).slice(2, 8)}`;
}
