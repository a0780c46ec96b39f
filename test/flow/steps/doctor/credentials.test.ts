// Credentials and trust: each fault is made, and each is well once. The clock is moved, the certificates stay.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Patient } from '../../../../src/lib/flow/steps/doctor/check.ts';
import { AUTHORITY, LATE_LIST, LIST } from '../../../support/certificates.ts';
import { examined, found, patientIn } from '../../../support/patient.ts';
import { closeWorlds, type PortsOptions } from '../../../support/ports.ts';

afterEach(closeWorlds);

const NOW = Date.parse('2026-11-28T00:00:00Z');
const at = (time: string): Partial<Patient> => ({ clock: () => Date.parse(time) });

describe('trust', () => {
  async function trusting(files: Record<string, string | Buffer>, more: Partial<Patient> = {}) {
    const patient = await patientIn();
    const folder = join(patient.folder, 'trust');
    mkdirSync(folder);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return { ...patient, environment: { X509_CERT_DIR: folder }, clock: () => NOW, ...more };
  }

  const BOTH = { '0a1b2c3d.0': AUTHORITY, '0a1b2c3d.r0': LIST, 'README.txt': 'nothing' };

  test('authorities and lists that are good: until when', async () => {
    const item = await found(await trusting(BOTH), 'trust');
    expect(item.did).toBe('ok');
    expect(item.text).toContain('1 certificate authority; lists of revoked certificates are good for 6d');
  });

  test('a list in DER, with a date after 2049', async () => {
    const item = await found(await trusting({ 'a.0': AUTHORITY, 'a.r0': LATE_LIST }), 'trust');
    expect(item.did).toBe('ok');
    expect(item.text).toContain('good for more than a year');
  });

  test('every list has expired: each site is closed, and it is this host that does not fetch them', async () => {
    const item = await found(await trusting(BOTH, at('2026-12-05T00:00:00Z')), 'trust');
    expect(item).toMatchObject({ did: 'failed', text: 'expired: 1 list of revoked certificates (0a1b2c3d.r0)' });
    expect(item.next).toContain('fetch-crl');
  });

  test('one list of two has expired, or one soon will: a warning', async () => {
    const some = await found(await trusting({ ...BOTH, 'b.r0': LATE_LIST }, at('2026-12-05T00:00:00Z')), 'trust');
    expect(some.did).toBe('warning');
    const soon = await found(await trusting(BOTH, at('2026-12-04T00:00:00Z')), 'trust');
    expect(soon).toMatchObject({ did: 'warning' });
    expect(soon.text).toContain('will expire, the first in 11h');
  });

  test('an authority that has expired', async () => {
    const items = await examined(await trusting({ 'a.0': AUTHORITY }, at('2037-01-01T00:00:00Z')), ['trust']);
    expect(items).toMatchObject([{ did: 'failed', text: 'expired: 1 certificate authority (a.0)' }]);
  });

  test('no authority, and no folder', async () => {
    expect(await found(await trusting({}), 'trust')).toMatchObject({ did: 'failed' });
    const patient = await trusting(BOTH, { environment: { X509_CERT_DIR: '/nowhere' } });
    expect((await found(patient, 'trust')).text).toBe('X509_CERT_DIR names /nowhere, which is not a folder');
  });

  test('nothing to say where nothing uses X.509', async () => {
    expect(await examined(await trusting(BOTH, { environment: {} }), ['trust'])).toEqual([]);
  });
});

describe('the proxy', () => {
  async function withProxy(more: Partial<Patient> = {}) {
    const patient = await patientIn({}, more);
    const path = join(patient.folder, 'x509up');
    writeFileSync(path, AUTHORITY);
    return { ...patient, usualProxy: path, clock: () => NOW, ...more };
  }

  test('in its usual place, where no variable names it', async () => {
    const item = await found(await withProxy(), 'credentials/proxy');
    expect(item.did).toBe('ok');
    expect(item.text).toContain('x509up: valid for more than a year');
  });

  test('one that has expired', async () => {
    const item = await found(await withProxy(at('2036-11-25T11:13:14Z')), 'credentials/proxy');
    expect(item).toMatchObject({ did: 'failed' });
    expect(item.text).toContain('expired 24h ago');
  });

  test('none: a warning where a storage element may ask for one, else nothing', async () => {
    const patient = await patientIn();
    expect((await examined(patient, ['credentials'])).map(({ subject }) => subject)).toEqual(['host certificate']);
    const item = await found({ ...patient, x509: ['fnal'] }, 'credentials/proxy');
    expect(item).toMatchObject({ did: 'warning' });
    expect(item.text).toContain('fnal may ask for one');
  });

  test('the one of X509_USER_PROXY is taken instead, and must be there', async () => {
    const item = await found(await withProxy({ environment: { X509_USER_PROXY: '/nowhere/x' } }), 'credentials/proxy');
    expect(item).toMatchObject({ did: 'failed', text: '/nowhere/x cannot be read' });
  });
});

describe('command and token', () => {
  const configured = (credentials: object): PortsOptions => ({ config: { credentials } as never });

  test('seconds that are left, few of them, none of them, no number', async () => {
    const say = async (text: string) =>
      found(await patientIn(configured({ check: text, warn: '12h' })), 'credentials/command');
    expect((await say('echo 90000')).did).toBe('ok');
    expect((await say('echo 3600')).did).toBe('warning');
    expect((await say('echo 0')).did).toBe('failed');
    expect((await say('echo none')).text).toContain('does not print the seconds');
  });

  test('a token that is empty', async () => {
    const patient = await patientIn(configured({ token: 'token.jwt' }));
    writeFileSync(join(patient.folder, 'token.jwt'), '\n');
    expect((await found(patient, 'credentials/token')).text).toContain('is empty');
  });

  test('a pipe instead of a token does not keep anybody waiting', async () => {
    const patient = await patientIn(configured({ token: '/dev/null' }));
    expect((await found(patient, 'credentials/token')).did).toBe('failed');
  });
});
