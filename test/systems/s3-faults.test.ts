// What goes wrong between here and real S3 servers: each fault has its own meaning, nothing is lost, and no secret is said.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { open } from '../../src/lib/protocols/s3/s3.ts';
import { settle } from '../../src/lib/protocols/s3/settled.ts';
import { uploadsOf } from '../../src/lib/protocols/s3/upload/uploads.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { BusyItemError, CredentialsError, ItemError, TakenError, UnreachableError } from '../../src/lib/util/errors.ts';
import { withoutSecrets } from '../../src/lib/util/text/secrets.ts';
import { adler32, bytesOf, entries } from '../contracts/storage.ts';
import { type Gate, gateTo, refusal } from './gate.ts';
import { ACCESS, endpointOf, RCLONE, S3_SERVERS, SECRET, s3Script, s3Settings, VERSITY } from './s3-world.ts';

const MIB = 2 ** 20;
let here = '';
beforeAll(() => {
  here = mkdtempSync(join(tmpdir(), 'dflow-s3-'));
});
afterAll(() => rmSync(here, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const file = (bytes: Buffer | string, name = 'source'): string => {
  const path = join(here, name);
  writeFileSync(path, bytes);
  return path;
};
const sumOf = (bytes: Buffer) => ({ adler32: adler32(bytes), size: bytes.length });
const failed = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.unreachable('it did not fail'),
    (error: Error) => error,
  );

describe.each(S3_SERVERS.map((server) => [server.name, server] as const))('%s', (_, server) => {
  test('wrong keys, and keys of nobody: credentials', async () => {
    const settings = s3Settings(server);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'quite-another-secret');
    const error = await failed((await open(settings)).stat(['f']));
    expect(error).toBeInstanceOf(CredentialsError);
    expect(error.message).toMatch(/SignatureDoesNotMatch/);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'nobody-at-all');
    expect(await failed((await open(settings)).copyIn(file('x'), 'f'))).toBeInstanceOf(CredentialsError);
  });

  test('a clock that is wrong by an hour: said as that', async () => {
    const settings = s3Settings(server);
    vi.useFakeTimers({ now: Date.now() - 3_600_000, toFake: ['Date'] });
    try {
      const error = await failed((await open(settings)).copyIn(file('x'), 'f'));
      expect(error).toBeInstanceOf(CredentialsError);
      expect(error.message).toMatch(/RequestTimeTooSkewed: the clocks of this host and of the server differ/);
      expect(error).toMatchObject({ hint: expect.stringContaining('chronyc') });
    } finally {
      vi.useRealTimers();
    }
  });

  test('a bucket that is gone: the element, not its files', async () => {
    const settings = { ...s3Settings(server), url: 's3://nosuchbucket/x' };
    const storage = await open(settings);
    const asked = [
      () => storage.stat(['f']),
      () => entries(storage),
      () => storage.copyIn(file('x'), 'f'),
      () => storage.space(),
    ];
    for (const work of asked) {
      const error = await failed(work());
      expect(error).toBeInstanceOf(UnreachableError);
      expect(error.message).toContain("bucket 'nosuchbucket' does not exist");
    }
  });

  test('parts: whole, compared, and never over what is there', async () => {
    const storage = await open(s3Settings(server, { part: '5M' }));
    const bytes = bytesOf('parts', 17 * MIB + 5);
    const path = file(bytes);
    expect(await storage.copyIn(path, 'a/big', { fresh: true, expect: sumOf(bytes) })).toEqual(sumOf(bytes));
    expect(await storage.readChecksum('a/big')).toEqual(sumOf(bytes));
    expect(await failed(storage.copyIn(path, 'a/big', { fresh: true }))).toBeInstanceOf(TakenError);
    expect(await failed(storage.copyIn(file('small'), 'a/big', { fresh: true }))).toBeInstanceOf(TakenError);
    expect(await storage.readChecksum('a/big')).toEqual(sumOf(bytes));
    await storage.rename('a/big', 'b/big');
    expect((await entries(storage)).map(({ path }) => path)).toEqual(['b/big']);
    expect(await storage.readChecksum('b/big')).toEqual(sumOf(bytes));
  });

  test('an object that the server must copy by parts keeps its bytes', async () => {
    const storage = await open(s3Settings(server, { copyPart: '5M' }));
    const bytes = bytesOf('by parts', 12 * MIB);
    await storage.copyIn(file(bytes), 'a/f');
    await storage.rename('a/f', 'a/g');
    expect((await entries(storage)).map(({ path }) => path)).toEqual(['a/g']);
    expect(await storage.readChecksum('a/g')).toEqual(sumOf(bytes));
  });

  test('a source with other bytes than are registered: nothing is written', async () => {
    const storage = await open(s3Settings(server, { part: '5M' }));
    for (const size of [10, 11 * MIB]) {
      const bytes = bytesOf('other', size);
      const expected = { adler32: '00000001', size };
      expect(await storage.copyIn(file(bytes), 'f', { fresh: true, expect: expected })).toEqual(sumOf(bytes));
    }
    expect(await entries(storage)).toEqual([]);
    expect(await uploads(server)).toEqual([]);
  });

  test('an upload in parts that is stopped leaves nothing', async () => {
    const settings = s3Settings(server, { part: '5M' });
    const storage = await open(settings);
    const stop = new AbortController();
    let read = 0;
    const progress = (bytes: number): void => {
      read += bytes;
      if (read > 12 * MIB) stop.abort(new Error('enough'));
    };
    const copy = storage.copyIn(file(bytesOf('stop', 20 * MIB)), 'f', { signal: stop.signal, progress });
    await expect(copy).rejects.toThrow('enough');
    expect(await entries(storage)).toEqual([]);
    const { client } = settle(settings);
    expect(await uploadsOf(client, client.place.prefix(''))).toEqual([]);
  });
});

