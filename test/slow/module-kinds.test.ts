// What a module may be: levels over all raw files and all ROOT outputs, macros with parameters, other outputs, tables
// as outputs, more time after a time limit; a new version's file, and a trial on one run that leaves the store alone.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillMacro, macroParameters, unknownParameters } from '../../src/lib/domain/modules/macro.ts';
import { killSupervisor } from '../support/chaos.ts';
import { dflow, lines, must } from '../support/cli.ts';
import { dataDoc, job, module, rawFile } from '../support/docs.ts';

const MODULES = `modules:
  Pro:
    macro: pro.mac
    run: sh {macro}
    parameters: {optics: 'v 2', n: 3}
    outputs: {ntuple: ntuple.root, log: pro.txt}
    other_suffix: [hist.txt]
  All:
    level: run_zdab
    run: 'cat "$@" > "$OUT_all"; echo "$# files" >> "$OUT_all"'
    outputs: {all: all.txt}
  Merge:
    needs: Pro
    level: run_root
    run: 'echo "$#" > "$OUT_root"; cat "$@" >> "$OUT_root"'
    outputs: {root: root}
  Fit:
    needs: Pro
    level: run
    run: './fit.sh $DFLOW_RUN > "$OUT_ratdb"'
    outputs: {ratdb: fit.ratdb}
  Broken:
    level: run
    run: 'echo "{ type: " > "$OUT_ratdb"'
    outputs: {ratdb: broken.ratdb}
  Slow:
    level: run
    time: 1s
    run: 'sleep 2; echo done > "$OUT_a"'
    outputs: {a: a.txt}
    policy: [{cause: time-limit, text: ran past its limit, action: more, of: time, factor: 20, ceiling: 1 min}]
runTypes: {any: [Pro, All, Merge, Fit, Broken, Slow]}
`;
const MACRO = `# {module} {version}, run {run}
cat {inputs} > {outputs.ntuple}
echo "run {run} subrun {subrun} pass {pass} {optics} $DFLOW_PARAM_n {{n}}" > {outputs.log}
echo {input} >> {outputs.other_hist}
`;
const FIT = `echo '{ type: "FIT", version: 1, run_range: ['$1', '$1'], pass: 0, value: 42 }'\n`;

let folder = '';
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-kinds-')));
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:3}_{subrun:1}.dat', settle: 1s}\nruns: {quiet: 1s}\nstorage: {disk: ./store}\n`,
  );
  writeFileSync(join(folder, 'modules', '1.0.yaml'), MODULES);
  writeFileSync(join(folder, 'modules', 'pro.mac'), MACRO);
  writeFileSync(join(folder, 'modules', 'fit.sh'), `#!/bin/sh\n${FIT}`, { mode: 0o755 });
  const old = new Date(Date.now() - 3_600_000);
  for (const name of ['run007_0.dat', 'run007_1.dat']) {
    writeFileSync(join(folder, 'raw', name), `raw ${name}\n`);
    utimesSync(join(folder, 'raw', name), old, old);
  }
  must(folder, ['store', 'setup']);
  for (const step of ['register', 'transfer']) must(folder, [step, '--quiet']);
});
afterAll(() => {
  killSupervisor(folder);
  rmSync(folder, { recursive: true, force: true });
});

describe('macros', () => {
  const fields = {
    ...{ run: 7, subrun: 1, pass: 2, module: 'M', version: '1.0', level: 'L1', experiment: 'x', tag: '' },
    inputs: ['/a b', 'c'],
    outputs: { ntuple: 'n.root' },
    parameters: { optics: 'v2' },
  };
  test('parameters are filled in, braces may be doubled, a line with {input} stands once for each', () => {
    expect(fillMacro('{run}.{subrun} {optics} [{tag}] {{run}} {outputs.ntuple}\nload {input}\n{inputs}', fields)).toBe(
      '7.1 v2 [] {run} n.root\nload /a b\nload c\n/a b c',
    );
  });
  test('what is unknown is found with its place; shell and JSON braces are none', () => {
    const known = macroParameters(['ntuple'], ['optics']);
    expect(unknownParameters('{x} {run} {a b} {"k": 1}\n  {outputs.other} {Run}', known)).toEqual([
      { name: 'x', line: 1, column: 1 },
      { name: 'outputs.other', line: 2, column: 3 },
      { name: 'Run', line: 2, column: 19 },
    ]);
  });
});

