// Three users with three roles, each trying every command that changes something. On the in-memory CouchDB, and on a real
// one where DFLOW_TEST_COUCHDB names it. Slow: about ninety commands, all but the chain in this process.
import { appendFileSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeExperiment } from '../../src/lib/cli/demo/experiment.ts';
import { RUNS } from '../../src/lib/cli/demo/runs.ts';
import type { Role } from '../../src/lib/domain/roles.ts';
import { startCouchServer } from '../fakes/couch-server.ts';
import { killSupervisor } from '../support/chaos.ts';
import { dflowBeside, lines, type Ran } from '../support/cli.ts';
import { type RealCouch, realCouch } from '../support/couch-real.ts';
import { dflowHere } from '../support/inprocess.ts';

const folders: string[] = [];
const runs = RUNS.filter(({ run: number }) => [109127, 109136, 109140].includes(number));

/** What a site may do, with something to do or nothing; `-` where standard input is asked for. */
const SITE: readonly (readonly string[])[] = [
  ...['register', 'transfer', 'enqueue', 'submit', 'monitor', 'monitor poll', 'reset', 'verify', 'tables'].map((one) =>
    one.split(' '),
  ),
  ['purge', '--yes'],
  ['monitor', 'apply'],
  ['tables', 'load', 'table.ratdb'],
  ['chain'],
];

/** What takes an operator. The passes of 109127 are completed, and 109140 is open. */
const OPERATOR: readonly (readonly string[])[] = [
  ['pause', '--run', '109127', '--why', 'x'],
  ['resume', 'HOLD', '--why', 'x'],
  ['quarantine', '109136', '--why', 'x'],
  ['transfer', '--cancel', '--run', '109136', '--why', 'x'],
  ['storage', 'disable', 'ral', '--for', '1h', '--why', 'x'],
  ['storage', 'primary', 'fnal', '--for', '1h', '--why', 'x'],
  ['farm', 'drain', 'laptop', '--why', 'x'],
  ['farm', 'unlock', 'laptop', '--why', 'x', '--yes'],
  ['reprocess', '--request', 'again', '--run', '109127', '--module', 'Analysis40'],
  ['cancel', '109127/Processing/2'],
  ['retry', '109136/Processing/2'],
  ['delete', '109127/Analysis40/1', '--yes'],
  ['enqueue', '--complete', '109140', '--why', 'x'],
  ['tables', 'load', 'table.ratdb', '--tag', 'frozen'],
  ['store', 'import', 'request.jsonl'],
  ['store', 'drop', 'run:0000000009', '--why', 'x'],
  ['store', 'conflicts', 'keep', 'run:0000109127', 'REV', '--why', 'x'],
];

const ADMIN: readonly (readonly string[])[] = [
  ['store', 'users'],
  ['store', 'revoke', 'ann'],
  ['store', 'grant', 'ann', '--role', 'operator'],
];

/** It did something or found nothing to do, and the role was enough. */
const NOT_REFUSED = { code: expect.toBeOneOf([0, 1]), err: expect.not.stringContaining('needs the role') };

interface World {
  readonly folder: string;
  as(user: string, args: readonly string[]): Promise<Ran>;
  /** The same, which must end with 0; its output. */
  must(user: string, args: readonly string[]): Promise<string>;
  /** The same as a process of its own, for what runs jobs. */
  beside(user: string, args: readonly string[]): Promise<Ran>;
}

async function world(admin: string, users: Readonly<Record<Role, string>>, database: string): Promise<World> {
  const { username, password, host } = new URL(admin);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-roles-')));
  folders.push(folder);
  makeExperiment(folder, { seed: 5, runs });
  appendFileSync(join(folder, 'dflow.yaml'), `store: http://${host}/${database}\n`);
  writeFileSync(join(folder, 'table.ratdb'), '{name: "OTHER", run_range: [1, 2], pass: 0, value: 1}\n');
  writeFileSync(join(folder, 'password'), 'pw\n', { mode: 0o600 });
  const login = (user: string): Record<string, string> => ({
    DFLOW_COUCH_USER: user,
    DFLOW_COUCH_PASSWORD: user === username ? decodeURIComponent(password) : 'pw',
  });
  const as: World['as'] = (user, args) => dflowHere(folder, args, login(user));
  const must: World['must'] = async (user, args) => {
    const ran = await as(user, args);
    expect({ args, ...ran }).toMatchObject({ code: 0 });
    return ran.out;
  };
  await must(username, ['store', 'setup']);
  // The built program has the text of its views in another form than the sources here: a second set, side by side.
  const beside = (user: string, args: readonly string[]) => dflowBeside(folder, args, { env: login(user) });
  expect(await beside(username, ['store', 'deploy'])).toMatchObject({ code: 0 });
  for (const [role, user] of Object.entries(users))
    await must(username, ['store', 'grant', user, '--role', role, '--password-file', 'password']);
  return { folder, as, must, beside };
}

