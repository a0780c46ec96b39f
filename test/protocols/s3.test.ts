// The pure parts of the s3 protocol: addresses, answers, keys, and what each refusal means.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { open } from '../../src/lib/protocols/s3/s3.ts';
import { Keys } from '../../src/lib/protocols/s3/server/keys.ts';
import { failureOf } from '../../src/lib/protocols/s3/server/meaning.ts';
import { Place } from '../../src/lib/protocols/s3/server/place.ts';
import { elements, textOf } from '../../src/lib/protocols/tools/http/xml.ts';
import { ConfigError, CredentialsError } from '../../src/lib/util/errors.ts';
import { withoutSecrets } from '../../src/lib/util/text/secrets.ts';

const settings = (url: string, options = {}) => ({
  name: 'cloud',
  protocol: 's3',
  url,
  tape: false,
  template: '{name}',
  options,
});
const place = (url: string, more: object = {}): Place => new Place(settings(url), { region: 'eu-north-1', ...more });

describe('addresses', () => {
  test('by path with an endpoint, by host at Amazon, each as it is said', () => {
    expect(place('s3://sno/raw').url('raw/a b')).toBe('https://sno.s3.eu-north-1.amazonaws.com/raw/a%20b');
    const endpoint = 'http://127.0.0.1:9000/s3/';
    expect(place('s3://sno/raw', { endpoint }).url('raw/x')).toBe('http://127.0.0.1:9000/s3/sno/raw/x');
    expect(place('s3://sno', { endpoint, style: 'host' }).url('')).toBe('http://sno.127.0.0.1:9000/s3/');
  });

  test('keys are the path below the prefix, and nothing leads out', () => {
    const raw = place('s3://sno/raw/');
    expect(raw.key('L1/a')).toBe('raw/L1/a');
    expect(raw.path('raw/L1/a')).toBe('L1/a');
    expect(raw.prefix('')).toBe('raw/');
    expect(place('s3://sno').prefix('')).toBe('');
    expect(() => raw.key('../x')).toThrow(/leads out/);
  });

  test.each([
    ['s3://KEY:secret@sno/raw', {}, /no login/],
    ['s3://sno', { endpoint: 'ftp://x' }, /not an http/],
    ['s3://sno', { endpoint: 'https://me:pw@x' }, /has a login/],
    ['s3://sno', { style: 'dns' }, /path or host/],
    ['s3://sno', { part: '1M' }, /less than 5 MB/],
    ['s3://sno', { part: 'big' }, /a size such as 5 GB/],
    ['s3://sno', { lend: '30d' }, /more than 7d/],
    ['s3://sno', { credentials: 'keys' }, /not an absolute path/],
    ['s3://sno', { credentials: '/keys', credentialsCommand: 'x' }, /not both/],
    ['s3://sno', { ca: '/none' }, /cannot be read/],
    ['s3://sno', { endpont: 'x' }, /endpont.*endpoint/],
  ])('%s %j is refused', async (url, options, why) => {
    const error = await open(settings(url, options)).then(
      () => expect.unreachable(),
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toMatch(why);
    expect(String(error)).not.toMatch(/secret|:pw/);
  });
});

describe('refusals', () => {
  const meant = (status: number, text: string, headers = {}) =>
    failureOf(
      {
        status,
        headers,
        text,
        now: Date.parse('2026-07-14T12:00:00Z'),
        region: 'a',
        bucket: 'sno',
        options: 'storage.cloud.options',
      },
      (words) => words,
    );
  test.each([
    [404, 'NoSuchKey', 'missing', false],
    [404, 'NoSuchBucket', 'down', false],
    [403, 'AccessDenied', 'denied', false],
    [403, 'SignatureDoesNotMatch', 'credentials', false],
    [403, 'RequestTimeTooSkewed', 'credentials', false],
    [400, 'ExpiredToken', 'credentials', false],
    [400, 'BadDigest', 'corrupt', false],
    [400, 'RequestTimeout', 'busy', true],
    [503, 'SlowDown', 'busy', true],
    [500, 'InternalError', 'busy', true],
    [507, 'Whatever', 'full', false],
    [501, 'NotImplemented', 'unable', false],
    [403, '', 'denied', false],
    [404, '', 'missing', false],
    [404, 'XAdminUserNotFound', 'credentials', false],
    [404, 'WhoKnows', 'failed', false],
  ])('%i %s is %s', (status, code, meaning, again) => {
    const text = code === '' ? '' : `<Error><Code>${code}</Code></Error>`;
    expect(meant(status, text)).toMatchObject({ meaning, again });
  });

  test.each([
    [403, 'AccessDenied', 'Tue, 14 Jul 2026 13:00:00 GMT', 'credentials'],
    [400, 'AccessDenied', 'Tue, 14 Jul 2026 11:00:00 GMT', 'credentials'],
    [403, 'AccessDenied', 'Tue, 14 Jul 2026 12:05:00 GMT', 'denied'],
    [404, 'NoSuchKey', 'Tue, 14 Jul 2026 13:00:00 GMT', 'missing'],
  ])('%i %s by a server at %s is %s', (status, code, date, meaning) => {
    expect(meant(status, `<Error><Code>${code}</Code></Error>`, { date })).toMatchObject({ meaning });
  });

  test('another region is named, with what to set', () => {
    expect(meant(301, '', { 'x-amz-bucket-region': 'b' })).toMatchObject({
      meaning: 'down',
      words: "wrong region: the server says 'b', the configuration 'a'",
      hint: 'set storage.cloud.options.region: b',
    });
  });
});

test('XML: prefixes, entities, empty elements', () => {
  const xml = '<D:r xmlns:D="DAV:"><D:k>a&amp;b&#10;c&#x41;</D:k><D:k/><D:k a="1"><![CDATA[<x>&]]></D:k></D:r>';
  expect(elements(xml, 'k').length).toBe(3);
  expect(textOf(xml, 'k')).toBe('a&b\ncA');
  expect(textOf('<k><![CDATA[<x>&]]></k>', 'k')).toBe('<x>&');
  expect(textOf(xml, 'none')).toBeUndefined();
});

describe('keys', () => {
  let here = '';
  beforeAll(() => {
    here = mkdtempSync(join(tmpdir(), 'dflow-keys-'));
  });
  afterAll(() => {
    rmSync(here, { recursive: true, force: true });
    vi.unstubAllEnvs();
  });

  test('of a file by section, of the environment, of a command; what they say is hidden', async () => {
    const file = join(here, 'keys');
    writeFileSync(
      file,
      '# no\n[default]\naws_access_key_id=A\naws_secret_access_key=default-secret\n[lab]\naws_access_key_id = B\naws_secret_access_key = lab-secret-9\naws_session_token = lab-token-9\n',
    );
    expect(await new Keys({ name: 'c', file }).get()).toEqual({ id: 'A', secret: 'default-secret' });
    const lab = { id: 'B', secret: 'lab-secret-9', token: 'lab-token-9' };
    expect(await new Keys({ name: 'c', file, profile: 'lab' }).get()).toEqual(lab);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'C');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'env-secret-9');
    vi.stubEnv('AWS_SESSION_TOKEN', '');
    expect(await new Keys({ name: 'c' }).get()).toEqual({ id: 'C', secret: 'env-secret-9' });
    const command = `echo '{"AccessKeyId": "D", "SecretAccessKey": "command-secret"}'`;
    expect(await new Keys({ name: 'c', command }).get()).toEqual({ id: 'D', secret: 'command-secret' });
    expect(withoutSecrets('x lab-secret-9 lab-token-9 env-secret-9 command-secret y')).toBe('x *** *** *** *** y');
  });

  test.each([
    [{ file: '/none/keys' }, /does not exist/],
    [{ command: 'echo no; echo broken token=abcdef >&2; false' }, /command failed: broken token=\*\*\*/],
    [{ command: 'echo leaked-secret' }, /printed no AccessKeyId/],
  ])('%j: none, and no secret in the words', async (options, why) => {
    const error = await new Keys({ name: 'c', ...options }).get().then(
      () => expect.unreachable(),
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(CredentialsError);
    expect(String(error)).toMatch(why);
    expect(String(error)).not.toContain('leaked-secret');
  });
});
