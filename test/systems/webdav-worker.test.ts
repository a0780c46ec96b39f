// Jobs on workers that have curl: inputs and outputs at WebDAV servers, by the credentials of the job's own environment.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { open } from '../../src/lib/protocols/webdav/webdav.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { type JobSpec, quote, type StageIn } from '../../src/lib/wrapper/spec.ts';
import { folder, leftovers, run, setUp, spec, tearDown } from '../support/worker.ts';
import { real } from './remote-worker.ts';
import { D, down, freshFolder, httpUrl, settings, up } from './servers.ts';
import { APACHE, DAV_SERVERS, davFolder, davSettings, PASSWORD, TOKEN, USER } from './webdav-world.ts';

beforeEach(setUp);
afterEach(tearDown);

const NAMES = ['plain.dat', 'with space', 'quo\'te"double', '$(touch owned)*', 'what?a%20b'];

async function input(storage: Storage, name: string): Promise<StageIn> {
  const local = join(folder, 'source');
  writeFileSync(local, `${name}|`);
  const { size, adler32 } = await storage.copyIn(local, `raw/${name}`);
  const source = storage.worker!.url(`raw/${name}`);
  return { source, name, copy: true, protocol: 'webdav', storage: 'sfu', size, adler32 };
}

function job(storage: Storage, command: string, more: Partial<JobSpec>): JobSpec {
  const place = { storage: 'sfu', protocol: 'webdav', folder: storage.worker!.url('outputs/M/0000000001/p000') };
  const destinations = [{ ...place, path: 'outputs/M/0000000001/p000' }];
  return spec(command, { protocols: { webdav: storage.worker!.script }, destinations, ...more });
}

/** A home folder whose ~/.netrc knows the server, and a curl that tells what everybody can read of it. */
function worker(): { readonly env: Record<string, string>; readonly seen: string } {
  const [spy, seen] = [join(folder, 'bin'), join(folder, 'seen')];
  mkdirSync(spy);
  writeFileSync(join(spy, 'curl'), `#!/bin/sh\nprintf '%s\\n' "$@" >>${quote(seen)}\nexec ${real('curl')} "$@"\n`);
  chmodSync(join(spy, 'curl'), 0o755);
  writeFileSync(join(folder, '.netrc'), `machine 127.0.0.1 login ${USER} password ${PASSWORD}\n`, { mode: 0o600 });
  return { env: { PATH: `${spy}:${process.env.PATH}`, HOME: folder }, seen };
}

describe.each(DAV_SERVERS.map((server) => [server.name, server] as const))('%s', (_, server) => {
  test('inputs of any name come, outputs go and are compared byte by byte; no secret is shown', async () => {
    const storage = await open(davSettings(server));
    const inputs: StageIn[] = [];
    for (const name of NAMES) inputs.push(await input(storage, name));
    const { env, seen } = worker();
    const outputs = [
      { type: 'out', name: 'out.txt' },
      { type: 'second', name: 'b-1.txt' },
    ];
    const record = await run(
      job(storage, 'cat -- "$@" > "$OUT_out"; echo $# > "$OUT_second"', { inputs, outputs, env }),
    );
    expect(record, JSON.stringify(record)).toMatchObject({
      phase: 'done',
      outputs: [
        { storage: 'sfu', path: expect.stringMatching(/^outputs\/M\/0000000001\/p000\/\w+\/out.txt$/) },
        { size: 2 },
      ],
    });
    for (const { path, size, checksum } of record.outputs) {
      const there = await storage.checksum(path);
      expect({ size, checksum }).toEqual({ size: there.size, checksum: `adler32:${there.adler32}` });
    }
    expect((await storage.read(record.outputs[0]!.path, 0, 1000)).toString()).toBe(NAMES.map((n) => `${n}|`).join(''));
    expect(leftovers()).toEqual([]);
    const shown = readFileSync(seen, 'utf8') + readFileSync(join(folder, 'log'), 'utf8');
    expect(shown).toContain('--config');
    expect(shown).not.toContain(PASSWORD);
  });
});

test('a token of the environment', async () => {
  const token = join(folder, 'token');
  writeFileSync(token, `${TOKEN}\n`);
  const storage = await open(davSettings(APACHE, { token }, davFolder(APACHE, 'token/'), ''));
  const good = await input(storage, 'raw.dat');
  const { env } = worker();
  const made = job(storage, 'cat "$1" > "$OUT_out"', { inputs: [good], env: { ...env, BEARER_TOKEN_FILE: token } });
  expect(await run(made)).toMatchObject({ phase: 'done' });
});

test('without a token the job says that it may not, and nothing is left', async () => {
  const token = join(folder, 'token');
  writeFileSync(token, `${TOKEN}\n`);
  const storage = await open(davSettings(APACHE, { token }, davFolder(APACHE, 'token/'), ''));
  const good = await input(storage, 'raw.dat');
  const record = await run(job(storage, 'cat "$1" > "$OUT_out"', { inputs: [good], env: worker().env }));
  expect(leftovers()).toEqual([]);
  expect(record, JSON.stringify(record)).toMatchObject({
    phase: 'stage-in',
    reason: expect.stringMatching(/cannot fetch input .*raw.dat: curl: .*40[13]/),
  });
});

test('an input that is not what the catalogue says never reaches the payload', async () => {
  const storage = await open(davSettings(APACHE));
  const good = await input(storage, 'raw.dat');
  const { env } = worker();
  const record = await run(job(storage, 'cat "$1" > "$OUT_out"', { inputs: [{ ...good, adler32: '00000001' }], env }));
  expect(record, JSON.stringify(record)).toMatchObject({ phase: 'stage-in' });
  expect(record.reason).toMatch(/adler32 [0-9a-f]{8}, not 00000001/);
});

test("where the server computes adler32, nothing is read back: XRootD's", async () => {
  up(D);
  onTestFinished(() => down(D));
  const storage = await open(settings('webdav', httpUrl(D, freshFolder(D))));
  const { env, seen } = worker();
  const record = await run(job(storage, 'echo 123 > "$OUT_out"', { inputs: [await input(storage, 'raw.dat')], env }));
  expect(record, JSON.stringify(record)).toMatchObject({ phase: 'done' });
  expect(readFileSync(seen, 'utf8')).not.toContain('.dflow-back');
});
