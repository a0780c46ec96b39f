// Jobs on workers that have curl and no keys: inputs and outputs in S3 by addresses that were lent, which are nowhere else.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lend } from '../../src/lib/flow/farms/lend.ts';
import { open } from '../../src/lib/protocols/s3/s3.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { type JobSpec, quote, renderSpec, type StageIn, type StageOut } from '../../src/lib/wrapper/spec.ts';
import { folder, leftovers, run, setUp, spec, spool, tearDown } from '../support/worker.ts';
import { bareWorker, real } from './remote-worker.ts';
import { S3_SERVERS, SECRET, s3Settings } from './s3-world.ts';

beforeEach(setUp);
afterEach(tearDown);

const NAMES = ['plain.dat', 'with space', "quo'te", 'dou"ble', '$(touch owned)', '*', 'what?', 'a%20b', 'a+b', 'ünï'];

async function input(storage: Storage, name: string): Promise<StageIn> {
  const local = join(folder, 'source');
  writeFileSync(local, `${name}|`);
  const { size, adler32 } = await storage.copyIn(local, `raw/${name}`);
  const source = storage.worker!.url(`raw/${name}`);
  return { source, name, copy: true, protocol: 's3', storage: 'sfu', size, adler32 };
}

const place = (storage: Storage): StageOut => ({
  storage: 'sfu',
  protocol: 's3',
  folder: storage.worker!.url('out/p 1'),
  path: 'out/p 1',
});

async function job(storage: Storage, command: string, more: Partial<JobSpec>): Promise<JobSpec> {
  const protocols = { s3: storage.worker!.script };
  return lend(new Map([['sfu', storage]]), spec(command, { protocols, destinations: [place(storage)], ...more }));
}

describe.each(S3_SERVERS.map((server) => [server.name, server] as const))('%s', (_, server) => {
  test('inputs of any name come, outputs go, and no secret is left or shown', async () => {
    const storage = await open(s3Settings(server));
    const inputs: StageIn[] = [];
    for (const name of NAMES) inputs.push(await input(storage, name));
    const outputs = [
      { type: 'out', name: 'out.txt' },
      { type: 'second', name: 'b-1.txt' },
    ];
    // What everybody can read of the processes of a machine, as often as it changes.
    const spy = join(folder, 'bin');
    mkdirSync(spy);
    const seen = join(folder, 'seen');
    writeFileSync(join(spy, 'curl'), `#!/bin/sh\nprintf '%s\\n' "$@" >>${quote(seen)}\nexec ${real('curl')} "$@"\n`);
    chmodSync(join(spy, 'curl'), 0o755);
    const made = await job(storage, 'cat -- "$@" > "$OUT_out"; echo $# > "$OUT_second"', {
      inputs,
      outputs,
      env: { PATH: `${spy}:${process.env.PATH}` },
    });
    expect(Object.keys(made.lent ?? {}).length).toBe(NAMES.length + 4);
    const record = await run(made);
    expect(record, record.reason).toMatchObject({
      phase: 'done',
      outputs: [{ storage: 'sfu', path: 'out/p 1/k.0/out.txt' }, { size: 2 + 1 }],
    });
    for (const output of record.outputs) {
      const { size, md5 } = await storage.checksum(output.path, { md5: true });
      expect({ size, checksum: `md5:${md5}` }).toEqual({ size: output.size, checksum: output.checksum });
    }
    expect((await storage.read(record.outputs[0]!.path, 0, 1000)).toString()).toBe(NAMES.map((n) => `${n}|`).join(''));
    expect(leftovers()).toEqual([]);
    const shown = [readFileSync(seen, 'utf8'), readFileSync(join(folder, 'log'), 'utf8'), textBelow(spool)].join('\n');
    expect(shown).toContain('--config');
    for (const secret of [SECRET, 'X-Amz-Signature', 'X-Amz-Credential']) expect(shown).not.toContain(secret);
    expect(renderSpec(made)).not.toContain(SECRET);
  });

  test('a bare worker: coreutils, curl and awk; its own adler32', async () => {
    const storage = await open(s3Settings(server));
    const bin = bareWorker();
    for (const tool of ['curl', 'awk', 'od', 'base64', 'printf'])
      execFileSync('ln', ['-s', real(tool).replace(/^printf$/, '/usr/bin/printf'), join(bin, tool)]);
    const good = await input(storage, 'raw.dat');
    const setup = `PATH=${quote(bin)}; export PATH\n`;
    const made = await job(storage, 'cat "$1" > "$OUT_out"', { inputs: [good], env: { PATH: bin }, setup });
    expect(await run(made)).toMatchObject({ phase: 'done' });
  });

  test('an input that is not what the catalogue says never reaches the payload', async () => {
    const storage = await open(s3Settings(server));
    const good = await input(storage, 'raw.dat');
    const made = await job(storage, 'cat "$1" > "$OUT_out"', { inputs: [{ ...good, adler32: '00000001' }] });
    const record = await run(made);
    expect(record).toMatchObject({ phase: 'stage-in' });
    expect(record.reason).toMatch(/adler32 [0-9a-f]{8}, not 00000001/);
  });

  test('an address that is no longer good, and a job that was lent none, are said; the next element is tried', async () => {
    const storage = await open(s3Settings(server, { lend: '1s' }));
    const made = await job(storage, 'sleep 2; echo x > "$OUT_out"', {});
    const record = await run({
      ...made,
      destinations: [...made.destinations, { ...place(storage), storage: 'other', folder: 'https://none/x' }],
    });
    expect(record).toMatchObject({ phase: 'stage-out' });
    expect(record.reason).toMatch(
      /sfu: cannot write .*40[03].*good for a while.*; other: cannot write .*lent no address/,
    );
    expect(record.reason).not.toMatch(/Signature|X-Amz/);
  });
});

function textBelow(path: string): string {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')).join('\n');
}