describe('levels', () => {
  const data = dataDoc(12, [rawFile(12, 0, ['disk']), rawFile(12, 1, ['disk']), rawFile(12, 2, ['disk'])]);
  const pro = job({ data, module: module('Pro', { outputs: { ntuple: 'ntuple.root', log: 'txt', bare: 'root' } }) });
  const order = job({ data, module: module('Order', { outputs: { log: 'txt' } }) });
  const inputs = (more: object) =>
    job({ data, needs: [pro, order], module: module('M', more) }).subjobs.map((one) => one.inputs);

  test('run_zdab: one subjob, every raw file, prerequisites only order', () => {
    const [only, ...rest] = inputs({ level: 'run_zdab', needs: ['Pro', 'Order'], raw: true });
    expect(rest).toEqual([]);
    expect(only?.map((input) => (input.kind === 'raw' ? input.name : input.job))).toEqual(
      data.files.map((file) => file.name),
    );
  });
  test('run_root: one subjob, the ROOT outputs of all subjobs of what it needs', () => {
    expect(inputs({ level: 'run_root', needs: ['Pro', 'Order'] })).toEqual([
      [{ kind: 'output', job: pro._id, types: ['ntuple', 'bare'] }],
    ]);
  });
});

describe('what is wrong is named with its place', () => {
  const file = (): string => join(folder, 'modules', '9.0.yaml');
  test.each([
    ['A: {outputs: {a: a.txt}}', /9\.0\.yaml:2:\d+\n?/, 'has neither run nor macro'],
    ["A: {run: 'rat {macro}', outputs: {a: a.txt}}", /9\.0\.yaml:2:/, 'names no macro'],
    ['A: {macro: no.mac, outputs: {a: a.txt}}', /9\.0\.yaml:2:14/, "macro 'no.mac' not found in"],
    ['A: {macro: bad.mac, outputs: {a: a.txt}}', /bad\.mac:2:6/, 'unknown parameter {runn}'],
    ['A: {run: x, level: run_root, outputs: {a: a.txt}}', /9\.0\.yaml:2:/, 'needs a module with a ROOT output'],
    ['A: {run: x, level: run_zdab, raw: false, outputs: {a: a.txt}}', /9\.0\.yaml:2:/, 'raw is false'],
    ['A: {run: x}', /9\.0\.yaml:2:/, 'declares no output'],
    [
      'A: {run: x, level: runs, outputs: {a: a.txt}}',
      /9\.0\.yaml:2:/,
      'expected sub_run or run or run_zdab or run_root',
    ],
  ])('%s', (text, where, message) => {
    writeFileSync(join(folder, 'modules', 'bad.mac'), '{run}\nload {runn}\n');
    writeFileSync(file(), `modules:\n  ${text}\n`);
    const { code, err } = dflow(folder, ['module', 'check']);
    rmSync(file());
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).toMatch(where);
  });
});

/** Folders of batch systems that have been used here. */
const started = (): string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('/started'));

describe('module test', () => {
  test('runs the wrapper here, on the real inputs; store and storage elements are as before', () => {
    const before = must(folder, ['store', 'info', '--json']);
    const kept = join(folder, 'kept');
    const rows = lines(
      must(folder, ['module', 'test', 'Pro', '--run', '7', '--subrun', '1', '--keep', kept, '--json']),
    );
    expect(rows[0]).toMatchObject({ kind: 'trial', ref: '7/Pro/1.001', did: 'done', phase: 'done', exit: 0 });
    expect(rows.slice(1).map((row) => row.type)).toEqual(['other_hist', 'ntuple', 'log']);
    const texts = rows.slice(1).map((row) => readFileSync(row.ref as string, 'utf8'));
    const input = join(folder, 'store/L1/0/run007_1.dat');
    expect(texts).toEqual([`${input}\n`, 'raw run007_1.dat\n', 'run 7 subrun 1 pass 1 v 2 3 {n}\n']);
    expect(must(folder, ['store', 'info', '--json'])).toBe(before);
    expect(readdirSync(join(folder, 'store'))).toEqual(['L1']);
    expect(started()).toEqual([]);
  });
  test('one that fails ends with 1 and the end of its log; what cannot be run is said', () => {
    writeFileSync(
      join(folder, 'modules', '0.9.yaml'),
      `modules:\n  Bad: {run: 'echo oh dear; exit 3', outputs: {a: a.txt}}\n`,
    );
    const failed = dflow(folder, ['module', 'test', 'Bad', '--run', '7', '--version', '0.9']);
    expect(failed.code).toBe(1);
    expect(failed.out).toContain('in payload, exit 3: exit 3');
    expect(failed.out).toContain('oh dear');
    const need = dflow(folder, ['module', 'test', 'Merge', '--run', '7', '--version', '1.0']);
    expect(need).toMatchObject({ code: 1, err: expect.stringContaining('no completed pass of Pro') });
    const none = dflow(folder, ['module', 'test', 'Proo', '--run', '7', '--version', '1.0']);
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('did you mean Pro?') });
    const subrun = dflow(folder, ['module', 'test', 'Pro', '--run', '7', '--subrun', '5', '--version', '1.0']);
    expect(subrun).toMatchObject({ code: 2, err: expect.stringContaining('no subrun 5') });
    rmSync(join(folder, 'modules', '0.9.yaml'));
  });
});

