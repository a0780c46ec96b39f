// `dflow demo`, as built, in a folder of its own: what it ends with is compared to what the raw files say, decoded here
// by following ZEBRA's logical records (the program scans for bank names) and summed with an adler32 of our own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load } from '../src/lib/cli/config/load.ts';
import { type OpenPorts, openPorts } from '../src/lib/cli/ports.ts';
import type { DataDoc } from '../src/lib/domain/data.ts';
import type { Doc } from '../src/lib/domain/doc.ts';
import type { JobDoc } from '../src/lib/domain/job.ts';
import type { QuarantineDoc, RunDoc } from '../src/lib/domain/run.ts';
import { idsWith } from '../src/lib/store.ts';

const program = resolve(import.meta.dirname, '../bin/run.js');

interface RawEvent {
  run: number;
  event: number;
  nhit: number;
}
interface Raw {
  name: string;
  run: number;
  subrun: number;
  closed: boolean;
  adler32: string;
  mask: number;
  /** Absent where the file is damaged. */
  events?: RawEvent[];
}

function adler32(bytes: Uint8Array): string {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return (b * 65536 + a).toString(16).padStart(8, '0');
}

/** Follows lengths, never looks for names: pilot of ten words, five words of links, then name, sizes and data. */
function decode(bytes: Buffer): { mask: number; events?: RawEvent[] } {
  const words: number[] = [];
  for (let at = 0; at < bytes.length; at += 4) if (at % 15360 >= 32) words.push(bytes.readUInt32BE(at));
  let mask = -1;
  let damaged = false;
  const events: RawEvent[] = [];
  for (let at = 0; at < words.length - 1 && words[at + 1] !== 5 && words[at + 1] !== 0; at += 2 + words[at]!) {
    const record = words.slice(at + 2, at + 2 + words[at]!);
    const data = record.slice(20);
    if (record[15] === 0x52484452) mask = data[6]!;
    if (record[15] !== 0x5a444142) continue;
    const nhit = data[3]! & 0xffff;
    if (data.length !== 11 + 3 * nhit) damaged = true;
    events.push({ run: data[1]!, event: data[2]!, nhit });
  }
  return damaged ? { mask } : { mask, events };
}

let folder: string;
let told: string;
let raws: Raw[];
let ports: OpenPorts;

beforeAll(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'dflow-demo-')), 'a demo');
  const ended = spawnSync(process.execPath, [program, 'demo', folder], { encoding: 'utf8' });
  told = ended.stdout + ended.stderr;
  expect(ended.status, told).toBe(0);
  const names = readdirSync(join(folder, 'raw/l1'));
  raws = names
    .filter((name) => name.endsWith('.zdab'))
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(folder, 'raw/l1', name));
      const [, run, subrun] = name.split(/[_.]/);
      return {
        name,
        run: Number(run),
        subrun: Number(subrun),
        closed: names.includes(`${name}_closed`),
        adler32: adler32(bytes),
        ...decode(bytes),
      };
    });
  const { settings } = await load({ cwd: folder, env: {}, host: 'here' });
  ports = await openPorts(settings, { write: false, command: 'test' });
});
afterAll(async () => {
  await ports?.close();
  if (folder) rmSync(join(folder, '..'), { recursive: true, force: true });
});

const docs = <D extends Doc>(prefix: string): Promise<D[]> => ports.store.range<D>(idsWith(prefix));
const good = (): Raw[] => raws.filter((raw) => raw.run < 1_000_000);
const closed = (): Raw[] => good().filter((raw) => raw.closed);

/** Run -> its files, for runs without a gap or an open file, after which another run has begun. */
function complete(): Map<number, Raw[]> {
  const last = Math.max(...closed().map((raw) => raw.run));
  const byRun = new Map<number, Raw[]>();
  for (const raw of good()) byRun.set(raw.run, [...(byRun.get(raw.run) ?? []), raw]);
  return new Map(
    [...byRun].filter(([run, files]) => run < last && files.every((raw, index) => raw.closed && raw.subrun === index)),
  );
}

