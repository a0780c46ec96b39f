// The webdav protocol against a server whose every answer the test gives: busy, cut off, lying, moved, odd ways of writing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { adlerOf, resourcesOf, spaceOf } from '../../src/lib/protocols/webdav/properties.ts';
import { open } from '../../src/lib/protocols/webdav/webdav.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { ConfigError, ItemError, UnreachableError } from '../../src/lib/util/errors.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

let server: Server;
let local: string;
/** Content by path; folders end with `/`. */
const files = new Map<string, string>();
/** Answers that come before the server's own, by method, each once. */
let instead: Record<string, Answer[]> = {};
let asked: string[] = [];

beforeAll(async () => {
  local = mkdtempSync(join(tmpdir(), 'dflow-dav-'));
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      asked.push(`${request.method} ${request.url}`);
      (instead[request.method ?? '']?.shift() ?? own)(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(local, { recursive: true });
});
afterEach(() => {
  files.clear();
  instead = {};
  asked = [];
});

const own: Answer = ({ method, url = '' }, response, body) => {
  const path = decodeURIComponent(url).replace(/\/$/, '');
  const [code, text = ''] = answerOf(method, path, body.toString());
  response.writeHead(code).end(method === 'HEAD' ? '' : text);
};

function answerOf(method: string | undefined, path: string, body: string): [code: number, text?: string] {
  const content = files.get(path);
  const isFolder = path === '/dav' || content === '/';
  if (method === 'PUT' || method === 'MKCOL') {
    files.set(path, method === 'PUT' ? body : '/');
    return [201];
  }
  if (method === 'DELETE') return [files.delete(path) ? 204 : 404];
  if (method !== 'PROPFIND') return content === undefined ? [404] : [200, content];
  return isFolder || content !== undefined ? [207, multi([[path, isFolder ? undefined : content]])] : [404];
}

function multi(found: readonly (readonly [string, string | undefined])[]): string {
  const each = found.map(([path, content]) => {
    const kind = content === undefined ? '<D:collection/>' : '';
    const size = content === undefined ? '' : `<D:getcontentlength>${Buffer.byteLength(content)}</D:getcontentlength>`;
    return `<D:response><D:href>${encodeURI(path)}</D:href><D:propstat><D:prop><D:resourcetype>${kind}</D:resourcetype>${size}
<D:getlastmodified>Fri, 27 Nov 2026 22:20:12 GMT</D:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
  });
  return `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${each.join('')}</D:multistatus>`;
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end();

const element = (options: Record<string, unknown> = {}, login = ''): Promise<Storage> => {
  const { port } = server.address() as AddressInfo;
  const url = `http://${login}127.0.0.1:${port}/dav`;
  return open({ name: 'sfu', protocol: 'webdav', url, tape: false, template: '{name}', options } as never);
};

function source(text: string): string {
  const path = join(local, 'source');
  writeFileSync(path, text);
  return path;
}

describe('a copy', () => {
  test('is proved by the digest of the server, where it has one', async () => {
    const storage = await element();
    instead = { HEAD: [status(200, { digest: 'md5=abc, adler32=24d0127' })] };
    expect(await storage.copyIn(source('abc'), 'f')).toEqual({ adler32: '024d0127', size: 3 });
    expect(asked.filter((one) => one.startsWith('GET'))).toEqual([]);
  });

  test('of which other bytes arrived is an error, and nothing stays', async () => {
    const storage = await element();
    instead = {
      PUT: [
        (_, response) => {
          files.set('/dav/f', 'abX');
          response.writeHead(201).end();
        },
      ],
    };
    await expect(storage.copyIn(source('abc'), 'f')).rejects.toThrow(/other bytes arrived than were sent/);
    expect(files.has('/dav/f')).toBe(false);
  });

  test('that the server refuses in the middle of a busy minute goes on; its progress is told once', async () => {
    const storage = await element();
    instead = { PUT: [status(503, { 'retry-after': '0.1' }), status(423)] };
    let told = 0;
    await storage.copyIn(source('x'.repeat(100)), 'f', { progress: (bytes) => (told += bytes) });
    expect(files.get('/dav/f')).toHaveLength(100);
    expect(told).toBe(100);
  });

  test('into a folder that is missing makes it', async () => {
    const storage = await element();
    instead = { MKCOL: [status(409)] };
    await storage.copyIn(source('abc'), 'a/b/f');
    expect(asked.filter((one) => one.startsWith('MKCOL'))).toEqual([
      'MKCOL /dav/a/b/',
      'MKCOL /dav/a/',
      'MKCOL /dav/a/b/',
    ]);
  });

  test('to a full element says so; the source is not blamed', async () => {
    const storage = await element();
    instead = { PUT: [status(507)] };
    await expect(storage.copyIn(source('abc'), 'f')).rejects.toThrow(/no space left: HTTP 507/);
  });
});

test('what was cut off goes on where it was, of the same file only', async () => {
  const storage = await element();
  files.set('/dav/f', 'abcdef');
  const cut: Answer = (_, response) => {
    response.writeHead(200, { 'content-length': '6', etag: '"1"' });
    response.write('abc', () => response.destroy());
  };
  const rest: Answer = (request, response) => {
    expect([request.headers.range, request.headers['if-match']]).toEqual(['bytes=3-', '"1"']);
    response.writeHead(206, { 'content-range': 'bytes 3-5/6', 'content-length': '3', etag: '"1"' }).end('def');
  };
  instead = { GET: [cut, rest] };
  expect((await storage.readChecksum('f')).size).toBe(6);
  instead = { GET: [cut, status(412)] };
  await expect(storage.readChecksum('f')).rejects.toThrow(/written over while it was read/);
});

test('a server that sends on, or answers with a page, is down or wrong, and says no secret', async () => {
  const storage = await element({}, 'anna:s3cret-word@');
  instead = { PROPFIND: [status(302, { location: 'http://anna:s3cret-word@login.example.org/' })] };
  const error = await storage.stat(['f']).catch((one: unknown) => one as Error);
  expect(error).toBeInstanceOf(UnreachableError);
  expect((error as Error).message).toMatch(/HTTP 302: it sends on to .*login.example.org/);
  expect((error as Error).message).not.toContain('s3cret-word');
  instead = {
    PROPFIND: [(_, response) => void response.writeHead(418).end('<html><h1>418 x</h1><p>a teapot</p></html>')],
  };
  await expect(storage.stat(['f'])).rejects.toThrow(ItemError);
});

test('options are checked: two ways to say who we are, a file that is not absolute, an unknown word', async () => {
  await expect(element({ token: '/a', credentials: '/b' })).rejects.toThrow(ConfigError);
  await expect(element({ token: 'a' })).rejects.toThrow(/is not an absolute path/);
  await expect(element({ tokn: '/a' })).rejects.toThrow(/token/);
});

describe('answers', () => {
  test('of any prefix, with addresses written in any way', () => {
    const xml = `<a:multistatus xmlns:a="DAV:"><a:response><a:href>https://h:1/d%20x/a%25b.dat</a:href><a:propstat><a:prop>
      <lp1:getcontentlength xmlns:lp1="DAV:">7</lp1:getcontentlength><a:resourcetype/></a:prop><a:status>HTTP/1.1 200 OK</a:status>
      </a:propstat><a:propstat><a:prop><a:getlastmodified/></a:prop><a:status>HTTP/1.1 404 Not Found</a:status></a:propstat>
      </a:response><a:response><a:href>/d%20x/sub/</a:href><a:propstat><a:prop><a:resourcetype><a:collection/></a:resourcetype>
      </a:prop><a:status>HTTP/1.1 200 OK</a:status></a:propstat></a:response></a:multistatus>`;
    expect(resourcesOf(xml)).toEqual([
      { path: '/d x/a%b.dat', raw: false, folder: false, size: 7, modified: 0 },
      { path: '/d x/sub', raw: false, folder: true, size: 0, modified: 0 },
    ]);
    const raw = resourcesOf('<D:response><D:href>/d/%FFx</D:href></D:response>');
    expect(raw).toMatchObject([{ path: '/d/%FFx', raw: true }]);
  });

  test('space, and checksums', () => {
    const quota = '<D:quota-available-bytes>30</D:quota-available-bytes><D:quota-used-bytes>12</D:quota-used-bytes>';
    expect(spaceOf(quota)).toEqual({ total: 42, free: 30 });
    expect(spaceOf('<D:quota-used-bytes>12</D:quota-used-bytes>')).toBeUndefined();
    expect(['adler32=1F', 'md5=x,adler32=0000001f', 'sha=x', undefined].map(adlerOf)).toEqual([
      '0000001f',
      '0000001f',
      undefined,
      undefined,
    ]);
  });
});
