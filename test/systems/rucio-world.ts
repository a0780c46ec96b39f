// Rucio servers of a test file: each in a folder of its own, on a port of its own; and a gate before one that answers as a
// bad day does.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { type AddressInfo, createServer as createPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Catalogue } from '../../src/lib/catalogue.ts';
import { open } from '../../src/lib/catalogues/rucio/rucio.ts';
import type { CatalogueSettings } from '../../src/lib/domain/settings.ts';
import { batches } from '../../src/lib/util/values/group.ts';

export const PASSWORD = 'pass-word.of.rucio';
export const USER = 'shifter';
/** What physical names at an RSE of the world begin with. */
export const PREFIX = 'root://se.example.org:1094//snoplus';
export const FNAL = 'root://se.example.org:1094//fnal';

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createPlain();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

const script = (name: string, args: readonly string[]): void => {
  execFileSync('bash', [join(import.meta.dirname, name), ...args], { stdio: 'pipe' });
};

export class Rucio {
  readonly folder = mkdtempSync(join(tmpdir(), `dflow-rucio-${process.pid}-`));
  port = 0;
  #token = '';

  static async start(): Promise<Rucio> {
    const made = new Rucio();
    await made.up();
    await made.rse('SFU');
    await made.rse('FNAL', '/fnal');
    await made.rest('POST', '/accounts/root/scopes/snoplus');
    return made;
  }

  /** On its old port, where it had one. */
  async up(): Promise<void> {
    for (let left = 3; ; left--) {
      const port = this.port || (await freePort());
      try {
        script('rucio-up.sh', [this.folder, String(port)]);
        this.port = port;
        return;
      } catch (error) {
        if (left === 0) throw error;
      }
    }
  }

  /** As a crash of its machine does. */
  kill(): void {
    script('rucio-down.sh', [this.folder]);
  }

