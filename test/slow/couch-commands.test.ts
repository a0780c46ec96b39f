// The built program on a CouchDB: logins from every place, rights, and a server that goes away under it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Fault,
  type FaultProxy,
  type RunningServer,
  refusal,
  startCouchServer,
  startProxy,
} from '../fakes/couch-server.ts';
import { BIN, environment, folder, type Ran, rawFolder, removeFolders } from '../support/cli.ts';

const run = promisify(execFile);
const PASS: Fault = { kind: 'pass' };
const WRONG = refusal(401, 'unauthorized', 'Name or password is incorrect.');

let server: RunningServer;
let proxy: FaultProxy;
let experiment: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  server = await startCouchServer();
});
afterAll(async () => {
  await server.stop();
  removeFolders();
});
beforeEach(async () => {
  proxy = await startProxy(server.url);
  experiment = rawFolder(1);
  expect(await dflow(['init', '--from', 'raw'])).toMatchObject({ code: 0 });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await proxy.stop();
});

/** This process, in which the server lives, goes on meanwhile. */
async function dflow(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const options = { cwd: experiment, env: environment(env), maxBuffer: 1e8 };
  return run(process.execPath, [BIN, ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error) => ({ code: Number(error.code), out: String(error.stdout), err: String(error.stderr) }),
  );
}

