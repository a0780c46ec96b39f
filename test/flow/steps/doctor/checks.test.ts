// Each check of doctor: the fault is made, and it is well once. Faults lie in real ports, in front of what they break.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Backend, Status } from '../../../../src/lib/backend.ts';
import type { Patient } from '../../../../src/lib/flow/steps/doctor/check.ts';
import type { Replication } from '../../../../src/lib/store.ts';
import { ReadOnlyStoreError, UsageError } from '../../../../src/lib/util/errors.ts';
import { iso } from '../../../../src/lib/util/time.ts';
import { examined, found, patientIn, withStore } from '../../../support/patient.ts';
import { closeWorlds, replacing } from '../../../support/ports.ts';

afterEach(closeWorlds);

describe('store', () => {
  test('views: current; missing; far behind', async () => {
    const patient = await patientIn();
    expect(await found(patient, 'views')).toMatchObject({ did: 'ok', text: 'current' });
    const missing = withStore(patient, {
      view: () => Promise.reject(new UsageError('this version has no views', { hint: 'dflow store deploy' })),
    });
    expect(await found(missing, 'views')).toMatchObject({ did: 'failed', next: 'dflow store deploy' });
    const index = async () => ({ bytes: 1000, pending: 20_000 });
    const behind = withStore(patient, { keeping: { index, deploy: () => ({}) as never } });
    expect(await found(behind, 'views')).toMatchObject({ did: 'warning' });
  });

  test('conflicts: none; each is named', async () => {
    const patient = await patientIn();
    expect(await found(patient, 'conflicts')).toMatchObject({ did: 'ok' });
    const rows = ['a', 'b', 'c', 'd'].map((id) => ({ id, key: ['conflict'], value: null }));
    const item = await found(withStore(patient, { view: async () => rows as never }), 'conflicts');
    expect(item).toMatchObject({ did: 'failed', text: 'frozen by conflicts: a, b, c and 1 more' });
  });

  test('integrity: whole; a damaged page', async () => {
    const patient = await patientIn();
    expect(await found(patient, 'integrity')).toMatchObject({ did: 'ok' });
    const check = async () => [{ text: 'page 3 is damaged', next: 'dflow store restore' }];
    const item = await found(withStore(patient, { check }), 'integrity');
    expect(item).toMatchObject({ did: 'failed', text: 'page 3 is damaged', next: 'dflow store restore' });
  });

  test('rights: may write; may read only', async () => {
    const patient = await patientIn();
    expect(await found(patient, 'store/rights')).toMatchObject({ did: 'ok' });
    const reader = withStore(patient, { update: () => Promise.reject(new ReadOnlyStoreError('carol may only read')) });
    expect(await found(reader, 'store/rights')).toMatchObject({ did: 'failed', text: 'carol may only read' });
  });

  test('replication: copied, behind, broken; nobody may look; a store that has none', async () => {
    const patient = await patientIn();
    expect(await examined(patient, ['replication'])).toEqual([]);
    const one: Replication = { id: '1', source: 'a', target: 'b', continuous: true, state: 'running', lag: 3 };
    const told = (list: readonly Replication[] | undefined) =>
      examined(withStore(patient, { replication: { list: async () => list } as never }), ['replication']);
    expect(await told([one])).toMatchObject([{ did: 'ok', ref: 'replication/b' }]);
    expect(await told([{ ...one, lag: 12_000 }])).toMatchObject([
      { did: 'warning', text: 'from a: running (continuous), 12000 changes to go' },
    ]);
    const [broken] = await told([{ ...one, state: 'crashing', error: 'unauthorized' }]);
    expect(broken).toMatchObject({ did: 'failed' });
    expect(broken?.next).toContain('dflow store replicate b --continuous');
    expect(await told(undefined)).toMatchObject([{ did: 'not-checked' }]);
  });
});