test('module new copies a file with a word about where it is from; check lists it', () => {
  const before = readFileSync(join(folder, 'dflow.yaml'), 'utf8');
  must(folder, ['module', 'new', '1.1', '--from', '1.0', '--dry-run']);
  expect(existsSync(join(folder, 'modules/1.1.yaml'))).toBe(false);
  expect(readFileSync(join(folder, 'dflow.yaml'), 'utf8')).toBe(before);
  const [, kept] = lines(must(folder, ['module', 'new', '1.1', '--from', '1.0', '--json']));
  expect(kept).toMatchObject({
    kind: 'config',
    did: 'changed',
    text: expect.stringContaining('still processed with 1.0'),
  });
  expect(readFileSync(join(folder, 'dflow.yaml'), 'utf8')).toBe(`${before}automatic: {version: '1.0'}\n`);
  const text = readFileSync(join(folder, 'modules/1.1.yaml'), 'utf8');
  expect(text).toMatch(/^# 1\.1: from 1\.0, \d{4}-\d\d-\d\d\n/);
  expect(text.slice(text.indexOf('\n') + 1)).toBe(MODULES);
  expect(dflow(folder, ['module', 'new', '1.1', '--from', '1.0']).code).toBe(2);
  expect(dflow(folder, ['module', 'new', '1.2', '--from', '1.3']).err).toContain("no version '1.3'; did you mean");
  const rows = lines(must(folder, ['module', 'check', '1.1', '--json']));
  expect(rows.map((row) => [row.ref, row.level, row.version])).toContainEqual(['Merge', 'run_root', '1.1']);
  expect(rows.find((row) => row.ref === 'Pro')).toMatchObject({
    macro: 'pro.mac',
    outputs: ['other_hist', 'ntuple', 'log'],
  });
  expect(dflow(folder, ['module', 'check', '3']).code).toBe(2);
  rmSync(join(folder, 'modules/1.1.yaml'));
});

describe('through the chain', () => {
  const outputs = new Map<string, string>();
  beforeAll(() => {
    must(folder, ['chain', '--until-idle', '--quiet'], [0, 1]);
    for (const row of lines(must(folder, ['list', 'replicas', '--run', '7', '--module', '*', '--json']))) {
      outputs.set(row.name as string, readFileSync(join(folder, 'store', row.path as string), 'utf8'));
    }
  });

  test('all completed; Slow had more time the second time', () => {
    const rows = lines(must(folder, ['list', 'jobs', '--state', 'all', '--json']));
    expect(rows.map((row) => [row.module, row.state, row.tries]).sort()).toEqual([
      ['All', 'completed', 1],
      ['Broken', 'completed', 1],
      ['Fit', 'completed', 1],
      ['Merge', 'completed', 1],
      ['Pro', 'completed', 1],
      ['Slow', 'completed', 2],
    ]);
  });
  test('All saw every raw file, Merge every ROOT output and nothing else', () => {
    expect(outputs.get('All_r0000000007_s000_p001.all.txt')).toBe('raw run007_0.dat\nraw run007_1.dat\n2 files\n');
    expect(outputs.get('Merge_r0000000007_s000_p001.root')).toBe('2\nraw run007_0.dat\nraw run007_1.dat\n');
  });
  test('tables that a job produced are loaded', () => {
    const [row] = lines(must(folder, ['list', 'tables', '--json']));
    expect(row).toMatchObject({ name: 'FIT', first: 7, last: 7 });
    expect(must(folder, ['tables', 'show', 'FIT', '--run', '7'])).toContain('42');
  });
  test('those that do not parse need a person; their job is completed all the same', () => {
    const [row] = lines(must(folder, ['list', 'quarantine', '--json']));
    expect(row).toMatchObject({ name: 'Broken_r0000000007_s000_p001.broken.ratdb', reason: 'bad-tables', run: 7 });
    expect(must(folder, ['status'])).toContain('bad-tables');
    expect(must(folder, ['why', '7'])).toContain('bad-tables');
  });
});
