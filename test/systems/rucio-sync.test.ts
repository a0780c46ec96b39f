// catalogue sync and verify --catalogue on a real Rucio server: what is told, faults of the server, and 200 differences.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { open as openRucio } from '../../src/lib/catalogues/rucio/rucio.ts';
import { catalogueId } from '../../src/lib/domain/catalogue/health.ts';
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import { dataId, runPad } from '../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { CredentialsError } from '../../src/lib/util/errors.ts';
import { views } from '../../src/lib/views/index.ts';
import { adler32 } from '../contracts/storage.ts';
import { RucioExperiment, STORAGES, tally } from './rucio-experiment.ts';
import { FNAL, Gate, PASSWORD, PREFIX, Rucio } from './rucio-world.ts';

let server: Rucio;
let gate: Gate;
let one: RucioExperiment;
/** Each test has runs of its own. */
let run = 1000;
beforeAll(async () => {
  server = await Rucio.start();
  gate = await Gate.start(server);
}, 300_000);
afterAll(async () => {
  await gate?.close();
  server?.remove();
});
beforeEach(async () => {
  run += 1000;
  gate.guard = () => undefined;
  one = await RucioExperiment.make(gate.url);
});
afterEach(() => one?.remove());

/** Every copy of the runs is in Rucio as the bytes on disk are, by Rucio's own word and our own sums. */
async function expectTold(first: number, count: number): Promise<number> {
  const files = await server.files();
  let copies = 0;
  for (let at = first; at < first + count; at++) {
    const doc = await one.doc<DataDoc>(dataId('L1', at));
    for (const file of doc.files) {
      const there = files.get(file.name);
      for (const [storage, replica] of Object.entries(file.replicas)) {
        if (!('path' in replica)) continue;
        const bytes = one.read(storage, replica.path);
        expect(there, file.name).toMatchObject({
          bytes: bytes.length,
          adler32: adler32(bytes),
          guid: file.guid.replaceAll('-', ''),
        });
        expect(there?.states[storage.toUpperCase()]).toBe('AVAILABLE');
        copies++;
      }
    }
  }
  return copies;
}

const pending = async (): Promise<number> =>
  (await one.ports.store.count(views.catalogue, 2)).reduce((sum, { value }) => sum + value, 0);

