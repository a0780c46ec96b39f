import { expect, test } from 'vitest';
import { certificatesIn, vomsRoles } from '../../src/lib/util/certificates.ts';

/** Made for this test; its key is nowhere. */
const PEM = `-----BEGIN CERTIFICATE-----
MIIBczCCARmgAwIBAgIUMvrQ6phcokbhaokgDEpYeMfEEFIwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjcxMDUxNTlaFw0zNjExMjQxMDUxNTla
MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATUP8aI
2mHc7406jeQRP54RrEDG57aJQx4p8DYNBE+SgoZkUOnLllGQi1LRQxCfFWYcRgI+
aXX4he5HjfvRTpn1o1MwUTAdBgNVHQ4EFgQUG8bR9UJJaYhlKyzVZK7ms+IYXnww
HwYDVR0jBBgwFoAUG8bR9UJJaYhlKyzVZK7ms+IYXnwwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiEAmf9rOD3uOKpZ6PDoAYbrxlcANbwm6/wRoS+k
FsoTN0wCIEiY24MSPDhMpPgjN7pz+QpRpUKLY2CXiqctrP8LTKQW
-----END CERTIFICATE-----
`;

test('certificates of a text, each with its end; what is none is passed over', () => {
  const bad = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  expect(certificatesIn(`text\n${bad}${PEM}`).map(({ until }) => until)).toEqual(['2036-11-24T10:51:59.000Z']);
});

test('roles of VOMS, without those that are none', () => {
  const raw = Buffer.from('\x04\x20/snoplus/Role=production/Capability=NULL\x04\x10/snoplus/Role=NULL/Capability=NULL');
  expect(vomsRoles(raw)).toEqual(['/snoplus/Role=production']);
});
