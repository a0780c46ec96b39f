// Users and roles on CouchDB: who is made, what `_security` says afterwards, when the rules come into force, and what a
// refused write is told. On the in-memory server, and on a real one where DFLOW_TEST_COUCHDB names it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Role } from '../../src/lib/domain/roles.ts';
import type { Store, StoreOptions } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/couch/couch.ts';
import { CONTRACT_VIEWS, create, increment, type Thing } from '../contracts/things.ts';
import { type RunningServer, startCouchServer } from '../fakes/couch-server.ts';
import { type RealCouch, realCouch } from '../support/couch-real.ts';

function roles(server: () => RealCouch): void {
  const opened: Store[] = [];
  let name = '';
  const open = async (write: StoreOptions['write'], user?: string): Promise<Store> => {
    const store = await openWith(server().url(name, user), { write }, CONTRACT_VIEWS);
    opened.push(store);
    return store;
  };
  const grant = (user: string, role: Role, password?: string) => admin.rights!.grant(user, role, { password });
  let admin: Store;
  beforeEach(async () => {
    name = server().newName();
    admin = await open('setup');
    await admin.setup('demo');
  });
  afterAll(async () => {
    for (const store of opened) await store.close();
    await server().clean();
  });

  test('a user is made with a password, gets one role, another one, and none', async () => {
    const user = server().newUser('ann');
    await expect(grant(user, 'site')).rejects.toMatchObject({
      exit: 2,
      hint: expect.stringContaining('--password-file'),
    });
    expect(await grant(user, 'site', 'pw')).toMatchObject({ did: 'made', admin: false, rules: { did: 'deployed' } });
    expect(await grant(user, 'site')).toMatchObject({ did: 'unchanged', before: 'site', rules: { did: 'unchanged' } });
    const site = await open(true, user);
    expect(await site.update<Thing>('counter', increment)).toMatchObject({ result: 'written' });
    expect(await site.rights!.mine()).toEqual({ user, role: 'site' });
    expect(await grant(user, 'reader')).toMatchObject({ did: 'granted', before: 'site' });
    expect((await admin.rights!.users()).users).toContainEqual({ name: user, role: 'reader' });
    expect(await admin.rights!.revoke(user)).toEqual({ before: 'reader' });
    expect((await admin.rights!.users()).users.map((one) => one.name)).not.toContain(user);
    await expect(open(false, user)).rejects.toMatchObject({ exit: 4 });
  });

  test('a dry run writes nothing', async () => {
    const user = server().newUser('ann');
    expect(await admin.rights!.grant(user, 'site', { password: 'pw', dryRun: true })).toMatchObject({ did: 'made' });
    expect(await admin.rights!.users()).toEqual({ users: [], inForce: false });
    await grant(user, 'site', 'pw');
    expect(await admin.rights!.revoke(user, true)).toEqual({ before: 'site' });
    expect(await admin.rights!.users()).toMatchObject({ users: [{ name: user, role: 'site' }], inForce: true });
  });

  test('a reader is refused before anything is done; a write of a site that takes an operator names the role', async () => {
    const [reader, site] = [server().newUser('rita'), server().newUser('sam')];
    await grant(reader, 'reader', 'pw');
    await grant(site, 'site', 'pw');
    await admin.update<Thing>('counter', increment);
    await expect(open(true, reader)).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining(`user '${reader}' may not write this: needs the role site`),
      hint: expect.stringContaining(`dflow store grant ${reader} --role site`),
    });
    expect((await (await open(false, reader)).get(['counter'])).size).toBe(1);
    const store = await open(true, site);
    const request = { _id: 'request:r', kind: 'request', v: 1 };
    await expect(store.update('request:r', () => ({ write: request }))).rejects.toMatchObject({
      exit: 2,
      message: expect.stringMatching(/request:r: forbidden: needs the role operator: to reprocess/),
      hint: expect.stringContaining(`dflow store grant ${site} --role operator`),
    });
    // Of one batch the others are written.
    await expect(
      store.bulk([create('thing:a'), { id: 'request:r', change: () => ({ write: request }) }]),
    ).rejects.toMatchObject({ exit: 2 });
    expect([...(await store.get(['thing:a', 'request:r'])).keys()]).toEqual(['thing:a']);
  });

  test('choosing a revision takes an operator: a site is refused before anything is changed', async () => {
    const [site, operator] = [server().newUser('sam'), server().newUser('otto')];
    await grant(site, 'site', 'pw');
    await grant(operator, 'operator', 'pw');
    await expect((await open(true, site)).keeping!.conflicts!.assertMayKeep()).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('needs the role operator: to choose a revision'),
      hint: expect.stringContaining(`dflow store grant ${site} --role operator`),
    });
    await (await open(true, operator)).keeping!.conflicts!.assertMayKeep();
    await admin.keeping!.conflicts!.assertMayKeep();
  });

  test('users, roles and rights take an admin of the server', async () => {
    const operator = server().newUser('otto');
    await grant(operator, 'operator', 'pw');
    const { rights } = await open(true, operator);
    const refused = { exit: 2, message: expect.stringContaining(`'${operator}' is not an admin`) };
    await expect(rights!.users()).rejects.toMatchObject(refused);
    await expect(rights!.grant(operator, 'site', {})).rejects.toMatchObject(refused);
    await expect(rights!.revoke(operator)).rejects.toMatchObject(refused);
  });

  test('where users have no role yet, the rules wait until each has one: no loop is stopped by surprise', async () => {
    const [old, fresh] = [server().newUser('farm1'), server().newUser('ann')];
    await server().call('PUT', `_users/org.couchdb.user:${old}`, {
      name: old,
      password: 'pw',
      roles: [],
      type: 'user',
    });
    await server().call('PUT', `${name}/_security`, { admins: { roles: ['_admin'] }, members: { names: [old] } });
    expect(await grant(fresh, 'site', 'pw')).toMatchObject({ rules: { did: 'waiting', without: [old] } });
    expect(await (await open(true, old)).update<Thing>('counter', increment)).toMatchObject({ result: 'written' });
    expect(await admin.rights!.users()).toMatchObject({
      inForce: false,
      users: expect.arrayContaining([{ name: old }, { name: fresh, role: 'site' }]),
    });
    expect(await grant(old, 'site')).toMatchObject({ did: 'granted', rules: { did: 'deployed', without: [] } });
    // One whom `_security` names keeps the name; revoking takes it away.
    expect(await admin.rights!.revoke(old)).toEqual({ before: 'site' });
    await expect(open(false, old)).rejects.toMatchObject({ exit: 4 });
  });

  test('an admin of the database is not limited by a role, and that is told', async () => {
    const user = server().newUser('own');
    await server().call('PUT', `_users/org.couchdb.user:${user}`, {
      name: user,
      password: 'pw',
      roles: [],
      type: 'user',
    });
    await server().call('PUT', `${name}/_security`, { admins: { names: [user] }, members: {} });
    expect(await grant(user, 'site')).toMatchObject({ admin: true, before: 'admin', rules: { did: 'deployed' } });
    expect(await (await open(true, user)).rights!.mine()).toEqual({ user, role: 'admin' });
  });

  test('rules that somebody edited are put back by the next grant', async () => {
    const user = server().newUser('ann');
    await grant(user, 'site', 'pw');
    const there = await server().call('GET', `${name}/_design/dflow_roles`);
    await server().call('PUT', `${name}/_design/dflow_roles`, { ...there, validate_doc_update: 'function () {}' });
    expect(await admin.rights!.users()).toMatchObject({ inForce: false });
    expect(await grant(user, 'site')).toMatchObject({ did: 'unchanged', rules: { did: 'repaired' } });
    expect(await admin.rights!.users()).toMatchObject({ inForce: true });
  });
}

describe('in memory', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startCouchServer();
  });
  afterAll(() => server.stop());
  let couch: RealCouch | undefined;
  roles(() => {
    couch ??= realCouch(server.url.replace('//', '//admin:secret@'));
    return couch;
  });
});

const real = process.env.DFLOW_TEST_COUCHDB;

describe.skipIf(!real)('on the real CouchDB of DFLOW_TEST_COUCHDB', () => {
  const couch = realCouch(real ?? 'http://admin:x@127.0.0.1:1');
  roles(() => couch);
});