describe('what is told', () => {
  test('raw files, datasets with the run, closed and pinned; then nothing more', async () => {
    await one.runs(run, 3, 4);
    const foretold = await one.sync({ dryRun: true });
    expect(tally(foretold)).toEqual({ registered: 6, closed: 3, pinned: 6 });
    expect((await server.files()).has(`SNOP_${runPad(run)}_000.zdab`)).toBe(false);
    expect(tally(await one.sync())).toEqual({ registered: 6, closed: 3, pinned: 6 });
    expect(await expectTold(run, 3)).toBe(24);
    const [set] = await server.rest('GET', `/dids/snoplus/L1.r${runPad(run)}/meta`);
    expect(set).toMatchObject({ run_number: run, is_open: false });
    const inside = await server.rest('GET', `/dids/snoplus/L1.r${runPad(run)}/dids`);
    expect(inside).toHaveLength(4);
    const rules = await server.rest('GET', `/dids/snoplus/L1.r${runPad(run)}/rules`);
    expect(rules.map((rule) => (rule as { rse_expression: string }).rse_expression).sort()).toEqual(['FNAL', 'SFU']);
    expect(await pending()).toBe(0);
    const before = gate.lines.length;
    expect(await one.sync()).toEqual([]);
    expect(gate.lines.length).toBe(before);
  });

  test('outputs: a dataset for each type of a pass; deleted ones end the pin', async () => {
    const id = await one.pass(run);
    expect(tally(await one.sync())).toEqual({ registered: 1, closed: 2, pinned: 2 });
    const name = `Analysis.r${runPad(run)}.p001.ntuple`;
    const [meta] = await server.rest('GET', `/dids/snoplus/${name}/meta`);
    expect(meta).toMatchObject({ run_number: run, is_open: false });
    await one.change<JobDoc>(id, (job) => ({
      ...job,
      state: 'deleted',
      subjobs: job.subjobs.map((subjob) => ({ ...subjob, state: { name: 'deleted', since: job.since, receipt: 'r' } })),
    }));
    expect(tally(await one.sync())).toEqual({ withdrawn: 1 });
    const [rule] = await server.rest('GET', `/dids/snoplus/${name}/rules`);
    expect((rule as { expires_at: string | null }).expires_at).not.toBeNull();
    expect((await one.doc<JobDoc>(id)).catalogue).toMatchObject({ copies: {} });
    expect(await pending()).toBe(0);
  });

  test('a bad copy is declared bad, and good again when it was repaired', async () => {
    await one.runs(run, 1, 2);
    await one.sync();
    const id = dataId('L1', run);
    const set = (state: 'bad' | 'verified') =>
      one.change<DataDoc>(id, (doc) => ({
        ...doc,
        files: doc.files.map((file, at) => {
          const path = (file.replicas.sfu as { path: string }).path;
          const since = doc.files[0]!.registered;
          const sfu =
            state === 'bad'
              ? { state, attempt: 1, path, since, why: 'adler32 differs' }
              : { state, attempt: 2, path, since, checkedAt: since };
          return at === 0 ? { ...file, replicas: { ...file.replicas, sfu } } : file;
        }),
      }));
    const states = async () => (await server.files()).get(`SNOP_${runPad(run)}_000.zdab`)?.states;
    await set('bad');
    expect(tally(await one.sync())).toEqual({ withdrawn: 1 });
    expect(await states()).toEqual({ SFU: 'BAD', FNAL: 'AVAILABLE' });
    await set('verified');
    expect(tally(await one.sync())).toEqual({ registered: 1 });
    expect(await states()).toEqual({ SFU: 'AVAILABLE', FNAL: 'AVAILABLE' });
  });

  test('a late file goes into a dataset of its own', async () => {
    await one.runs(run, 1, 2);
    await one.sync();
    const late = one.file(run, 2, STORAGES, true);
    await one.change<DataDoc>(dataId('L1', run), (doc) => ({ ...doc, files: [...doc.files, late] }));
    expect(tally(await one.sync())).toEqual({ registered: 2 });
    expect(await server.rest('GET', `/dids/snoplus/L1.r${runPad(run)}.late/dids`)).toHaveLength(1);
    expect(await server.rest('GET', `/dids/snoplus/L1.r${runPad(run)}/dids`)).toHaveLength(2);
    expect(await pending()).toBe(0);
  });
});

describe('what is there already', () => {
  const plant = (name: string, more: object, rse = 'SFU') =>
    server.rest('POST', '/replicas', {
      ...{ rse, ignore_availability: true },
      files: [
        {
          scope: 'snoplus',
          name,
          bytes: 1,
          adler32: 'deadbeef',
          pfn: `${rse === 'SFU' ? PREFIX : FNAL}/else/${name}`,
          ...more,
        },
      ],
    });

  test('a DID with other metadata is refused by name, the others are told; repair registers it under another name', async () => {
    await one.runs(run, 1, 3);
    const name = `SNOP_${runPad(run)}_001.zdab`;
    await plant(name, {});
    const items = await one.sync();
    const refused = items.filter(({ did }) => did === 'refused');
    expect(refused).toHaveLength(2);
    expect(refused[0]?.text).toMatch(/the catalogue has size 1, dflow has \d+/);
    expect(tally(items)).toEqual({ registered: 2, refused: 2 });
    expect((await server.files()).get(name)).toMatchObject({ bytes: 1, states: { SFU: 'AVAILABLE' } });
    expect((await one.doc<DataDoc>(dataId('L1', run))).catalogue?.refused?.[name]?.why).toContain('size');
    // It stays due, and is said again.
    expect(tally(await one.sync())).toEqual({ refused: 2 });
    const repaired = await one.verify({ repair: true, runs: (at) => at === run });
    expect(tally(repaired)).toMatchObject({ differs: expect.any(Number), repaired: expect.any(Number) });
    expect(tally(repaired).kept).toBeUndefined();
    await one.sync();
    const doc = await one.doc<DataDoc>(dataId('L1', run));
    const other = doc.catalogue?.names?.[name] ?? '';
    expect((await server.files()).get(other)).toMatchObject({
      bytes: doc.files[1]!.size,
      states: { SFU: 'AVAILABLE', FNAL: 'AVAILABLE' },
    });
    expect(await pending()).toBe(0);
    expect(tally(await one.verify({ runs: (at) => at === run }))).toEqual({ checked: 1 });
  });

  test('a scope that is missing, and an RSE that is missing, are said with what to do; nothing is lost', async () => {
    await one.runs(run, 1, 2);
    await one.open(gate.url, 'gate: false');
    const file = join(one.folder, 'dflow.yaml');
    const text = readFileSync(file, 'utf8');
    for (const [from, to, hint] of [
      ['scope: snoplus', 'scope: nobody', 'rucio scope add'],
      ['name: SFU', 'name: NOWHERE', 'catalogue.rses'],
    ] as const) {
      writeFileSync(file, text.replace(from, to));
      const { load } = await import('../../src/lib/cli/config/load.ts');
      const { openPorts, hostOf } = await import('../../src/lib/cli/ports.ts');
      await one.ports.close();
      one.ports = await openPorts((await load({ cwd: one.folder, env: {}, host: hostOf() })).settings, {
        write: true,
        command: 'test',
      });
      const items = await one.sync();
      expect(
        items.some(({ failed, next }) => failed && next?.includes(hint)),
        JSON.stringify(items),
      ).toBe(true);
    }
    writeFileSync(file, text);
    await one.open(gate.url);
    await one.sync();
    expect(await expectTold(run, 1)).toBe(4);
  });
});

