// dflow notify against a mail server of a few lines and a command: what arrives, and that nothing is lost or sent twice
// when the server refuses, hangs, is down or wants a login. A real server: test/systems/watching.test.ts.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { problemsOf } from '../../../src/lib/flow/reports/notify/problems.ts';
import { tailOf } from '../../../src/lib/flow/reports/notify/tail.ts';
import { notify } from '../../../src/lib/flow/steps/notify/notify.ts';
import { CredentialsError, UnreachableError } from '../../../src/lib/util/errors.ts';
import { collect } from '../../support/items.ts';
import { type MailServer, type Mood, mailServer } from '../../support/smtp.ts';
import { HOUR, runIn, setSubjob, standingWorld, type World } from '../../support/standing.ts';

const worlds: World[] = [];
const servers: MailServer[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.remove();
  for (const server of servers.splice(0)) await server.close();
  delete process.env.DFLOW_CREDENTIALS;
});

async function server(mood: Mood): Promise<MailServer> {
  const made = await mailServer(mood);
  servers.push(made);
  return made;
}

const SHIFTERS = 'shifters: {on: [failed, silent, request-done], mail: shift@example.org, every: 0}';

async function experiment(notify: string, smtp = ''): Promise<World> {
  const world = await standingWorld({ more: `notify: {${notify}}\n${smtp}` });
  worlds.push(world);
  return world;
}

const smtpOf = (port: number, more = ''): string =>
  `smtp: {host: 127.0.0.1, port: ${port}, from: dflow@example.org, timeout: 1s${more}}`;

const failure = { cause: 'time-limit', reason: 'ran past its limit', site: 'here' };
const fail = (world: World) => setSubjob(world, { name: 'failed', since: world.ago(HOUR), failure });

interface Line {
  readonly did: string;
  readonly ref: string;
  readonly text?: string;
  readonly message?: string;
}

async function round(world: World, ...words: string[]): Promise<{ code: number; items: Line[] }> {
  const { out, code } = await runIn(world, ['notify', '--json', ...words]);
  return {
    code,
    items: out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line),
  };
}

test('a failure is told once, with its cause, an example, its log or that there is none, and what to type; then its end', async () => {
  const { port, letters } = await server('takes');
  const world = await experiment(SHIFTERS, smtpOf(port));
  await round(world);
  expect(letters).toEqual([]);
  await fail(world);
  expect(await round(world)).toMatchObject({ code: 0, items: [{ ref: 'shifters', did: 'sent' }] });
  expect(letters).toHaveLength(1);
  expect(letters[0]).toMatchObject({ to: ['shift@example.org'] });
  const { text } = letters[0]!;
  for (const words of [
    'Subject: [test] time-limit in Count: 1 subjob failed',
    'such as 1/Count/1',
    'No log',
    'Next: dflow why 1/Count/1',
    'Auto-Submitted: auto-generated',
  ])
    expect(text).toContain(words);
  expect((await round(world)).items).toEqual([]);
  await setSubjob(world, { name: 'waiting', since: world.ago(0), wake: { kind: 'ready' } });
  await round(world);
  expect(letters).toHaveLength(2);
  expect(letters[1]?.text).toContain('ENDED after');
  expect((await round(world)).items).toEqual([]);
});

test('two notifiers at once send one message', async () => {
  const { port, letters } = await server('takes');
  const world = await experiment(SHIFTERS, smtpOf(port));
  await fail(world);
  const options = { look: problemsOf, tail: tailOf };
  await Promise.all([1, 2, 3].map(() => collect(notify(world, options))));
  expect(letters).toHaveLength(1);
});

test('a dry run prints the message and sends nothing', async () => {
  const { port, letters } = await server('takes');
  const world = await experiment(SHIFTERS, smtpOf(port));
  await fail(world);
  const [item] = (await round(world, '--dry-run')).items;
  expect(item).toMatchObject({ did: 'sent', dryRun: true, message: expect.stringContaining('time-limit in Count') });
  expect(letters).toEqual([]);
  await round(world);
  expect(letters).toHaveLength(1);
});

