// Keys about the catalogue of the collaboration.
import * as z from 'zod/mini';
import { duration, name, text } from '../values.ts';
import { key, needed, section } from './key.ts';

const auth = z.strictObject({
  user: key(text, 'User name; the password is in the credentials file, under the host of the url.', {
    example: 'dflow',
    without: 'proxy or token',
  }),
  proxy: key(text, 'File with an X.509 proxy, or a variable that names it.', {
    example: '$X509_USER_PROXY',
    without: 'user or token',
  }),
  token: key(text, 'File with a bearer token (OIDC), or a variable that names it.', {
    example: '$BEARER_TOKEN_FILE',
    without: 'user or proxy',
  }),
});

const place = z.strictObject({
  name: needed(text, 'Name of the RSE.', 'SFU_DISK'),
  url: key(text, 'What physical names at the RSE begin with, where that is not the url of the storage element.', {
    example: 'davs://se.example.org:443/snoplus',
    without: 'the url of the storage element',
  }),
});

export const catalogue = section(
  z.strictObject({
    kind: key(name, 'Kind of catalogue.', { example: 'rucio', without: 'rucio' }),
    url: needed(text, 'Address of the server.', 'https://rucio.example.org'),
    account: needed(name, 'Account that registers files.', 'snoplus'),
    auth: needed(auth, 'How to log in: one of user, proxy and token.', '{user: dflow}'),
    scope: key(text, 'Scope of files and datasets. {experiment} and {level} stand for their names.', {
      example: "'{experiment}.{level}'",
      default: "'{experiment}'",
    }),
    rses: needed(
      z.record(name, z.union([text, place])),
      'RSE of each storage element, by the name of the storage element. A storage element without one is not registered.',
      '{sfu: SFU_DISK, ral: RAL_TAPE}',
    ),
    gate: key(z.boolean(), 'Whether jobs wait until their input files are registered.', {
      example: 'true',
      default: 'false',
    }),
    timeout: key(duration, 'Time that the server has for an answer.', { example: '5 min', default: '1 min' }),
    ca: key(text, 'File with the certificates that the server is checked against.', {
      example: '/etc/grid-security/ca.pem',
      without: 'the certificates of the system',
    }),
  }),
  'Catalogue of the collaboration (Rucio) that is told of files and copies.',
);