describe('host', () => {
  test.each([
    [0, 'ok', "within 5 s of the store's clock"],
    [-20_000, 'warning', "20s behind the store's clock"],
    [600_000, 'failed', "10m ahead of the store's clock"],
  ])('a clock that is %d ms off', async (off, did, text) => {
    const patient = await patientIn({ now: () => 1_800_000_000_000 }, { clock: () => 1_800_000_000_000 + off });
    expect(await found(patient, 'clock')).toMatchObject({ did, text });
  });

  test('a folder that takes no bytes; one that is not there', async () => {
    const patient = await patientIn();
    const full = { ...patient, environment: { TMPDIR: '/proc' } };
    expect((await found(patient, `disks/${patient.settings.folder}`)).text).toContain('for logs and state');
    expect((await found(full, 'disks//proc')).did).toBe('failed');
    const gone = { ...patient, environment: { TMPDIR: '/nowhere' } };
    expect(await found(gone, 'disks//nowhere')).toMatchObject({ did: 'not-checked' });
  });

  test('the disk of a server of the store: nobody tells', async () => {
    const patient = await patientIn();
    const settings = { ...patient.settings, store: 'http://db/dflow' };
    const item = await found({ ...patient, settings }, "disks/store's server");
    expect(item).toMatchObject({ did: 'not-checked' });
    expect(item.next).toContain('df -h');
  });

  test('a program that is there, one that is not on PATH, one that lacks a module', async () => {
    const tool = { users: ['farm here'], install: 'install it' };
    const tools = [
      { ...tool, program: 'sh', version: 'echo 1.2.3' },
      { ...tool, program: 'no-such-program', version: 'true' },
      { ...tool, program: 'cat', version: 'echo "ModuleNotFoundError: gfal2"' },
    ];
    const items = await examined(await patientIn({}, { tools }), ['tools']);
    expect(items.map(({ subject, did }) => [subject, did])).toEqual([
      ['cat', 'failed'],
      ['no-such-program', 'failed'],
      ['node', 'ok'],
      ['sh', 'ok'],
    ]);
    expect(items[1]).toMatchObject({ text: 'not on PATH; farm here needs it', next: 'install it' });
    expect(items[3]?.text).toContain('1.2.3');
  });
});

describe('configuration', () => {
  test('drift: no other host; the same settings; others; a dflow that does not say', async () => {
    const patient = await patientIn();
    expect((await found(patient, 'drift')).did).toBe('ok');
    const { settingHashes } = await import('../../../../src/lib/flow/farms/settinghashes.ts');
    const same = settingHashes(patient.settings, patient.host);
    const loop = (host: string, settings: unknown) => ({ host, at: iso(Date.now()), settings }) as never;
    const docs = [loop('one', same), loop('two', { ...same, storages: '0' }), loop('old', undefined)];
    const items = await examined(withStore(patient, { range: async () => docs }), ['drift']);
    expect(items.map(({ subject, did, text }) => [subject, did, text])).toEqual([
      ['old', 'not-checked', 'old runs a dflow that does not say its settings'],
      ['one', 'ok', 'the same settings'],
      ['two', 'warning', 'other settings than this host: storages'],
    ]);
  });

  test('hosts: one of them; not one of them; one whose loops are all off', async () => {
    const hosts = (host: string, on = true) =>
      patientIn({
        config: { hosts: { [host]: { loops: [on ? 'transfer' : { step: 'transfer', on: false }] } } } as never,
      });
    expect(await found(await hosts('buffer1'), 'hosts')).toMatchObject({ did: 'ok' });
    expect(await found(await hosts('login9'), 'hosts')).toMatchObject({ did: 'warning' });
  });
});

describe('buffer', () => {
  const filled = async (free: number): Promise<Patient> => {
    const patient = await patientIn();
    const buffer = await patient.buffer('L1');
    const space = async () => ({ total: 1000, free });
    return { ...patient, buffer: async () => replacing(buffer, { space }), files: { ...patient.files, space } };
  };

  test.each([
    [500, 'ok'],
    [60, 'warning'],
    [10, 'failed'],
  ])('%d of 1000 bytes are free', async (free, did) => {
    expect(await found(await filled(free), 'buffer/L1')).toMatchObject({ did });
  });

  test('a folder that is not here', async () => {
    const patient = await patientIn();
    rmSync(join(patient.folder, 'buffer/L1'), { recursive: true });
    expect(await found(patient, 'buffer/L1')).toMatchObject({ did: 'not-checked' });
    expect(await found(patient, 'folders/buffer L1')).toMatchObject({ did: 'failed' });
  });
});