describe('through a gate', () => {
  let gate: Gate;
  beforeEach(async () => {
    gate = await gateTo(VERSITY.port);
  });
  afterEach(() => gate.close());
  const through = (options = {}): Promise<Storage> =>
    open(s3Settings(VERSITY, { endpoint: `http://127.0.0.1:${gate.port}`, timeout: '20s', ...options }));

  test('403: this file fails, and says so; others go on', async () => {
    const storage = await through();
    gate.judge = ({ url }) => (url.includes('secret-folder') ? refusal(403, 'AccessDenied') : undefined);
    const error = await failed(storage.copyIn(file('x'), 'secret-folder/f'));
    expect(error).toBeInstanceOf(ItemError);
    expect(error.message).toMatch(/secret-folder\/f: no permission: AccessDenied/);
    await storage.copyIn(file('x'), 'open/f');
    expect((await entries(storage)).map(({ path }) => path)).toEqual(['open/f']);
  });

  test('503 SlowDown: waits longer each time, and goes on', async () => {
    const storage = await through();
    const at: number[] = [];
    gate.judge = ({ method }) => {
      if (method !== 'PUT' || at.push(performance.now()) > 3) return undefined;
      return refusal(503, 'SlowDown');
    };
    await storage.copyIn(file('slow'), 'f');
    expect(at.length).toBe(4);
    // The third pause is 0.4 s at least, the first one 0.3 s at most.
    expect(at[3]! - at[2]!).toBeGreaterThan(390);
    expect((await storage.read('f', 0, 9)).toString()).toBe('slow');
  });

  test('503 for ever: busy, which does not count against the file', async () => {
    const storage = await through();
    gate.judge = ({ method }) =>
      method === 'PUT' ? { ...refusal(503, 'SlowDown'), headers: { 'retry-after': '0' } } : undefined;
    expect(await failed(storage.copyIn(file('slow'), 'f'))).toBeInstanceOf(BusyItemError);
    expect(gate.seen.filter(({ method }) => method === 'PUT').length).toBe(6);
  }, 60_000);

  test('a wrong region: the server says which, and so do we', async () => {
    const storage = await through();
    const region = '<Region>eu-west-7</Region>';
    gate.judge = () => refusal(400, 'AuthorizationHeaderMalformed', region);
    const error = await failed(storage.stat(['f']));
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toMatch(/wrong region: the server says 'eu-west-7', the configuration 'us-east-1'/);
    expect(error).toMatchObject({ hint: 'set storage.sfu.options.region: eu-west-7' });
    gate.judge = () => ({ status: 301, headers: { 'x-amz-bucket-region': 'eu-west-8' } });
    expect((await failed(storage.copyIn(file('x'), 'f'))).message).toContain("'eu-west-8'");
  });

  test('a look at many paths is one listing; where that has no end, each is asked for', async () => {
    const storage = await through();
    for (const name of ['b', 'a/it s+', 'c/below/it']) await storage.copyIn(file('x'), name);
    gate.seen.length = 0;
    const asked = ['b', 'a/it s+', 'c', 'none', ...Array.from({ length: 50 }, (_, i) => `none/${i}`)];
    expect(await storage.there?.(asked)).toEqual(new Set(['b', 'a/it s+', 'c']));
    expect(gate.seen.map(({ method }) => method)).toEqual(['GET']);
    const endless = '<R><IsTruncated>true</IsTruncated><NextContinuationToken>1</NextContinuationToken></R>';
    gate.judge = ({ method }) => (method === 'GET' ? { status: 200, body: endless } : undefined);
    expect(await storage.there?.(asked.filter((path) => path !== 'c'))).toEqual(new Set(['b', 'a/it s+']));
    expect(gate.seen.filter(({ method }) => method === 'GET').length).toBe(2);
  });

  test('whether the server knows conditions is found out once, also by many copies at once', async () => {
    const storage = await through();
    const path = file('the same');
    const copies = Array.from({ length: 8 }, (_, i) => storage.copyIn(path, `many/${i}`, { fresh: true }));
    await Promise.all(copies);
    await storage.copyIn(path, 'one more', { fresh: true });
    expect(gate.seen.filter(({ method }) => method === 'PUT').length).toBe(10);
    expect(gate.seen.filter(({ url }) => url.includes('one%20more')).map(({ method }) => method)).toEqual(['PUT']);
  });

  test('an answer that is lost: what was written is ours, not taken', async () => {
    const storage = await through();
    await storage.copyIn(file('teaches that conditions are known'), 'first', { fresh: true });
    let cut = 0;
    gate.judge = ({ method, url }) =>
      method === 'PUT' && url.includes('second') && cut++ === 0 ? { cut: 0 } : undefined;
    await storage.copyIn(file('second'), 'second', { fresh: true });
    expect(cut).toBe(2);
    gate.judge = () => undefined;
    expect(await failed(storage.copyIn(file('third'), 'second', { fresh: true }))).toBeInstanceOf(TakenError);
  });

  test('another writer between the look and the write: the server keeps the first', async () => {
    const storage = await through();
    await storage.copyIn(file('teaches'), 'first', { fresh: true });
    gate.judge = ({ method, url }) =>
      method === 'PUT' && url.includes('contested') ? { first: () => raw(storage, 'contested', 'theirs') } : undefined;
    expect(await failed(storage.copyIn(file('ours'), 'contested', { fresh: true }))).toBeInstanceOf(TakenError);
    gate.judge = () => undefined;
    expect((await storage.read('contested', 0, 99)).toString()).toBe('theirs');
  });

  test('a body that is cut off goes on where it was', async () => {
    const storage = await through();
    const bytes = bytesOf('cut', 3 * MIB);
    await storage.copyIn(file(bytes), 'f');
    let cuts = 0;
    gate.judge = ({ method }) => (method === 'GET' && cuts++ < 2 ? { cut: MIB } : undefined);
    expect(await storage.readChecksum('f')).toEqual(sumOf(bytes));
    expect(cuts).toBe(3);
  });

  test('an object that is written over while it is read is not mixed', async () => {
    const storage = await through();
    await storage.copyIn(file(bytesOf('one', 3 * MIB)), 'f');
    const others = bytesOf('two', 3 * MIB);
    let reads = 0;
    gate.judge = ({ method }) => {
      if (method !== 'GET') return undefined;
      // Cut off; and before the second request somebody writes.
      return ++reads === 1 ? { cut: MIB } : { first: () => raw(storage, 'f', others) };
    };
    const error = await failed(storage.readChecksum('f'));
    expect(error).toBeInstanceOf(BusyItemError);
    expect(error.message).toContain('written over while it was read');
    gate.judge = () => undefined;
    expect(await storage.readChecksum('f')).toEqual(sumOf(others));
  });

  test('an object that is written over while it is renamed stays', async () => {
    const storage = await through();
    await storage.copyIn(file('judged'), 'f');
    // After the copy, before the removal.
    gate.judge = ({ method }) => (method === 'DELETE' ? { first: () => raw(storage, 'f', 'other!') } : undefined);
    const error = await failed(storage.rename('f', 'gone'));
    expect(error.message).toContain('written over meanwhile');
    gate.judge = () => undefined;
    expect((await storage.read('f', 0, 9)).toString()).toBe('other!');
    expect((await storage.read('gone', 0, 9)).toString()).toBe('judged');
  });

  /** As another program would write it. */
  async function raw(storage: Storage, path: string, text: string | Buffer): Promise<void> {
    const url = new URL(storage.worker!.url(path));
    const [lent = ''] = await storage.worker!.lend!([
      { method: 'PUT', address: `${endpointOf(VERSITY)}${url.pathname}` },
    ]);
    const reply = await fetch(lent, { method: 'PUT', body: Uint8Array.from(Buffer.from(text)) });
    expect(reply.status).toBe(200);
  }
});

