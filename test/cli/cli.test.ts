// The built program as a person meets it: errors in one place, exit codes, help.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BIN, dflow, folder, rawFolder, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

describe('errors: what, where, what to type next, and the exit code', () => {
  test('no configuration', () => {
    const { code, err, out } = dflow(folder(), ['status']);
    expect(code).toBe(2);
    expect(err).toMatch(/^Error: no dflow.yaml here or in a folder above\nwhere: .*\nNext: .*dflow init --from/);
    expect(out).toBe('');
  });

  test('a misspelt key has its place and the near miss', () => {
    const here = folder();
    writeFileSync(join(here, 'dflow.yaml'), `buffer: {path: ., patern: 'r{run}'}\nstorage: {a: ./s}\n`);
    const { code, err } = dflow(here, ['config', 'check']);
    expect(code).toBe(2);
    expect(err).toContain('unknown key patern in buffer');
    expect(err).toContain(`${here}/dflow.yaml:1:19`);
    expect(err).toContain('did you mean pattern?');
  });

  test('what a protocol or backend finds in its own options, each at its place; no server is asked', () => {
    const here = folder();
    writeFileSync(
      join(here, 'dflow.yaml'),
      `buffer: {path: ., pattern: 'r{run}.dat'}
storage:
  far: root://no-such-host.invalid//data
  web: {url: 'davs://no-such-host.invalid/data', options: {tiemout: 3}}
  gone: ./not-mounted-here
  odd: 's4://bucket/data'
farms:
  cedar: {backend: slurm, options: {partitoin: long}}
  birch: {backend: condor}
`,
    );
    const { code, err, out } = dflow(here, ['config', 'check']);
    expect(code).toBe(2);
    expect(out).toMatch(/^unreachable\tgone\t.*not-mounted-here.*\n$/);
    expect(err).toMatch(/no option 'tiemout' in gfal; did you mean timeout\?/);
    expect(err).toContain(`${here}/dflow.yaml:6:8 no storage protocol 's4'; `);
    expect(err).toMatch(/dflow.yaml:8:10 no option 'partitoin' in backend slurm; did you mean partition\? /);
    expect(err).toContain("dflow.yaml:9:10 no backend 'condor'; did you mean htcondor?");
    expect(err).not.toContain('storage.far');
  });

  test('an unreadable configuration', () => {
    const here = folder();
    mkdirSync(join(here, 'dflow.yaml'));
    const { code, err } = dflow(here, ['config', 'check']);
    expect([code, err]).toEqual([2, expect.stringContaining('cannot be read')]);
  });

  test('unknown commands and flags, wrong values', () => {
    const here = folder();
    for (const args of [
      ['statsu'],
      ['storage', 'disble', 'ral'],
      ['status', '--blah'],
      ['status', '--format', 'xml'],
      ['tables', 'show'],
      ['submit', 'x'],
    ]) {
      const { code, err } = dflow(here, args);
      expect([args, code]).toEqual([args, 2]);
      expect(err).toContain('Error: ');
      expect(err).not.toContain('    at ');
    }
    expect(dflow(here, ['config', 'check', '--jsn']).err).toContain('--jsn');
  });

  test('a store that was never set up; a changing command says how', () => {
    const here = rawFolder(1);
    writeFileSync(
      join(here, 'dflow.yaml'),
      `buffer: {path: raw, pattern: 'run{run}_{subrun}.dat'}\nstorage: {a: ./s}\n`,
    );
    const { code, err } = dflow(here, ['register']);
    expect([2, 3]).toContain(code);
    expect(err).toContain('Next: dflow store setup');
    expect(dflow(here, ['store', 'setup']).code).toBe(0);
  });
});

describe('help', () => {
  test('the first page is grouped; every command has EXIT STATUS and examples', () => {
    const here = folder();
    const { out, code } = dflow(here, []);
    expect(code).toBe(0);
    const heads = [...out.matchAll(/^(CHAIN|ASK|LOOK|SWITCH|SET UP) /gm)].map((match) => match[1]);
    expect(heads).toEqual(['CHAIN', 'ASK', 'LOOK', 'SWITCH', 'SET UP']);
    expect(dflow(here, ['--help']).out).toBe(out);
    const manifest = JSON.parse(readFileSync(join(BIN, '../../oclif.manifest.json'), 'utf8')) as {
      commands: Record<string, { summary?: string; examples?: string[]; exits?: number[] }>;
    };
    const ids = Object.keys(manifest.commands);
    expect(ids.length).toBeGreaterThan(25);
    for (const id of ids) {
      const word = id.split(':')[0] ?? '';
      expect(out, `${id} is in no group`).toMatch(new RegExp(`^  ${word}\\b`, 'm'));
      expect(manifest.commands[id]?.summary, id).toBeTruthy();
      expect(manifest.commands[id]?.examples?.length, id).toBeGreaterThan(0);
    }
    const help = dflow(here, ['retry', '--help']).out;
    expect(help).toMatch(/EXIT STATUS\n +0 +done, or nothing to do/);
  });
});

describe('init asks where file names do not say the run', () => {
  const init = (names: readonly string[]) => {
    const here = folder();
    for (const name of names) {
      mkdirSync(join(here, 'raw', dirname(name)), { recursive: true });
      writeFileSync(join(here, 'raw', name), name);
    }
    return { ...dflow(here, ['init', '--from', 'raw']), made: existsSync(join(here, 'dflow.yaml')) };
  };

  test.each([
    ['the run in a folder', ['run0001/f_000.bin', 'run0001/f_001.bin', 'run0002/f_000.bin'], 'is in several folders'],
    [
      'a counter that starts again each day',
      ['c-2026-11-03_001.h5', 'c-2026-11-03_002.h5', 'c-2026-11-04_001.h5'],
      'both would be run 1',
    ],
    ['twelve digits', ['run_202411260001.dat', 'run_202411260002.dat'], 'beyond the largest run number, 9999999999'],
    ['only times', ['20261103_120000.h5', '20261103_130000.h5'], 'no run number can be guessed'],
  ])('%s', (_, names, text) => {
    const { code, err, made } = init(names);
    expect([code, made]).toEqual([2, false]);
    expect(err).toContain(text);
    expect(err).toContain('Next: ');
  });

  test("a README in every folder is nobody's business", () => {
    expect(init(['a/run001.dat', 'a/README', 'b/run002.dat', 'b/README'])).toMatchObject({ code: 0 });
  });

  test('what does not match is counted, not taken in', () => {
    const { code, out } = init(['run001.dat', 'run002.dat', 'run003.dat', 'calib001.dat']);
    expect(code).toBe(0);
    expect(out).toContain('3 files such as run001.dat; 1 do not match, such as calib001.dat');
  });
});