/** From here on the store is the proxy's database, by this login. */
function useStore(login = ''): string {
  const name = `cli-${Math.random().toString(36).slice(2, 10)}`;
  const file = join(experiment, 'dflow.yaml');
  const others = readFileSync(file, 'utf8').replace(/^store:.*$/m, '');
  writeFileSync(file, `${others}\nstore: '${proxy.url.replace('//', `//${login}`)}/${name}'\n`);
  return `${proxy.url}/${name}`;
}

describe('logins', () => {
  const PASSWORD = 'p/4 %@x s';
  beforeEach(() => {
    proxy.fault = (_method, _path, user) => (user === `ann:${PASSWORD}` ? PASS : WRONG);
  });

  test.each([
    ['as it is', `ann:${PASSWORD}@`],
    ['percent-encoded', `ann:${encodeURIComponent(PASSWORD)}@`],
  ])('a password with / %% @ and a blank in the address, %s', async (_, login) => {
    useStore(login);
    expect(await dflow(['store', 'setup'])).toMatchObject({ code: 0 });
    proxy.fault = () => WRONG;
    const { code, out, err } = await dflow(['status']);
    expect({ code, err }).toMatchObject({ code: 4, err: expect.stringContaining("'ann'") });
    for (const part of ['p/4', 'p%2F4', '@x', '%40x']) expect(out + err).not.toContain(part);
  });

  test('a credentials file', async () => {
    useStore();
    expect(await dflow(['store', 'setup'])).toMatchObject({ code: 4 });
    const file = join(folder(), 'credentials.yaml');
    writeFileSync(file, `127.0.0.1: {user: ann, password: '${PASSWORD}'}\n`, { mode: 0o600 });
    expect(await dflow(['store', 'setup'], { DFLOW_CREDENTIALS: file })).toMatchObject({ code: 0 });
    const config = join(folder(), 'config');
    mkdirSync(join(config, 'dflow'), { recursive: true });
    writeFileSync(join(config, 'dflow', 'credentials.yaml'), `127.0.0.1: {user: ann, password: '${PASSWORD}'}\n`, {
      mode: 0o600,
    });
    expect(await dflow(['status'], { XDG_CONFIG_HOME: config })).toMatchObject({ code: 0 });
  });
});

test('a user who may only read: every loop ends with 2 and a next step, also when it had nothing to do', async () => {
  useStore('reader:pw@');
  expect(await dflow(['store', 'setup'])).toMatchObject({ code: 0 });
  proxy.fault = (_, path) => (path.includes('_bulk_docs') ? refusal(403, 'forbidden', 'readers only read') : PASS);
  for (const step of ['enqueue', 'monitor', 'chain']) {
    const { code, err } = await dflow([step]);
    expect({ step, code }).toEqual({ step, code: 2 });
    expect(err).toContain('Next:');
  }
});

test('status --watch outlives an outage', async () => {
  useStore();
  expect(await dflow(['store', 'setup'])).toMatchObject({ code: 0 });
  const child = spawn(process.execPath, [BIN, 'status', '--watch', '1s', '--json'], {
    cwd: experiment,
    env: environment(),
  });
  children.push(child);
  const seen = { out: '', err: '' };
  child.stdout.on('data', (text) => {
    seen.out += text;
  });
  child.stderr.on('data', (text) => {
    seen.err += text;
  });
  const pages = (): number => seen.out.split('\n').length - 1;
  await expect.poll(pages, { timeout: 300_000 }).toBeGreaterThan(0);
  proxy.fault = () => refusal(503, 'service_unavailable', 'maintenance', { 'retry-after': '3600' });
  await expect.poll(() => seen.err, { timeout: 300_000 }).toMatch(/HTTP 503 .*maintenance[\s\S]*asked again in 1 ?s/);
  const before = pages();
  proxy.fault = () => PASS;
  await expect.poll(pages, { timeout: 300_000 }).toBeGreaterThan(before);
  expect(child.exitCode).toBeNull();
});

test('a conflict is in status and why, and is settled by keeping a revision', async () => {
  const url = useStore();
  expect(await dflow(['store', 'setup'])).toMatchObject({ code: 0 });
  expect(await dflow(['register', '--no-wait'])).toMatchObject({ code: 0 });
  expect(await dflow(['store', 'conflicts', 'list'])).toMatchObject({ code: 0, out: '' });
  const loop = /loop:[^"]+:register/.exec((await dflow(['store', 'export'])).out)?.[0] ?? '';
  const theirs = { _id: loop, _rev: '1-00000000000000000000000000000001', kind: 'loop', v: 1, outcome: 'theirs' };
  const body = JSON.stringify({ new_edits: false, docs: [theirs] });
  await fetch(`${url}/_bulk_docs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const status = await dflow(['status', '--json']);
  expect(status.out).toContain(`dflow store conflicts show ${loop}`);
  const listed = await dflow(['store', 'conflicts', 'list', '--json']);
  expect(JSON.parse(listed.out)).toMatchObject({ ref: loop, did: 'frozen', count: 2 });
  const shown = (await dflow(['store', 'conflicts', 'show', loop, '--json'])).out.trim().split('\n');
  const revs = shown.map((line) => (JSON.parse(line) as { rev: string }).rev);
  expect(revs).toContain(theirs._rev);
  const keep = ['store', 'conflicts', 'keep', loop];
  expect(await dflow([...keep, '9-f', '--why', 'x'])).toMatchObject({ code: 2, err: expect.stringContaining('9-f') });
  const ours = revs.find((rev) => rev !== theirs._rev) ?? '';
  const dry = await dflow([...keep, ours, '--why', 'x', '--dry-run', '--json']);
  expect(JSON.parse(dry.out)).toMatchObject({ did: 'settled', dryRun: true });
  const done = await dflow([...keep, ours, '--why', 'theirs is of the replica', '--json']);
  const item = JSON.parse(done.out) as { did: string; receipt: string };
  expect(item).toMatchObject({ did: 'settled', receipt: expect.stringMatching(/^conflict-/) });
  const receipt = readFileSync(join(experiment, '.dflow', 'receipts', item.receipt), 'utf8');
  expect(JSON.parse(receipt)).toMatchObject({
    rev: theirs._rev,
    why: 'theirs is of the replica',
    document: { outcome: 'theirs' },
  });
  expect(await dflow(['store', 'conflicts', 'list'])).toMatchObject({ code: 0, out: '' });
});
