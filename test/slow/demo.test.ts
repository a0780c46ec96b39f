// `dflow demo`, as built, in a folder of its own: what it ends with is compared to what the raw files say.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load } from '../../src/lib/cli/config/load.ts';
import { type OpenPorts, openPorts } from '../../src/lib/cli/ports.ts';
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import type { Doc } from '../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import type { QuarantineDoc, RunDoc } from '../../src/lib/domain/runs/run.ts';
import { idsWith } from '../../src/lib/store.ts';
import { adler32, closedFiles, completeRuns, expectedPasses, type Raw, rawFiles } from '../support/demo.ts';

const program = resolve(import.meta.dirname, '../../bin/run.js');

let folder: string;
let told: string;
let raws: Raw[];
let ports: OpenPorts;

beforeAll(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'dflow-demo-')), 'a demo');
  const ended = spawnSync(process.execPath, [program, 'demo', folder], { encoding: 'utf8' });
  told = ended.stdout + ended.stderr;
  expect(ended.status, told).toBe(0);
  raws = rawFiles(folder);
  const { settings } = await load({ cwd: folder, env: {}, host: 'here' });
  ports = await openPorts(settings, { write: false, command: 'test' });
});
afterAll(async () => {
  await ports?.close();
  if (folder) rmSync(join(folder, '..'), { recursive: true, force: true });
});

const docs = <D extends Doc>(prefix: string): Promise<D[]> => ports.store.range<D>(idsWith(prefix));

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
    expect(registered.sort()).toEqual(closedFiles(raws).map((raw) => `${raw.name} ${raw.adler32} ${raw.run}`));
    const runs = await docs<RunDoc>('run:');
    expect(runs.map((doc) => doc.run)).toEqual([...new Set(closedFiles(raws).map((raw) => raw.run))]);
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
    expect(frozen).toEqual([...completeRuns(raws).keys()]);
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
    expect(Object.fromEntries(states)).toEqual(expectedPasses(folder, raws));
    const counts = Object.values(expectedPasses(folder, raws));
    expect(counts.filter((state) => state === 'completed')).toHaveLength(27);
    expect(counts.filter((state) => state !== 'completed').sort()).toEqual(['partFail', 'unsatisfied']);
    const damaged = jobs.flatMap((job) => job.subjobs).filter((subjob) => subjob.state.name === 'failed');
    expect(damaged.map((subjob) => subjob.state)).toMatchObject([{ failure: { cause: 'damaged-file', exit: 2 } }]);
    expect(jobs.flatMap((job) => job.subjobs).every((subjob) => subjob.attempt <= 1)).toBe(true);
  });

  test('every output that is catalogued is there, sums to its checksum, and holds what the raw files say', async () => {
    const jobs = await docs<JobDoc>('job:');
    const runs = completeRuns(raws);
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
    const decodable = Object.keys(expectedPasses(folder, raws))
      .filter((ref) => ref.endsWith('Processing'))
      .flatMap((ref) => runs.get(Number.parseInt(ref, 10))!)
      .filter((raw) => raw.events);
    const analysed = Object.entries(expectedPasses(folder, raws)).filter(
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
