// What is a secret in an address, and that no text keeps one.
import { expect, test } from 'vitest';
import { parsePlace } from '../../../src/lib/stores/couch/server/credentials.ts';
import {
  decodeLogin,
  hide,
  hideAddress,
  hideAssigned,
  splitAddress,
  withoutSecrets,
} from '../../../src/lib/util/text/secrets.ts';

test.each([
  ['https://u:ab@CD@h.org:5984/db', 'u', 'ab@CD', 'h.org:5984', '/db'],
  ['https://u:ab/CD@h.org/db', 'u', 'ab/CD', 'h.org', '/db'],
  ['https://u:a?b@h.org/db', 'u', 'a?b', 'h.org', '/db'],
  ['https://u:a b%c@h.org/db', 'u', 'a b%c', 'h.org', '/db'],
  ['https://u:a%40b%2Fc@h.org/db', 'u', 'a@b/c', 'h.org', '/db'],
  ['https://u:p@ss/w%rd x?#@h.org:1/db', 'u', 'p@ss/w%rd x?#', 'h.org:1', '/db'],
  ['root://me@h.org:1094//data/run@3', 'me', '', 'h.org:1094', '//data/run@3'],
])('the login of %s is found whole', (url, user, password, host, path) => {
  const parts = splitAddress(url);
  expect(decodeLogin(parts?.login ?? '')).toEqual({ user, password });
  expect(parts).toMatchObject({ host, path });
});

test.each([
  'root://h.org:1094//data/run@3/x',
  'https://[::1]:5984/db',
  'davs://h/d?user=a@b.org',
  'https://h.org/a:b@c',
])('%s has no login', (url) => expect(splitAddress(url)?.login).toBeUndefined());

test('the store takes such a login', () => {
  const place = parsePlace('https://u:ab/c@d@127.0.0.1:5984/db');
  expect(place).toMatchObject({ where: 'https://127.0.0.1:5984/db', login: { user: 'u', password: 'ab/c@d' } });
});

test.each([
  ['at https://u:ab@SEC@h/db: no', 'at https://***@h/db: no'],
  [
    '{"url":"davs://u:x@SEC@h:2/d?access_token=SEC&v=1","next":"a@b"}',
    '{"url":"davs://***@h:2/d?access_token=***&v=***","next":"a@b"}',
  ],
  ['see https://h.org/a?b=SEC.', 'see https://h.org/a?b=***.'],
  ['export PGPASSWORD=SEC; run', 'export PGPASSWORD=***; run'],
  ['Authorization: Bearer SECSECSEC', 'Authorization: Bearer ***'],
  ['password: SEC', 'password: ***'],
  ['root://h:1094//data/run@3/x stays', 'root://h:1094//data/run@3/x stays'],
  ['the token file /run/token is empty', 'the token file /run/token is empty'],
  ['12 files passed=12', '12 files passed=12'],
])('%s', (text, clean) => expect(withoutSecrets(text)).toBe(clean));

test('what is known to be a secret is masked wherever it is a word, in every writing', () => {
  hide('Xy/z w');
  hideAddress('root://user:kn0wn@x@h//d?authz=Bearer%20qu3ry');
  hideAssigned('export DB_PASSWORD="assi9ned"; N=plain1');
  for (const text of ['a Xy/z w b', 'Xy%2Fz%20w', 'kn0wn@x', 'Bearer qu3ry', 'it said assi9ned'])
    expect(withoutSecrets(text)).not.toMatch(/Xy|kn0wn|qu3ry|assi9ned/);
  expect(withoutSecrets('plain1 assi9nedly')).toBe('plain1 assi9nedly');
});