test.each<[string, Mood | 'down', object]>([
  ['is down', 'down', UnreachableError],
  ['hangs', 'hangs', UnreachableError],
  ['wants a login', 'login', CredentialsError],
])('a mail server that %s: its exit code, and the message comes in a later round', async (_, mood, kind) => {
  const bad = await server(mood === 'down' ? 'takes' : mood);
  if (mood === 'down') await bad.close();
  const world = await experiment(SHIFTERS, smtpOf(bad.port));
  await fail(world);
  await expect(round(world)).rejects.toThrow(kind as never);
  await expect(round(world)).rejects.toThrow(kind as never);
  const good = await server('takes');
  const later = await world.configure({ more: `notify: {${SHIFTERS}}\n${smtpOf(good.port)}` });
  worlds.splice(0, 1, later);
  expect((await round(later)).items).toMatchObject([{ did: 'sent' }]);
  expect(good.letters).toHaveLength(1);
});

test('a refused address is a failed item that names it; another rule is told all the same', async () => {
  const { port } = await server('refuses');
  const world = await experiment(
    `${SHIFTERS}, pager: {on: failed, command: 'cat >> paged.jsonl', every: 0}`,
    smtpOf(port),
  );
  await fail(world);
  const { code, items } = await round(world);
  expect(code).toBe(1);
  expect(items).toMatchObject([
    { ref: 'pager', did: 'sent' },
    { ref: 'shifters', did: 'failed', text: expect.stringContaining('no such person') },
  ]);
  const lines = readFileSync(join(world.folder, 'paged.jsonl'), 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { what: 'new', trouble: 'failed', refs: ['1/Count/1'], rule: 'pager' },
  ]);
});

test('the password comes from the credentials file, and is never sent over an open line unasked', async () => {
  const { port, letters } = await server('login');
  const world = await experiment(SHIFTERS, smtpOf(port, ', user: user, tls: none'));
  const path = join(world.folder, 'credentials.yaml');
  writeFileSync(path, '127.0.0.1: {user: user, password: secret-word}\n');
  chmodSync(path, 0o600);
  process.env.DFLOW_CREDENTIALS = path;
  expect(await round(world, '--test', 'shifters')).toMatchObject({ code: 0, items: [{ did: 'sent' }] });
  expect(letters).toHaveLength(1);
  const open = await world.configure({ more: `notify: {${SHIFTERS}}\n${smtpOf(port, ', user: user')}` });
  worlds.splice(0, 1, open);
  await expect(round(open, '--test', 'shifters')).rejects.toMatchObject({
    exit: 5,
    message: expect.stringContaining('offers no TLS'),
    hint: expect.stringContaining('smtp.tls: none'),
  });
  await expect(round(open, '--test', 'shifter')).rejects.toMatchObject({ hint: 'dflow notify --test shifters' });
  expect(letters).toHaveLength(1);
});

test('values reach a command by standard input only; a command that fails is tried again', async () => {
  const world = await experiment("pager: {on: failed, command: './page.sh', every: 0}");
  world.write(
    'page.sh',
    '#!/bin/sh\n[ $# -eq 0 ] || exit 9\n[ -e ok ] || { echo "no pager" >&2; exit 3; }\ncat > got\n',
  );
  await setSubjob(world, {
    name: 'failed',
    since: world.ago(HOUR),
    failure: { ...failure, cause: '$(touch hacked)`touch hacked`' },
  });
  await expect(round(world)).rejects.toThrow('no pager');
  world.write('ok', '');
  expect((await round(world)).items).toMatchObject([{ did: 'sent' }]);
  expect(readFileSync(join(world.folder, 'got'), 'utf8')).toContain('touch hacked');
  expect(existsSync(join(world.folder, 'hacked'))).toBe(false);
});

test('rules that cannot work are mistakes of the configuration', async () => {
  const world = await experiment(SHIFTERS, smtpOf(25));
  for (const [rule, words] of [
    ['a: {on: failed}', 'neither mail nor command'],
    ['a: {on: failed, mail: x@y}', 'no mail server'],
    ['a: {on: fialed, command: x}', 'failed'],
    ['a: {on: failed, command: x, quiet: night}', 'span of hours'],
  ] as const)
    await expect(world.configure({ more: `notify: {${rule}}` }), rule).rejects.toThrow(words);
  await expect(round(await world.configure({}).then((plain) => worlds.splice(0, 1, plain) && plain))).rejects.toThrow(
    'no rule',
  );
});
