// Who may do what: wrong passwords, locked accounts, users without rights. What is told, and that nobody goes on asking.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store, StoreOptions } from '../../src/lib/store.ts';
import { increment, sumsView, type Thing } from '../contracts/things.ts';
import { refusal } from '../fakes/couch-server.ts';
import { couchBehindProxy, PASS } from '../support/couch.ts';

const couch = couchBehindProxy('rights');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-rights-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (write: StoreOptions['write'], login = ''): Promise<Store> => couch.open(write, { folder, login });

const errorOf = (work: Promise<unknown>): Promise<Error & { hint?: string }> =>
  work.then(
    () => expect.unreachable(),
    (error: Error) => error,
  );

const WRONG = refusal(401, 'unauthorized', 'Name or password is incorrect.');
const LOCKED = refusal(403, 'forbidden', 'Account is temporarily locked due to multiple authentication failures');

test('a wrong password: exit 4 with user, HTTP status and the words of the server, asked once', async () => {
  couch.proxy.fault = (_method, _path, user) => (user === 'ann:right' ? PASS : WRONG);
  const error = await errorOf(open(true, 'ann:wr0ng-one@'));
  expect(error).toMatchObject({
    name: 'LoginError',
    exit: 4,
    message: expect.stringMatching(/'ann'.*HTTP 401 Unauthorized: unauthorized: Name or password is incorrect/),
    where: couch.url,
    hint: expect.stringContaining('DFLOW_COUCH_USER'),
  });
  expect(JSON.stringify([error.message, error.hint, error.stack])).not.toContain('wr0ng-one');
  expect(couch.proxy.seen).toHaveLength(1);
});

test('a refused password is not sent again by the next processes of this host; another one is, at once', async () => {
  couch.proxy.fault = (_method, _path, user) => (user === 'ann:right' ? PASS : WRONG);
  await errorOf(open(true, 'ann:wrong@'));
  couch.proxy.seen.length = 0;
  for (let i = 0; i < 5; i++) {
    expect(await errorOf(open(true, 'ann:wrong@'))).toMatchObject({
      exit: 4,
      message: expect.stringContaining('not tried for another'),
      hint: expect.stringContaining(`rm ${folder}`),
    });
  }
  expect(couch.proxy.seen).toHaveLength(0);
  expect(await (await open(true, 'ann:right@')).update<Thing>('counter', increment)).toMatchObject({
    result: 'written',
  });
  // Nothing of the password is kept.
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/^refused-[0-9a-f]{16}$/)]);
});

test('a locked account is told as locked, for how long, and nobody asks meanwhile', async () => {
  const store = await open(true, 'ann:right@');
  couch.proxy.fault = () => LOCKED;
  const locked = {
    exit: 4,
    message: expect.stringMatching(/'ann' is locked.*HTTP 403 Forbidden: .*temporarily locked/),
    hint: expect.stringContaining('5 minutes'),
  };
  expect(await errorOf(store.get(['counter']))).toMatchObject(locked);
  couch.proxy.seen.length = 0;
  expect(await errorOf(store.view(sumsView))).toMatchObject(locked);
  expect(await errorOf(store.update('counter', increment))).toMatchObject(locked);
  expect(await errorOf(open(true, 'ann:right@'))).toMatchObject({ message: expect.stringContaining('locked') });
  expect(couch.proxy.seen).toHaveLength(0);
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
  couch.proxy.fault = (_, path) => (isBulk(path) ? refusal(403, 'forbidden', 'readers only read') : PASS);
  expect(await errorOf(store.update<Thing>('counter', increment))).toMatchObject(error);
  const row = { id: 'counter', error: 'forbidden', reason: 'readers only read' };
  couch.proxy.fault = (_, path) => (isBulk(path) ? { kind: 'answer', status: 201, body: [row] } : PASS);
  expect(await errorOf(store.update<Thing>('counter', increment))).toMatchObject(error);
  expect((await store.get(['counter'])).size).toBe(0);
});

test('a user who is no member of the database is told that, and not that the password is wrong', async () => {
  couch.proxy.fault = () => refusal(403, 'forbidden', 'You are not allowed to access this db.');
  const error = { exit: 4, message: expect.stringContaining("user 'bob' may not read this database") };
  expect(await errorOf(open(false, 'bob:pw@'))).toMatchObject(error);
  expect(await errorOf(open(false, 'bob:pw@'))).toMatchObject(error);
});

test('nobody is logged in: told as that', async () => {
  couch.proxy.fault = () => refusal(401, 'unauthorized', 'You are not authorized to access this db.');
  expect(await errorOf(open(false))).toMatchObject({
    exit: 4,
    message: expect.stringContaining('nobody is logged in'),
  });
});