/** What must have become of each pass: from masks, run tables and which files can be decoded. */
function expectedPasses(): Record<string, string> {
  const tables = readdirSync(join(folder, 'ratdb')).map((name) => readFileSync(join(folder, 'ratdb', name), 'utf8'));
  const tabled = new Set(tables.map((text) => Number(/run_range: \[(\d+)/.exec(text)?.[1])));
  const passes: Record<string, string> = {};
  for (const [run, files] of complete()) {
    if (!tabled.has(run)) continue;
    const mask = files[0]!.mask;
    const decodable = files.filter((raw) => raw.events).length;
    if (mask & 0b101100) passes[`${run}/Processing`] = decodable === files.length ? 'completed' : 'partFail';
    if (mask & 0b001100) passes[`${run}/Analysis40`] = decodable === files.length ? 'completed' : 'unsatisfied';
  }
  return passes;
}

describe('dflow demo', () => {
  test('the story is told to its end', () => {
    for (const typed of [
      'register',
      'tables load',
      'transfer',
      'enqueue',
      'submit',
      'chain --until-idle',
      'status',
      'why',
    ]) {
      expect(told).toContain(`$ dflow ${typed}`);
    }
    expect(told).toContain('Try next');
  });

  test('every closed file of a plausible run is registered once, with our checksum; the absurd one is quarantined', async () => {
    const data = await docs<DataDoc>('data:');
    const registered = data.flatMap((doc) => doc.files.map((file) => `${file.name} ${file.adler32} ${doc.run}`));
    expect(registered.sort()).toEqual(closed().map((raw) => `${raw.name} ${raw.adler32} ${raw.run}`));
    const runs = await docs<RunDoc>('run:');
    expect(runs.map((doc) => doc.run)).toEqual([...new Set(closed().map((raw) => raw.run))]);
    expect(runs.map((doc) => doc.mask)).toEqual(runs.map(({ run }) => raws.find((raw) => raw.run === run)?.mask));
    const quarantined = await docs<QuarantineDoc>('quarantine:');
    expect(quarantined.map((doc) => doc.name)).toEqual(
      raws.filter((raw) => raw.run > 1_000_000).map((raw) => raw.name),
    );
    expect(quarantined).toHaveLength(1);
  });

  test('runs are complete without a gap, an open file, or a doubt whether more comes', async () => {
    const runs = await docs<RunDoc>('run:');
    const frozen = runs.filter((doc) => doc.levels.L1?.complete).map((doc) => doc.run);
    expect(frozen).toEqual([...complete().keys()]);
    expect(runs.length - frozen.length).toBe(2);
  });

  test('every registered file lies at three storage elements with the same bytes', async () => {
    for (const { files } of await docs<DataDoc>('data:')) {
      for (const file of files) {
        for (const storage of ['sfu', 'fnal', 'ral']) {
          const replica = file.replicas[storage];
          expect(replica?.state, `${file.name} at ${storage}`).toBe('verified');
          if (replica?.state !== 'verified') continue;
          expect(adler32(readFileSync(join(folder, 'storage', storage, replica.path)))).toBe(file.adler32);
        }
      }
    }
  });

  test('passes by state are those that masks, tables and decodable files ask for', async () => {
    const jobs = await docs<JobDoc>('job:');
    expect(jobs.every((job) => job.pass === 1)).toBe(true);
    const unsatisfied = new Set((await listed('--state', 'unsatisfied')).map((row) => row.ref));
    const states = jobs.map((job) => [
      `${job.run}/${job.module}`,
      unsatisfied.has(`${job.run}/${job.module}/1`) ? 'unsatisfied' : job.state,
    ]);
    expect(Object.fromEntries(states)).toEqual(expectedPasses());
    const counts = Object.values(expectedPasses());
    expect(counts.filter((state) => state === 'completed')).toHaveLength(27);
    expect(counts.filter((state) => state !== 'completed').sort()).toEqual(['partFail', 'unsatisfied']);
    const damaged = jobs.flatMap((job) => job.subjobs).filter((subjob) => subjob.state.name === 'failed');
    expect(damaged.map((subjob) => subjob.state)).toMatchObject([{ failure: { cause: 'damaged-file', exit: 2 } }]);
    expect(jobs.flatMap((job) => job.subjobs).every((subjob) => subjob.attempt <= 1)).toBe(true);
  });

  test('every output that is catalogued is there, sums to its checksum, and holds what the raw files say', async () => {
    const jobs = await docs<JobDoc>('job:');
    const runs = complete();
    let [events, outputs] = [0, 0];
    for (const job of jobs) {
      for (const subjob of job.subjobs) {
        if (subjob.state.name !== 'completed') continue;
        const files = (runs.get(job.run) ?? []).filter(
          (raw) => subjob.subrun === undefined || raw.subrun === subjob.subrun,
        );
        const expected = files.flatMap((raw) => raw.events ?? []);
        for (const output of subjob.state.outputs) {
          const bytes = readFileSync(join(folder, 'storage', output.storage, output.path));
          expect(adler32(bytes), output.name).toBe(output.adler32);
          expect(bytes.length, output.name).toBe(output.size);
          outputs++;
          if (output.type === 'ratds') {
            events += expected.length;
            expect(
              bytes
                .toString()
                .trimEnd()
                .split('\n')
                .map((line) => JSON.parse(line)),
            ).toEqual(expected);
          }
          if (output.type === 'hist') {
            const list = expected.filter((event) => event.nhit >= 40);
            expect(JSON.parse(bytes.toString())).toMatchObject({
              events: expected.length,
              selected: list.length,
              list,
            });
          }
        }
      }
    }
    const decodable = Object.keys(expectedPasses())
      .filter((ref) => ref.endsWith('Processing'))
      .flatMap((ref) => runs.get(Number.parseInt(ref, 10))!)
      .filter((raw) => raw.events);
    const analysed = Object.entries(expectedPasses()).filter(
      ([ref, state]) => ref.endsWith('Analysis40') && state === 'completed',
    );
    expect(outputs).toBe(decodable.length + 2 * analysed.length);
    expect(events).toBe(decodable.reduce((sum, raw) => sum + raw.events!.length, 0));
  });

  test('what is left to do is said: the missing table, the gap, the open file, the damaged file', () => {
    const why = (ref: string): string =>
      spawnSync(process.execPath, [program, 'why', ref], { cwd: folder, encoding: 'utf8' }).stdout;
    expect(why('109128')).toMatch(/no RUN table/);
    expect(why('109129')).toMatch(/001/);
    expect(why('109140')).toMatch(/SNOP_0000109140_001\.zdab/);
    expect(why('109134/Processing')).toMatch(/damaged-file/);
  });

  test('a folder that holds something else is refused with exit 2, and left alone', () => {
    const other = mkdtempSync(join(tmpdir(), 'dflow-other-'));
    try {
      spawnSync('touch', [join(other, 'thesis.tex')]);
      const ended = spawnSync(process.execPath, [program, 'demo', other], { encoding: 'utf8' });
      expect(ended.status).toBe(2);
      expect(readdirSync(other)).toEqual(['thesis.tex']);
      expect(existsSync(join(folder, 'dflow.yaml'))).toBe(true);
    } finally {
      rmSync(other, { recursive: true });
    }
  });
});

async function listed(...args: string[]): Promise<{ ref: string }[]> {
  const ended = spawnSync(process.execPath, [program, 'list', 'jobs', ...args, '--json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return ended.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}