  remove(): void {
    this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** An RSE that takes physical names, with a quota. */
  async rse(
    name: string,
    prefix = '/snoplus',
    { scheme, hostname, port } = { scheme: 'root', hostname: 'se.example.org', port: 1094 },
  ): Promise<void> {
    await this.rest('POST', `/rses/${name}`, { deterministic: false });
    const all = { read: 1, write: 1, delete: 1 };
    const domains = { lan: all, wan: { ...all, third_party_copy_read: 1, third_party_copy_write: 1 } };
    const impl = 'rucio.rse.protocols.xrootd.Default';
    await this.rest('POST', `/rses/${name}/protocols/${scheme}`, {
      hostname,
      port,
      prefix,
      impl,
      domains,
    });
    await this.rest('POST', `/accounts/root/limits/local/${name}`, { bytes: -1 });
  }

  /** A request beside the code under test; the answer's lines. */
  async rest(method: string, path: string, body?: unknown): Promise<unknown[]> {
    if (this.#token === '') await this.login();
    const reply = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'x-rucio-auth-token': this.#token, 'content-type': 'application/json', connection: 'close' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
    return /^[[{"]/.test(text)
      ? text
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as unknown)
      : [];
  }

  async login(): Promise<string> {
    const headers = { 'x-rucio-account': 'root', 'x-rucio-username': USER, 'x-rucio-password': PASSWORD };
    const reply = await fetch(`${this.url}/auth/userpass`, { headers });
    this.#token = reply.headers.get('x-rucio-auth-token') ?? '';
    return this.#token;
  }

  /** Names, sizes, checksums and GUIDs of the files of a scope, and the states of their copies: as Rucio itself says. */
  async files(scope = 'snoplus'): Promise<Map<string, RucioFile>> {
    const names = (await this.rest('GET', `/dids/${scope}/dids/search?type=file&name=*`)) as string[];
    const dids = names.map((name) => ({ scope, name }));
    const found = new Map<string, RucioFile>();
    // Rucio takes 1,000 names at most.
    for (const some of batches(dids, 500)) await this.#filesOf(some, found);
    return found;
  }

  async #filesOf(dids: readonly { scope: string; name: string }[], found: Map<string, RucioFile>): Promise<void> {
    for (const line of (await this.rest('POST', '/dids/bulkmeta', { dids })) as (RucioFile & { name: string })[])
      found.set(line.name, { bytes: line.bytes, adler32: line.adler32, guid: line.guid, states: {}, rses: {} });
    for (const line of (await this.rest('POST', '/replicas/list', { dids, all_states: true })) as (RucioFile & {
      name: string;
    })[])
      Object.assign(found.get(line.name) ?? {}, { states: line.states, rses: line.rses });
  }

  settings(more: Partial<CatalogueSettings> = {}): CatalogueSettings {
    return {
      ...{ kind: 'rucio', url: this.url, account: 'root', auth: { by: 'user', user: USER }, scope: 'snoplus' },
      places: { sfu: { name: 'SFU', url: PREFIX }, fnal: { name: 'FNAL', url: FNAL } },
      ...{ gate: false, timeout: 60_000, file: 'dflow.yaml' },
      ...more,
    };
  }

  catalogue(more: Partial<CatalogueSettings> = {}, password = PASSWORD): Promise<Catalogue> {
    return open(this.settings(more), { login: () => ({ user: USER, password }) });
  }
}

export interface RucioFile {
  readonly bytes: number;
  readonly adler32: string;
  readonly guid: string | null;
  readonly states: Readonly<Record<string, string>>;
  readonly rses: Readonly<Record<string, readonly string[]>>;
}

/** What becomes of a request at the gate; `undefined`: it goes through as it is. */
export type Guard = (ask: {
  readonly method: string;
  readonly url: string;
  readonly count: number;
}) =>
  | undefined
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly text?: string }
  | { readonly wait: number }
  | { readonly headers: Readonly<Record<string, string>> }
  | 'cut';

/** An HTTP server before a Rucio server. */
export class Gate {
  readonly #server: Server;
  readonly #target: Rucio;
  guard: Guard = () => undefined;
  /** Request lines that came by. */
  readonly lines: string[] = [];

  private constructor(target: Rucio, tls?: { readonly key: Buffer; readonly cert: Buffer; readonly ca: Buffer }) {
    this.#target = target;
    const handle = (ask: IncomingMessage, reply: ServerResponse): void => this.#handle(ask, reply);
    this.#server = tls
      ? createSecure({ ...tls, requestCert: true, rejectUnauthorized: false }, handle)
      : createServer(handle);
  }

  static async start(
    target: Rucio,
    tls?: { readonly key: Buffer; readonly cert: Buffer; readonly ca: Buffer },
  ): Promise<Gate> {
    const gate = new Gate(target, tls);
    await new Promise<void>((resolve) => gate.#server.listen(0, '127.0.0.1', resolve));
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #handle(ask: IncomingMessage, reply: ServerResponse): void {
    const { method = 'GET', url = '' } = ask;
    this.lines.push(`${method} ${url}`);
    const said = this.guard({ method, url, count: this.lines.length });
    if (said === 'cut') ask.socket.destroy();
    else if (said && 'status' in said) reply.writeHead(said.status, said.headers).end(said.text ?? '');
    else if (said && 'wait' in said) setTimeout(() => this.#pass(ask, reply), said.wait).unref();
    else this.#pass(ask, reply, said?.headers);
  }

  #pass(ask: IncomingMessage, reply: ServerResponse, more: Readonly<Record<string, string>> = {}): void {
    const headers = { ...ask.headers };
    const socket = ask.socket as { getPeerCertificate?: () => { subject?: { CN?: string } } };
    const name = socket.getPeerCertificate?.().subject?.CN;
    if (name !== undefined) headers['x-client-dn'] = `/CN=${name}`;
    const on = request(
      { host: '127.0.0.1', port: this.#target.port, method: ask.method, path: ask.url, headers },
      (answer) => {
        reply.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...more });
        answer.pipe(reply);
      },
    );
    on.once('error', () => reply.writableEnded || reply.writeHead(502).end());
    ask.pipe(on);
  }
}