/** What the commands below need to find. */
async function prepare(
  { folder, must }: World,
  users: Readonly<Record<Role, string>>,
  call: RealCouch['call'],
  database: string,
): Promise<string> {
  await call('PUT', `${database}/run:0000000009`, { kind: 'run', v: 1, mask: 4 });
  for (const run of ['109127', '109136'])
    await must(users.operator, ['reprocess', '--request', `again-${run}`, '--run', run, '--module', 'Processing']);
  const [request] = lines(await must(users.operator, ['store', 'export'])).filter(({ kind }) => kind === 'request');
  const imported = { ...request, _id: 'request:imported', name: 'imported' };
  writeFileSync(join(folder, 'request.jsonl'), `${JSON.stringify(imported)}\n`);
  await must(users.operator, ['cancel', '109136/Processing/2']);
  await must(users.operator, ['pause', '--run', '109120', '--why', 'x']);
  const kept = await call('GET', `${database}/run:0000109127`);
  const lost = { ...kept, _rev: '1-00000000000000000000000000000001' };
  await call('POST', `${database}/_bulk_docs`, { new_edits: false, docs: [lost] });
  return String(lost._rev);
}

async function everybodyTries(admin: string): Promise<void> {
  const server = realCouch(admin);
  const database = server.newName();
  const users = { reader: server.newUser('rita'), site: server.newUser('sam'), operator: server.newUser('otto') };
  try {
    const made = await world(admin, users, database);
    const { folder, as, must } = made;
    const tables = readdirSync(join(folder, 'ratdb')).map((name) => join('ratdb', name));

    // The whole chain as a site: nothing that a loop does is refused.
    await must(users.site, ['tables', 'load', ...tables]);
    expect(await made.beside(users.site, ['chain', '--until-idle'])).toMatchObject(NOT_REFUSED);
    const jobs = async () =>
      lines<{ ref: string; state: string }>(
        await must(users.reader, ['list', 'jobs', '--state', 'all', '--pass', 'all', '--json']),
      );
    expect((await jobs()).filter(({ state }) => state === 'completed').length).toBeGreaterThan(2);
    for (const args of SITE) expect({ args, ...(await as(users.site, args)) }).toMatchObject({ args, ...NOT_REFUSED });

    // The doctor writes a document and removes it. A process, since that command ends its own.
    const doctor = ['doctor', '--only', 'store', '--json'];
    expect(lines((await made.beside(users.site, doctor)).out)).toContainEqual(
      expect.objectContaining({ ref: 'store/rights', did: 'ok' }),
    );
    expect((await made.beside(users.reader, doctor)).out).toContain('needs the role site');

    const rev = await prepare(made, users, server.call, database);
    const hold = (await must(users.reader, ['list', 'holds', '--json'])).match(/hold:pause-[^"]+/)?.[0] ?? '';
    const filled = (args: readonly string[]): string[] =>
      args.map((word) => (word === 'REV' ? rev : word === 'HOLD' ? hold : word));
    const documents = () => must(users.reader, ['store', 'export']);

    const before = await documents();
    for (const args of [...SITE, ...OPERATOR, ...ADMIN].map(filled)) {
      const { code, err } = await as(users.reader, args);
      expect({ args, code, err }).toMatchObject({
        args,
        code: 2,
        err: expect.stringMatching(/needs the role site|admin of the server/),
      });
      expect(err).toContain('Next:');
    }
    expect(await documents()).toEqual(before);

    for (const args of OPERATOR.map(filled)) {
      const { code, err } = await as(users.site, args);
      expect({ args, code, err }).toMatchObject({
        args,
        code: 2,
        err: expect.stringContaining('needs the role operator'),
      });
      expect(err).toContain(`dflow store grant ${users.site} --role operator`);
    }
    expect(withoutSigns(await documents())).toEqual(withoutSigns(before));
    for (const user of [users.site, users.operator]) {
      for (const args of ADMIN)
        expect({ args, ...(await as(user, args)) }).toMatchObject({
          args,
          code: 2,
          err: expect.stringContaining('admin of the server'),
        });
    }
    for (const args of OPERATOR.map(filled))
      expect({ args, ...(await as(users.operator, args)) }).toMatchObject({ args, ...NOT_REFUSED });
    const states = new Map((await jobs()).map(({ ref, state }) => [ref, state]));
    expect(states.get('109127/Analysis40/1')).toBe('deleted');
    expect(states.get('109127/Processing/2')).toBe('canceled');
    expect(states.get('109136/Processing/2')).toBe('waiting');
  } finally {
    await server.clean();
  }
}

/** Without signs of life, which every command leaves. */
function withoutSigns(documents: string): unknown[] {
  const signs = new Set(['farm', 'loop', 'buffer', 'credential', 'lease', 'lanes', 'looks', 'unread']);
  return lines<{ kind: string }>(documents).filter(({ kind }) => !signs.has(kind));
}

afterAll(() => {
  for (const folder of folders) {
    killSupervisor(folder);
    rmSync(folder, { recursive: true, force: true });
  }
});

test('in memory', async () => {
  const server = await startCouchServer();
  try {
    await everybodyTries(server.url.replace('//', '//admin:secret@'));
  } finally {
    await server.stop();
  }
});

const real = process.env.DFLOW_TEST_COUCHDB;

test.skipIf(!real)('on the real CouchDB of DFLOW_TEST_COUCHDB', () => everybodyTries(real ?? ''));