describe('killed', () => {
  test('an upload whose process was killed is gone on with: parts that are there are not sent again', async () => {
    const gate = await gateTo(VERSITY.port);
    const settings = s3Settings(VERSITY, { part: '5M', endpoint: `http://127.0.0.1:${gate.port}` });
    const bytes = bytesOf('killed', 30 * MIB);
    const path = file(bytes, 'killed');
    // A process that dies after three parts: its server never hears of it again.
    const dying = await open(settings);
    const dead = new Promise<never>(() => undefined);
    let parts = 0;
    gate.judge = ({ method, url }) => {
      if (method !== 'PUT' || !url.includes('partNumber')) return undefined;
      return ++parts > 3 ? { first: () => dead } : undefined;
    };
    void dying.copyIn(path, 'f', { fresh: true }).catch(() => undefined);
    await vi.waitFor(() => expect(parts).toBeGreaterThan(4), 30_000);
    expect(await entries(await open(settings))).toEqual([]);
    gate.judge = () => undefined;
    gate.seen.length = 0;
    const storage = await open(settings);
    expect(await storage.copyIn(path, 'f', { fresh: true, expect: sumOf(bytes) })).toEqual(sumOf(bytes));
    const sent = gate.seen.filter(({ method, url }) => method === 'PUT' && url.includes('partNumber')).length;
    expect(sent).toBe(3);
    expect(await storage.readChecksum('f')).toEqual(sumOf(bytes));
    const { client } = settle(settings);
    expect(await uploadsOf(client, client.place.prefix(''))).toEqual([]);
    await gate.close();
  });

  test('what nobody goes on with is taken back when it is old', async () => {
    const settings = s3Settings(VERSITY, { leftover: '1ms' });
    const { client } = settle(settings);
    await client.send({ method: 'POST', key: client.place.key('old'), query: { uploads: '' } });
    expect((await uploadsOf(client, client.place.prefix(''))).length).toBe(1);
    await vi.waitFor(async () => {
      await (await open(settings)).copyIn(file('x'), 'f');
      expect(await uploadsOf(client, client.place.prefix(''))).toEqual([]);
    }, 10_000);
  });

  test.each([
    ['rclone', RCLONE],
    ['versitygw', VERSITY],
  ] as const)('%s killed in mid-copy: site down, then the copy goes through', async (_, server) => {
    const storage = await open(s3Settings(server, { part: '5M', timeout: '30s' }));
    const bytes = bytesOf('mid-copy', 40 * MIB);
    const path = file(bytes, 'mid');
    let killed = false;
    const progress = (): void => {
      if (killed) return;
      killed = true;
      s3Script('down', server, { SIGNAL: 'KILL' });
    };
    try {
      const error = await failed(storage.copyIn(path, 'f', { fresh: true, progress }));
      expect(error).toBeInstanceOf(UnreachableError);
      expect(error.message).toContain(`127.0.0.1:${server.port}`);
    } finally {
      s3Script('up', server);
    }
    expect(await entries(storage)).toEqual([]);
    await storage.copyIn(path, 'f', { fresh: true, expect: sumOf(bytes) });
    expect(await storage.readChecksum('f')).toEqual(sumOf(bytes));
  });
});

