// Credentials checked before anything starts: real commands, real token files.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { secondsLeft, tokenLeft } from '../../src/lib/domain/token.ts';
import { type CredentialDoc, requireCredentials } from '../../src/lib/flow/farms/credentials.ts';
import { status } from '../../src/lib/flow/reports/status/status.ts';
import { purge } from '../../src/lib/flow/steps/purge/purge.ts';
import { transfer } from '../../src/lib/flow/steps/transfer/transfer.ts';
import { verify } from '../../src/lib/flow/steps/verify/verify.ts';
import { CredentialsError, EXIT } from '../../src/lib/util/errors.ts';
import { HOUR, ms } from '../../src/lib/util/time.ts';
import { closeWorlds, collect, readRun, T0, type TestPorts, world } from '../support/ports.ts';
import type { Config } from '../support/settings.ts';
import { completeRun } from '../support/stored.ts';

const withCredentials = (credentials: NonNullable<Config['credentials']>): Promise<TestPorts> =>
  world({ now: () => ms(T0), config: { credentials } });
afterEach(closeWorlds);

const said = async (ports: TestPorts): Promise<CredentialDoc | undefined> =>
  (await ports.store.get<CredentialDoc>(['credential:buffer1'])).get('credential:buffer1');
const token = (claims: object): string =>
  `${Buffer.from('{}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2VjcmV0`;

test.each([
  ['43199\n', 43199],
  ['warning: clock\n 120 \n', 120],
  ['-1\n', -1],
  ['no proxy\n', undefined],
  ['', undefined],
])('%j prints %s seconds left', (output, left) => expect(secondsLeft(output)).toBe(left));

test('a token says when it expires; an opaque one does not', () => {
  const now = ms(T0);
  expect(tokenLeft(token({ exp: now / 1000 + 60 }), now)).toBe(60);
  expect(tokenLeft(token({ exp: now / 1000 - 60 }), now)).toBe(-60);
  expect(tokenLeft(token({ iss: 'x' }), now)).toBeUndefined();
  expect(tokenLeft('opaque', now)).toBeUndefined();
  expect(tokenLeft('a.%%%.c', now)).toBeUndefined();
});

test('good ones are silent and their end is told to other hosts', async () => {
  const ports = await withCredentials({ check: 'echo 36000' });
  expect(await collect(requireCredentials(ports))).toEqual([]);
  expect(await said(ports)).toMatchObject({ state: 'ok', expires: '2026-07-14T16:00:00.000Z', text: 'valid for 10h' });
});

test('less than is asked for: a warning, and the step goes on', async () => {
  const ports = await withCredentials({ check: 'echo 7200' });
  await completeRun(ports, 1, 1);
  const items = await collect(transfer(ports));
  expect(items[0]).toMatchObject({ kind: 'credential', did: 'unchanged', state: 'low' });
  expect(items[0]?.failed).toBeUndefined();
  expect(items.filter(({ did }) => did === 'verified')).toHaveLength(3);
  expect((await status(ports)).needYou.map(({ text }) => text)).toContainEqual(
    expect.stringContaining('credentials on buffer1'),
  );
});

test.each([
  ['expired', { check: 'echo 0' }],
  ['none: the command fails', { check: 'echo "no proxy found" >&2; exit 1' }],
  ['the command is not there', { check: '/no/such/program -timeleft' }],
  ['a failing command with an old number', { check: 'echo -5; exit 1' }],
  ['no token file', { token: '/no/such/token' }],
  ['a variable that is not set', { token: '$NOT_SET' }],
])('%s: every step stops with exit 4 and marks nothing', async (_, credentials) => {
  const ports = await withCredentials(credentials);
  await completeRun(ports, 1, 1);
  for (const step of [transfer, purge, verify]) {
    await expect(collect(step(ports))).rejects.toThrow(CredentialsError);
    await expect(collect(step(ports, { dryRun: true }))).rejects.toMatchObject({ exit: EXIT.credentials });
  }
  expect((await readRun(ports, 1)).files[0]?.replicas).toEqual({});
  expect(await said(ports)).toMatchObject({ state: 'expired' });
  expect((await status(ports)).needYou.map(({ next }) => next)).toContain(
    'log in on buffer1 and renew the credentials',
  );
});

test('renew is tried once; the token that ends first counts; no secret is shown', async () => {
  const ports = await withCredentials({});
  const file = join(ports.folder, 'token');
  await writeFile(file, `${token({ exp: ms(T0) / 1000 - 1 })}\n`);
  const fresh = token({ exp: ms(T0) / 1000 + 5 * 3600 });
  const credentials = { check: 'echo 99999', token: file, renew: `printf %s '${fresh}' > token`, warn: HOUR };
  const renewing = { ...ports, settings: { ...ports.settings, credentials } };
  expect(await collect(requireCredentials(renewing))).toEqual([]);
  expect(await said(ports)).toMatchObject({ state: 'ok', text: 'valid for 5h' });
  await writeFile(file, token({ exp: ms(T0) / 1000 - 1 }));
  const failing = { ...ports, settings: { ...ports.settings, credentials: { ...credentials, renew: 'true' } } };
  const error = await collect(requireCredentials(failing)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CredentialsError);
  expect(JSON.stringify([error, (error as Error).message, await said(ports)])).not.toContain('c2VjcmV0');
});