describe('faults of the server', () => {
  test('away: one item, exit 5, since when; nothing is lost', async () => {
    await one.runs(run, 2, 2);
    gate.guard = () => 'cut';
    const items = await one.sync();
    expect(items).toMatchObject([{ did: 'unreachable', failed: true, unreachable: true }]);
    const doc = await one.doc(catalogueId('rucio'));
    expect(doc).toMatchObject({ away: { why: expect.stringContaining('Rucio cannot be reached') } });
    const since = (doc as unknown as { away: { since: string } }).away.since;
    await one.sync();
    expect(await one.doc(catalogueId('rucio'))).toMatchObject({ away: { since } });
    gate.guard = () => undefined;
    await one.sync();
    expect(await one.doc(catalogueId('rucio'))).not.toHaveProperty('away');
    expect(await expectTold(run, 2)).toBe(8);
  });

  test.each([500, 502, 503])('%d for a while is borne or said, and told in the end', async (status) => {
    await one.runs(run, 1, 2);
    let left = 4;
    gate.guard = ({ url }) => (url.startsWith('/replicas') && left-- > 0 ? { status } : undefined);
    for (let tries = 0; tries < 5 && (await pending()) > 0; tries++) {
      const items = await one.sync();
      for (const { failed, did } of items) expect(failed !== true || did === 'unreachable').toBe(true);
    }
    expect(await pending()).toBe(0);
    expect(await expectTold(run, 1)).toBe(4);
  });

  test('cut in the middle of each kind of request: told once, whole', async () => {
    await one.runs(run, 2, 3);
    for (const part of ['/dids/bulkmeta', '/replicas', '/dids/attachments', '/status', '/rules']) {
      let cuts = 2;
      gate.guard = ({ url }) => (url.includes(part) && cuts-- > 0 ? 'cut' : undefined);
      await one.sync();
    }
    gate.guard = () => undefined;
    await one.sync();
    expect(await pending()).toBe(0);
    expect(await expectTold(run, 2)).toBe(12);
    expect(tally(await one.verify({ runs: (at) => at >= run }))).toEqual({ checked: 1 });
  });

  test('slow, but within its time', async () => {
    await one.runs(run, 1, 1);
    gate.guard = () => ({ wait: 300 });
    expect(tally(await one.sync())).toEqual({ registered: 2, closed: 1, pinned: 2 });
  });

  test('a server that is silent for longer than its time is away', async () => {
    await one.open(gate.url, '');
    const catalogue = await openRucio(
      { ...server.settings(), url: gate.url, timeout: 1_000 },
      { login: () => ({ user: 'shifter', password: PASSWORD }) },
    );
    gate.guard = () => ({ wait: 60_000 });
    await expect(catalogue.look([{ scope: 'snoplus', name: 'a' }])).rejects.toThrow('Rucio cannot be reached');
    await catalogue.end();
  });

  test('a token that ends, or is refused, is renewed; a clock that is wrong by hours changes nothing', async () => {
    await one.runs(run, 2, 2);
    let refusals = 3;
    gate.guard = ({ url }) => {
      if (url.startsWith('/auth/')) return { headers: { date: new Date(Date.now() + 7 * 3_600_000).toUTCString() } };
      return refusals-- > 0 && refusals % 2 === 0
        ? { status: 401, headers: { ExceptionClass: 'CannotAuthenticate', ExceptionMessage: 'token expired' } }
        : undefined;
    };
    await one.sync();
    gate.guard = () => undefined;
    await one.sync();
    expect(await expectTold(run, 2)).toBe(8);
    let now = 0;
    const catalogue = await server.catalogue();
    await catalogue.end();
    const clocked = await openRucio(server.settings({ url: gate.url }), {
      login: () => ({ user: 'shifter', password: PASSWORD }),
      clock: () => now,
    });
    const logins = () => gate.lines.filter((line) => line.includes('/auth/')).length;
    await clocked.look([{ scope: 'snoplus', name: 'a' }]);
    const first = logins();
    await clocked.look([{ scope: 'snoplus', name: 'a' }]);
    expect(logins()).toBe(first);
    now = 3_600_000 - 30_000;
    await clocked.look([{ scope: 'snoplus', name: 'a' }]);
    expect(logins()).toBe(first + 1);
    await clocked.end();
  });

  test('a wrong password ends the call with an error of credentials', async () => {
    await one.runs(run, 1, 1);
    writeFileSync(process.env.DFLOW_CREDENTIALS!, `127.0.0.1: {user: shifter, password: not-the-password}\n`, {
      mode: 0o600,
    });
    await expect(one.sync()).rejects.toThrow(CredentialsError);
    expect(await one.doc(catalogueId('rucio'))).toMatchObject({
      away: { why: expect.stringContaining('refuses the login') },
    });
  });

  test('secrets are in no address, document, item or error', async () => {
    await one.runs(run, 1, 1);
    const token = await server.login();
    const items = [...(await one.sync())];
    gate.guard = () => ({ status: 500, headers: { ExceptionClass: 'AccessDenied', ExceptionMessage: 'no' } });
    await one.runs(run + 1, 1, 1);
    items.push(...(await one.sync()));
    const docs = await one.ports.store.range({ start: '', end: '\uffff' });
    const text = JSON.stringify([items, docs, gate.lines]);
    for (const secret of [PASSWORD, token]) expect(text).not.toContain(secret);
  });

  test('an X.509 proxy over TLS, and a token from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dflow-rucio-tls-'));
    const ssl = (...words: string[]): void => void execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
    const make = (name: string, subject: string, more: string[] = []): void => {
      ssl(
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
        '-days',
        '2',
        '-subj',
        subject,
        ...more,
      );
    };
    make('server', '/CN=localhost', ['-addext', 'subjectAltName=IP:127.0.0.1']);
    make('client', '/CN=dflow test');
    const read = (name: string): Buffer => readFileSync(join(folder, name));
    writeFileSync(join(folder, 'proxy'), Buffer.concat([read('client.pem'), read('client.key')]), { mode: 0o600 });
    writeFileSync(join(folder, 'token'), `${await server.login()}\n`, { mode: 0o600 });
    const tls = await Gate.start(server, { key: read('server.key'), cert: read('server.pem'), ca: read('client.pem') });
    const none = { login: () => ({ user: '', password: '' }) };
    try {
      const url = `https://127.0.0.1:${tls.port}`;
      const ca = join(folder, 'server.pem');
      for (const auth of [
        { by: 'proxy', path: join(folder, 'proxy') },
        { by: 'token', path: join(folder, 'token') },
      ] as const) {
        const catalogue = await openRucio(server.settings({ url, ca, auth }), none);
        const found = [];
        for await (const { subject, ok } of catalogue.probe(['snoplus'], ['SFU'])) found.push(`${subject} ${ok}`);
        expect(found).toEqual(['login true', 'scope snoplus true', 'place SFU true']);
        await catalogue.end();
      }
      // What is renewed in its file is read when the token ends.
      let now = 0;
      const clocked = (by: 'proxy' | 'token') =>
        openRucio(server.settings({ url, ca, auth: { by, path: join(folder, by) } }), { ...none, clock: () => now });
      make('other', '/CN=somebody else');
      for (const [by, wrong] of [
        ['proxy', Buffer.concat([read('other.pem'), read('other.key')])],
        ['token', 'root-nobody-unknown-0000'],
      ] as const) {
        const right = read(by);
        const catalogue = await clocked(by);
        const look = () => catalogue.look([{ scope: 'snoplus', name: 'a' }]);
        await look();
        writeFileSync(join(folder, by), wrong);
        await look();
        now += 2 * 3_600_000;
        await expect(look()).rejects.toThrow(CredentialsError);
        writeFileSync(join(folder, by), right);
        await look();
        await catalogue.end();
      }
      const missing = await openRucio(server.settings({ auth: { by: 'token', path: join(folder, 'nothing') } }), none);
      await expect(missing.look([{ scope: 'snoplus', name: 'a' }])).rejects.toThrow(CredentialsError);
      await missing.end();
    } finally {
      await tls.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('verify --catalogue', () => {
  /** Differences of each kind. */
  const EACH = Number(process.env.DFLOW_RUCIO_DIFFERENCES ?? 16) / 8;

  test('planted differences, of eight kinds: all found, all repaired', async () => {
    const kinds = 8;
    await one.runs(run, EACH * kinds, 2, ['sfu']);
    await one.sync();
    const name = (kind: number, at: number, subrun = 0): string =>
      `SNOP_${runPad(run + kind * EACH + at)}_00${subrun}.zdab`;
    const each = Array.from({ length: EACH }, (_, at) => at);
    const docOf = (kind: number, at: number): string => dataId('L1', run + kind * EACH + at);
    const fields = async (kind: number, at: number) => (await one.doc<DataDoc>(docOf(kind, at))).files[0]!;
    const copy = async (kind: number, at: number, rse: 'SFU' | 'FNAL', more: object = {}) => {
      const { size, adler32: sum, guid } = await fields(kind, at);
      const path = (await fields(kind, at)).replicas.sfu as { path: string };
      const pfn = `${rse === 'SFU' ? PREFIX : FNAL}/${path.path}`;
      return {
        scope: 'snoplus',
        name: name(kind, at),
        bytes: size,
        adler32: sum,
        pfn,
        meta: { guid: guid.replaceAll('-', '') },
        ...more,
      };
    };
    // Said of a fresh run that Rucio never heard of: missing there.
    await one.runs(run + 500, EACH, 1, ['sfu']);
    for (const at of each)
      await one.change<DataDoc>(dataId('L1', run + 500 + at), (doc) => {
        const [file] = doc.files;
        return {
          ...doc,
          catalogue: { copies: { sfu: { L1: { [file!.name]: (file!.replicas.sfu as { path: string }).path } } } },
        };
      });
    // Size and checksum: the documents say so of a file whose DID has other numbers.
    await one.runs(run + 600, EACH, 1, ['sfu']);
    await one.runs(run + 700, EACH, 1, ['sfu']);
    const plant = async (first: number, at: number, more: object): Promise<void> => {
      const doc = await one.doc<DataDoc>(dataId('L1', first + at));
      const [file] = doc.files;
      const path = (file!.replicas.sfu as { path: string }).path;
      const guid = file!.guid.replaceAll('-', '');
      const base = {
        scope: 'snoplus',
        name: file!.name,
        bytes: file!.size,
        adler32: file!.adler32,
        pfn: `${PREFIX}/${path}`,
        meta: { guid },
      };
      await server.rest('POST', '/replicas', { rse: 'SFU', ignore_availability: true, files: [{ ...base, ...more }] });
      await one.change<DataDoc>(doc._id, (now) => ({
        ...now,
        catalogue: { copies: { sfu: { L1: { [file!.name]: path } } } },
      }));
    };
    for (const at of each) await plant(run + 600, at, { bytes: 999 });
    for (const at of each) await plant(run + 700, at, { adler32: '01020304' });
    // Path: its physical name there is another.
    await one.runs(run + 800, EACH, 1, ['sfu']);
    for (const at of each) await plant(run + 800, at, { pfn: `${PREFIX}/elsewhere/${run + 800 + at}` });
    for (const at of each) {
      await server.rest('POST', `/dids/snoplus/${name(0, at)}/meta`, { meta: { guid: `${'0'.repeat(31)}1` } });
      await server.rest('POST', '/replicas/bad', {
        replicas: [{ scope: 'snoplus', name: name(1, at), rse: 'SFU' }],
        reason: 'planted',
      });
      // Missing here: a copy at FNAL, whose bytes are there or are not.
      const there = await copy(2, at, 'FNAL');
      await server.rest('POST', '/replicas', { rse: 'FNAL', ignore_availability: true, files: [there] });
      const { replicas } = await fields(2, at);
      const { path } = replicas.sfu as { path: string };
      one.write('fnal', path, one.read('sfu', path));
      await server.rest('POST', '/replicas', {
        rse: 'FNAL',
        ignore_availability: true,
        files: [await copy(3, at, 'FNAL')],
      });
    }
    const planted = EACH * 8;
    const found = await one.verify();
    const ways = new Map<string, number>();
    for (const item of found)
      if (item.did === 'differs' && item.kind === 'catalogue' && item.run !== undefined && item.run >= run)
        ways.set(item.difference ?? '', (ways.get(item.difference ?? '') ?? 0) + 1);
    expect(Object.fromEntries(ways)).toEqual({
      ...{
        guid: EACH,
        state: EACH,
        'missing here': 2 * EACH,
        'missing there': EACH,
        size: EACH,
        checksum: EACH,
        path: EACH,
      },
    });
    expect([...ways.values()].reduce((sum, count) => sum + count, 0)).toBe(planted);
    const repaired = await one.verify({ repair: true, runs: (at) => at >= run });
    expect(repaired.filter(({ did }) => did === 'kept')).toEqual([]);
    expect(tally(repaired)).toMatchObject({ differs: planted, repaired: planted });
    expect(tally(await one.verify({ runs: (at) => at >= run }))).toEqual({ checked: 1 });
    const adopted = await one.doc<DataDoc>(docOf(2, 0));
    expect(adopted.files[0]?.replicas.fnal).toMatchObject({ state: 'verified' });
    expect((await one.doc<DataDoc>(docOf(3, 0))).files[0]?.replicas.fnal).toBeUndefined();
    console.log(`${planted} differences planted, found and repaired`);
  }, 600_000);

  test('a file that dflow does not know is named; what is not there is declared bad, what is there is left alone', async () => {
    const files = ['stranger-here', 'stranger-gone'].map((name) => ({ scope: 'snoplus', name: `${name}${run}` }));
    for (const { scope, name } of files)
      await server.rest('POST', '/replicas', {
        ...{ rse: 'SFU', ignore_availability: true },
        files: [{ scope, name, bytes: 3, adler32: adler32(Buffer.from('abc')), pfn: `${PREFIX}/x/${name}` }],
      });
    one.write('sfu', `x/stranger-here${run}`, Buffer.from('abc'));
    const items = (await one.verify({ repair: true })).filter(
      ({ ref }) => ref.includes(`stranger`) && ref.includes(String(run)),
    );
    expect(items.map(({ ref, did }) => `${ref.replace(String(run), '')} ${did}`).sort()).toEqual([
      'snoplus:stranger-gone differs',
      'snoplus:stranger-gone repaired',
      'snoplus:stranger-here differs',
      'snoplus:stranger-here kept',
    ]);
    const states = await server.files();
    expect(states.get(`stranger-here${run}`)?.states).toEqual({ SFU: 'AVAILABLE' });
    expect(states.get(`stranger-gone${run}`)?.states).toEqual({ SFU: 'BAD' });
  });
});