describe('keys', () => {
  test('from a file, and from a command that makes new ones before the old ones end', async () => {
    const settings = s3Settings(VERSITY);
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, '');
    const ini = file(
      `[other]\naws_access_key_id = no\n[lab]\naws_access_key_id=${ACCESS}\naws_secret_access_key = ${SECRET}\n`,
      'keys',
    );
    const byFile = await open({ ...settings, options: { ...settings.options, credentials: ini, profile: 'lab' } });
    await byFile.copyIn(file('x'), 'f');
    const soon = new Date(Date.now() + 60_000).toISOString();
    const said = JSON.stringify({ Version: 1, AccessKeyId: ACCESS, SecretAccessKey: SECRET, Expiration: soon });
    const count = join(here, 'count');
    const command = `echo x >>${count}; printf '%s' '${said}'`;
    const byCommand = await open({ ...settings, options: { ...settings.options, credentialsCommand: command } });
    await byCommand.stat(['f']);
    await byCommand.stat(['f']);
    expect(readFileSync(count, 'utf8').length).toBeGreaterThan(2);
    const none = await open({ ...settings, options: { ...settings.options, credentials: join(here, 'none') } });
    expect(await failed(none.stat(['f']))).toBeInstanceOf(CredentialsError);
  });

  test('are in no address, error or text', async () => {
    const storage = await open(s3Settings(VERSITY));
    const said = [storage.url('a/b'), storage.worker!.url('a/b'), storage.worker!.script];
    for (const work of [() => storage.checksum('none'), () => storage.rename('none', 'f')]) {
      const error = await failed(work());
      said.push(error.message, String(error.stack), JSON.stringify(error.cause));
    }
    expect(said.join('\n')).not.toContain(SECRET);
    expect(said.join('\n')).not.toMatch(/Signature=/);
    const [lent = ''] = await storage.worker!.lend!([{ method: 'GET', address: storage.worker!.url('a') }]);
    expect(lent).toMatch(/X-Amz-Signature=[0-9a-f]{64}/);
    expect(withoutSecrets(`cannot fetch ${lent} with ${SECRET}`)).not.toMatch(/[0-9a-f]{64}|dflow-secret-key/);
  });
});

async function uploads(server: (typeof S3_SERVERS)[number]) {
  const { client } = settle(s3Settings(server));
  return (await uploadsOf(client, '')).filter(({ key }) => key.includes(`t${process.pid}-`));
}
