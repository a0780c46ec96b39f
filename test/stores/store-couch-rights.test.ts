// Who may do what: wrong passwords, locked accounts, users without rights. What is told, and that nobody goes on asking.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Store, StoreOptions } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/couch/couch.ts';
import { CONTRACT_VIEWS, increment, sumsView, type Thing } from '../contracts/things.ts';
import {
  type Fault,
  type FaultProxy,
  type RunningServer,
  refusal,
  startCouchServer,
  startProxy,
} from '../fakes/couch-server.ts';

let server: RunningServer;
let proxy: FaultProxy;
let folder: string;
let url: string;
const opened: Store[] = [];
beforeAll(async () => {
  server = await startCouchServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  proxy = await startProxy(server.url);
  folder = mkdtempSync(join(tmpdir(), 'dflow-rights-'));
  url = `${proxy.url}/rights-${Math.random().toString(36).slice(2, 10)}`;
  await (await open('setup')).setup('demo');
  proxy.seen.length = 0;
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await proxy.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function open(write: StoreOptions['write'], login = ''): Promise<Store> {
  const store = await openWith(url.replace('//', `//${login}`), { write, folder }, CONTRACT_VIEWS);
  opened.push(store);
  return store;
}

const errorOf = (work: Promise<unknown>): Promise<Error & { hint?: string }> =>
  work.then(
    () => expect.unreachable(),
    (error: Error) => error,
  );

const PASS: Fault = { kind: 'pass' };
const WRONG = refusal(401, 'unauthorized', 'Name or password is incorrect.');
const LOCKED = refusal(403, 'forbidden', 'Account is temporarily locked due to multiple authentication failures');

test('a wrong password: exit 4 with user, HTTP status and the words of the server, asked once', async () => {
  proxy.fault = (_method, _path, user) => (user === 'ann:right' ? PASS : WRONG);
  const error = await errorOf(open(true, 'ann:wr0ng-one@'));
  expect(error).toMatchObject({
    name: 'LoginError',
    exit: 4,
    message: expect.stringMatching(/'ann'.*HTTP 401 Unauthorized: unauthorized: Name or password is incorrect/),
    where: url,
    hint: expect.stringContaining('DFLOW_COUCH_USER'),
  });
  expect(JSON.stringify([error.message, error.hint, error.stack])).not.toContain('wr0ng-one');
  expect(proxy.seen).toHaveLength(1);
});

test('a refused password is not sent again by the next processes of this host; another one is, at once', async () => {
  proxy.fault = (_method, _path, user) => (user === 'ann:right' ? PASS : WRONG);
  await errorOf(open(true, 'ann:wrong@'));
  proxy.seen.length = 0;
  for (let i = 0; i < 5; i++) {
    expect(await errorOf(open(true, 'ann:wrong@'))).toMatchObject({
      exit: 4,
      message: expect.stringContaining('not tried for another'),
      hint: expect.stringContaining(`rm ${folder}`),
    });
  }
  expect(proxy.seen).toHaveLength(0);
  expect(await (await open(true, 'ann:right@')).update<Thing>('counter', increment)).toMatchObject({
    result: 'written',
  });
  // Nothing of the password is kept.
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/^refused-[0-9a-f]{16}$/)]);
});

test('a locked account is told as locked, for how long, and nobody asks meanwhile', async () => {
  const store = await open(true, 'ann:right@');
  proxy.fault = () => LOCKED;
  const locked = {
    exit: 4,
    message: expect.stringMatching(/'ann' is locked.*HTTP 403 Forbidden: .*temporarily locked/),
    hint: expect.stringContaining('5 minutes'),
  };
  expect(await errorOf(store.get(['counter']))).toMatchObject(locked);
  proxy.seen.length = 0;
  expect(await errorOf(store.view(sumsView))).toMatchObject(locked);
  expect(await errorOf(store.update('counter', increment))).toMatchObject(locked);
  expect(await errorOf(open(true, 'ann:right@'))).toMatchObject({ message: expect.stringContaining('locked') });
  expect(proxy.seen).toHaveLength(0);
});

test('a user who may only read: exit 2 at the first write, with the rule of the server and what to do', async () => {
  const store = await open(true, 'reader:pw@');
  const error = {
    name: 'ReadOnlyStoreError',
    exit: 2,
    message: expect.stringMatching(/user 'reader' may not write this: .*readers only read/),
    hint: expect.stringContaining('DFLOW_COUCH_USER'),
  };
  const isBulk = (path: string): boolean => path.includes('_bulk_docs');
  proxy.fault = (_, path) => (isBulk(path) ? refusal(403, 'forbidden', 'readers only read') : PASS);
  expect(await errorOf(store.update<Thing>('counter', increment))).toMatchObject(error);
  const row = { id: 'counter', error: 'forbidden', reason: 'readers only read' };
  proxy.fault = (_, path) => (isBulk(path) ? { kind: 'answer', status: 201, body: [row] } : PASS);
  expect(await errorOf(store.update<Thing>('counter', increment))).toMatchObject(error);
  expect((await store.get(['counter'])).size).toBe(0);
});

test('a user who is no member of the database is told that, and not that the password is wrong', async () => {
  proxy.fault = () => refusal(403, 'forbidden', 'You are not allowed to access this db.');
  const error = { exit: 4, message: expect.stringContaining("user 'bob' may not read this database") };
  expect(await errorOf(open(false, 'bob:pw@'))).toMatchObject(error);
  expect(await errorOf(open(false, 'bob:pw@'))).toMatchObject(error);
});

test('nobody is logged in: told as that', async () => {
  proxy.fault = () => refusal(401, 'unauthorized', 'You are not authorized to access this db.');
  expect(await errorOf(open(false))).toMatchObject({
    exit: 4,
    message: expect.stringContaining('nobody is logged in'),
  });
});
