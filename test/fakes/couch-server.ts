// A CouchDB-protocol server in memory (express-pouchdb), and a proxy in front of any server that loses replies,
// changes statuses or cuts answers off. PouchDB sorts keys by code unit and has no Date that steps; the rest is CouchDB.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { withReplicator } from './couch-replicator.ts';
import { type Database, type Request, withRights } from './couch-rights.ts';

const require = createRequire(import.meta.url);

export interface RunningServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  stop(): Promise<void>;
}

async function listen(server: Server): Promise<RunningServer> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Starts it; databases live as long as the process, so each test takes a name of its own. With `n` it is a cluster that
 * keeps so many copies of a database which was not made with a number of its own (`PUT /name?n=1`). `ahead`: milliseconds
 * by which its clock, the Date of each answer, is ahead of this machine's.
 */
export async function startCouchServer({
  n,
  ahead = 0,
}: {
  readonly n?: number;
  readonly ahead?: number;
} = {}): Promise<RunningServer> {
  const single = await startSingleServer(ahead);
  if (n === undefined) return single;
  const cluster = await startProxy(single.url);
  const made = new Map<string, number>();
  cluster.fault = (method, path, user) => {
    const [, name = '', asked] = /^\/([^/?]+)(?:\?(?:.*&)?n=(\d+))?/.exec(path) ?? [];
    if (method === 'PUT' && asked !== undefined) made.set(name, Number(asked));
    return clusterOf(made.get(name) ?? n)(method, path, user);
  };
  return {
    url: cluster.url,
    stop: async () => {
      await cluster.stop();
      await single.stop();
    },
  };
}

async function startSingleServer(ahead: number): Promise<RunningServer> {
  const express = require('express');
  const PouchDB = require('pouchdb-core')
    .plugin(require('pouchdb-adapter-memory'))
    .plugin(require('pouchdb-mapreduce'));
  const app = express();
  app.use((_: Request, response: ServerResponse, next: () => void) => {
    if (ahead !== 0) response.setHeader('date', new Date(Date.now() + ahead).toUTCString());
    next();
  });
  // It keeps a list of its databases and a log where it runs: give it a place of its own.
  const folder = mkdtempSync(join(tmpdir(), 'dflow-couch-'));
  const Prefixed = PouchDB.defaults({ prefix: `${folder}/` });
  const opened = (name: string): Database => new Prefixed(encodeURIComponent(name));
  withRights(app, bodyOf, opened);
  withReplicator(app, bodyOf, opened);
  app.post(/\/queries$/, (request: Request, response: ServerResponse) => void answerQueries(request, response));
  app.use('/', require('express-pouchdb')(Prefixed, { mode: 'minimumForPouchDB' }));
  const running = await listen(createServer(app));
  return {
    url: running.url,
    stop: async () => {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The JSON that came with a request; express-pouchdb takes it from there. */
async function bodyOf(request: Request): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  request.body = text === '' ? {} : JSON.parse(text);
  Object.assign(request, { _body: true, rawBody: text });
  return request.body;
}

/** Many queries in one request, as CouchDB has it: PouchDB is asked one by one. */
async function answerQueries(request: Request, response: ServerResponse): Promise<void> {
  const { queries } = (request.body ?? (await bodyOf(request))) as { queries: unknown[] };
  const url = `http://${request.headers.host}${(request.url ?? '').replace(/\/queries$/, '')}`;
  const results: unknown[] = [];
  for (const query of queries) {
    const { authorization } = request.headers;
    const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
    const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(query) });
    const result = await reply.json();
    if (!reply.ok) {
      response.writeHead(reply.status, headers);
      return void response.end(JSON.stringify(result));
    }
    results.push(result);
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ results }));
}

/** An answer in place of the server's. */
export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What happens to one request: `drop` forwards it and loses the reply, `hang` takes it and never answers, `slow` hands it on
 * after a while, `edit` changes the server's answer.
 */
export type Fault =
  | { readonly kind: 'pass' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'slow'; readonly milliseconds: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'edit'; readonly edit: (body: Record<string, unknown>) => Record<string, unknown> }
  | Answer
  | { readonly kind: 'status'; readonly status: number; readonly forward: boolean };

/** CouchDB's own words for an error. */
export function refusal(
  status: number,
  error: string,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { kind: 'answer', status, body: { error, reason }, headers };
}

/** `GET /database` of a cluster that keeps `n` copies of each shard. */
export function clusterOf(n: number): FaultProxy['fault'] {
  const edit = (body: Record<string, unknown>) => ({ ...body, cluster: { q: 2, n, w: 1 + Math.floor(n / 2), r: 1 } });
  return (method, path) =>
    method === 'GET' && /^\/[^/?]+(\?|$)/.test(path) ? { kind: 'edit', edit } : { kind: 'pass' };
}

export interface FaultProxy extends RunningServer {
  /** Asked for every request; `user` is that of its login, `user:password`. */
  fault: (method: string, path: string, user: string) => Fault;
  /** Requests so far, `POST /db/_bulk_docs`. */
  readonly seen: string[];
}

/** A proxy in front of `target`. */
export async function startProxy(target: string): Promise<FaultProxy> {
  const proxy = { fault: (): Fault => ({ kind: 'pass' }), seen: [] as string[] } as unknown as FaultProxy;
  // A server that goes away in the middle of an answer is one that goes away.
  const server = createServer((request, response) => {
    relay(target, proxy, request, response).catch(() => request.socket.destroy());
  });
  return Object.assign(proxy, await listen(server));
}

async function relay(
  target: string,
  proxy: FaultProxy,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const method = request.method ?? 'GET';
  const path = request.url ?? '/';
  proxy.seen.push(`${method} ${path.split('?')[0]}`);
  const fault = proxy.fault(method, path, loginOf(request));
  if (fault.kind === 'hang') return;
  if (fault.kind === 'slow') await pause(fault.milliseconds);
  if (fault.kind === 'refuse') return void request.socket.destroy();
  if (fault.kind === 'answer') {
    response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
    return void response.end(JSON.stringify(fault.body));
  }
  if (fault.kind === 'status' && !fault.forward) {
    response.writeHead(fault.status, { 'content-type': 'application/json' });
    return void response.end('{"error":"injected","reason":"injected"}');
  }
  const headers = {
    'content-type': 'application/json',
    ...(request.headers.authorization && { authorization: request.headers.authorization }),
  };
  const reply = await fetch(target + path, {
    method,
    headers,
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
  });
  const read = Buffer.from(await reply.arrayBuffer());
  const body = fault.kind === 'edit' ? Buffer.from(JSON.stringify(fault.edit(JSON.parse(String(read))))) : read;
  if (fault.kind === 'drop') return void request.socket.destroy();
  const status = fault.kind === 'status' ? fault.status : reply.status;
  response.writeHead(status, { 'content-type': 'application/json', date: reply.headers.get('date') ?? '' });
  response.end(fault.kind === 'cut' ? body.subarray(0, body.length / 2) : body);
}

function loginOf({ headers }: IncomingMessage): string {
  return Buffer.from(headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString('utf8');
}