describe('storage', () => {
  test('well: written, compared, read and removed', async () => {
    const item = await found(await patientIn(), 'storage/sfu');
    expect(item.text).toContain('written, compared, read and removed');
  });

  test('wrong bytes, a wrong checksum, little space', async () => {
    const broken = async (calls: object) =>
      found(await patientIn({ wrap: (storage) => replacing(storage, calls) }), 'storage/sfu');
    const sum = { adler32: '00000001', size: 1 };
    expect((await broken({ readChecksum: async () => sum })).text).toContain('what was read has checksum 00000001');
    expect((await broken({ checksum: async () => sum })).text).toContain(
      'its checksum of what was written is 00000001',
    );
    expect(await broken({ space: async () => ({ total: 1000, free: 30 }) })).toMatchObject({ did: 'warning' });
    expect(await broken({ space: async () => ({ total: 1000, free: 3 }) })).toMatchObject({ did: 'failed' });
    expect((await broken({ space: async () => undefined })).text).toContain('its server does not tell its space');
  });

  test('what a killed doctor has left is swept', async () => {
    const patient = await patientIn();
    const { probeFolder } = await import('../../../../src/lib/flow/steps/doctor/probe.ts');
    const left = join(patient.folder, 'se/sfu', probeFolder(patient), 'f00d');
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, 'canary-f00d.0'), 'x');
    mkdirSync(join(left, '../empty'));
    const other = join(patient.folder, 'se/sfu/.dflow-doctor/other-host');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'probe'), 'x');
    expect((await found(patient, 'storage/sfu')).did).toBe('ok');
    const { readdirSync } = await import('node:fs');
    expect(readdirSync(join(patient.folder, 'se/sfu/.dflow-doctor'))).toEqual(['other-host']);
  });

  test('a folder that never answers: nothing in this process asks it, and the others are looked at', async () => {
    const patient = await patientIn();
    const dead = join(patient.folder, 'se/fnal');
    // Another process that asks it is held, and ended for its time.
    const shell: Patient['processes']['shell'] = (script, args, options) =>
      args.includes(dead)
        ? Promise.resolve({ stdout: '', stderr: '', timedOut: true, failure: 'longer than 5 s' })
        : patient.processes.shell(script, args, options);
    const opened: string[] = [];
    const storage = (name: string) => {
      opened.push(name);
      return patient.storage(name);
    };
    const held = { ...patient, processes: { ...patient.processes, shell }, storage };
    const items = await examined(held, ['storage', 'folders', 'buffer']);
    expect(items.map(({ ref, did }) => [ref, did])).toEqual([
      ['buffer/L1', 'ok'],
      ['folders/buffer L1', 'ok'],
      ['folders/storage fnal', 'failed'],
      ['folders/storage ral', 'ok'],
      ['folders/storage sfu', 'ok'],
      ['storage/fnal', 'failed'],
      ['storage/ral', 'ok'],
      ['storage/sfu', 'ok'],
    ]);
    expect(items[5]?.text).toBe(`${dead} does not answer within 5 s`);
    expect(items[5]?.next).toContain(`umount -l ${dead}`);
    expect(opened).not.toContain('fnal');
  });

  test('another doctor is at the element', async () => {
    const patient = await patientIn();
    const busy = { ...patient, locks: { ...patient.locks, take: async () => undefined } };
    expect(await found(busy, 'storage/sfu')).toMatchObject({ text: 'another doctor of this host is there now' });
  });

  test('a script without the right to run it', async () => {
    const patient = await patientIn();
    const { kindOf } = await import('../../../../src/lib/flow/steps/doctor/outside.ts');
    const script = join(patient.folder, 'script');
    writeFileSync(script, '#!/bin/sh\n');
    expect(await kindOf(patient, script)).toBe('not-runnable');
    chmodSync(script, 0o755);
    expect(await kindOf(patient, script)).toBe('file');
    expect(await kindOf(patient, '/dev/null')).toBe('odd');
  });
});

describe('farm', () => {
  const states = (state: Status['state'] | 'refused', after = 'absent') => {
    const submit = async (_: string, tasks: readonly { key: string }[]) =>
      new Map(tasks.map(({ key }) => [key, state === 'refused' ? { refused: 'no such queue' } : key]));
    let withdrawn = false;
    return {
      identity: async () => ({ cluster: 'c', user: 'u' }),
      alive: async () => [],
      submit,
      status: async (keys: readonly string[]) =>
        new Map(keys.map((key) => [key, { state: withdrawn ? after : state, backendId: key }])),
      cancel: async () => {
        withdrawn = true;
      },
    } as unknown as Backend;
  };
  // Pauses pass at once; limits do not.
  const quick: Patient['sleep'] = (ms) => (ms < 1000 ? Promise.resolve() : new Promise(() => undefined));
  const at = async (backend: Backend) =>
    found(
      await patientIn(
        { config: { farms: { cedar: { backend: 'slurm' } } } as never },
        { trialBackend: async () => backend, sleep: quick },
      ),
      'farm/cedar',
    );

  test('a held job, withdrawn; refused; not held; one that stays', async () => {
    expect(await at(states('held'))).toMatchObject({ did: 'ok' });
    expect(await at(states('refused'))).toMatchObject({ did: 'failed', text: 'a held job was refused: no such queue' });
    expect((await at(states('running'))).text).toContain("a held job is 'running'");
    expect(await at(states('held', 'held'))).toMatchObject({ text: 'a held job could not be withdrawn' });
  });

  test('a batch system that says what is wrong with itself', async () => {
    const wrong = [{ text: 'partition main is down', fix: 'scontrol update' }];
    const about = async () => ({ version: 'Slurm', notes: [], wrong });
    expect(await at(replacing(states('held'), { about }))).toMatchObject({
      did: 'failed',
      text: 'partition main is down',
      next: 'scontrol update',
    });
  });
});
