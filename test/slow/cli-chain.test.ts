// The built program over a chain that has run: output formats, pipes, shell loops, what people ask and change.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, dflow, environment, folder, lines, rawFolder, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

const MODULES = `modules:
  Count:
    run: wc -c "$@" > "$OUT_counts"
    outputs: {counts: counts.txt}
  Plot:
    needs: Count
    run: cat "$@" > "$OUT_plot"
    outputs: {plot: plot.txt}
runTypes: {any: [Count, Plot]}
`;

describe('a chain', () => {
  let here: string;
  beforeAll(() => {
    here = rawFolder(4);
    expect(dflow(here, ['init', '--from', './raw']).code).toBe(0);
    writeFileSync(join(here, 'modules/1.0.yaml'), MODULES);
    // The last run would be waited for until it has been quiet for ten minutes.
    const config = join(here, 'dflow.yaml');
    const text = readFileSync(config, 'utf8').replace(/pattern: '[^']*'/, '$&, settle: 1s');
    writeFileSync(config, `${text}runs: {quiet: 0}\n`);
    const chain = dflow(here, ['chain', '--until-idle', '--json']);
    expect([chain.code, chain.err]).toEqual([0, '']);
  });

  test('from init to analysed runs with no other step', () => {
    const jobs = lines(dflow(here, ['list', 'jobs', '--state', 'all', '--json']).out);
    expect(jobs.map((job) => `${job.ref} ${job.state}`)).toEqual(
      [1, 2, 3, 4].flatMap((run) => [`${run}/Count/1 completed`, `${run}/Plot/1 completed`]),
    );
    expect(dflow(here, ['chain', '--until-idle']).out).toBe('');
  });

  test('the JSON line of a job, and what other commands take from it', () => {
    const [job] = lines(dflow(here, ['list', 'jobs', '1/Count', '--json']).out);
    expect(job).toEqual({
      kind: 'job',
      ref: '1/Count/1',
      run: 1,
      module: 'Count',
      pass: 1,
      version: '1.0',
      state: 'completed',
      done: 2,
      subjobs: 2,
      site: expect.any(String),
      tries: 1,
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    const shapes = Object.fromEntries(
      ['runs', 'data', 'replicas', 'jobs', 'farms', 'storage', 'loops', 'modules'].map((kind) => {
        const rows = lines(
          dflow(
            here,
            ['list', kind, '-s', ...(kind === 'jobs' ? ['all'] : []), '--json'].filter(
              (word) => word !== '-s' || kind === 'jobs',
            ),
          ).out,
        );
        return [kind, Object.keys(rows[0] ?? {}).join(' ')];
      }),
    );
    expect(shapes).toMatchSnapshot();
  });

  test('formats: TSV in a pipe, ids, exactly', () => {
    const [first] = dflow(here, ['list', 'jobs', '-s', 'all']).out.split('\n');
    expect(first?.split('\t').slice(0, 5)).toEqual(['1/Count/1', '1.0', 'completed', '2', '2']);
    const ids = dflow(here, ['list', 'jobs', '-s', 'all', '--format', 'ids']).out;
    expect(ids.split('\n').slice(0, 2)).toEqual(['1/Count/1', '1/Plot/1']);
    const exactly = dflow(here, ['list', 'jobs', '-s', 'all', '--format', 'exactly']).out;
    expect(exactly.split('\n').slice(0, 2)).toEqual(['Count 1 1', 'Plot 1 1']);
    expect(dflow(here, ['list', 'jobs', '-s', 'all', '-m', 'Plot', '--run', '2-3', '--format', 'ids']).out).toBe(
      '2/Plot/1\n3/Plot/1\n',
    );
    expect(dflow(here, ['list', 'jobs', '-'], { input: exactly }).out.split('\n')).toHaveLength(9);
  });

  test('`--run 1 -` leaves the `-` alone, and empty standard input selects nothing', () => {
    expect(
      dflow(here, ['list', 'jobs', '--run', '1', '-', '--format', 'ids'], { input: '1/Count\n2/Count\n' }).out,
    ).toBe('1/Count/1\n');
    expect(dflow(here, ['list', 'jobs', '-s', 'all', '-'], { input: '' })).toMatchObject({ code: 0, out: '' });
    expect(dflow(here, ['retry', '-', '-s', 'all', '-n'], { input: '\n' })).toMatchObject({ code: 0, out: '' });
    writeFileSync(join(here, 'none.txt'), '# none\n');
    expect(dflow(here, ['list', 'jobs', '-s', 'all', '--run', '@none.txt'])).toMatchObject({ code: 0, out: '' });
    expect(dflow(here, ['retry', '-n'])).toMatchObject({ code: 2, err: expect.stringContaining('--all is required') });
  });

  test('unknown runs and modules', () => {
    expect(dflow(here, ['list', 'jobs', '--run', '77'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('77: no such run'),
    });
    expect(dflow(here, ['list', 'jobs', '-m', 'Cuont'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('did you mean Count?'),
    });
    expect(dflow(here, ['enqueue', '--run', '77,1', '--json'])).toMatchObject({ code: 1 });
    expect(dflow(here, ['list', 'jbs'])).toMatchObject({ code: 2, err: expect.stringContaining('did you mean jobs?') });
  });

  test('a shell loop over refs runs for every line', () => {
    const script = `printf '1/Count\\n2/Count\\n' | while read r; do node ${BIN} list jobs $r --format ids; done`;
    const { stdout } = spawnSync('sh', ['-c', script], { cwd: here, encoding: 'utf8', env: environment() });
    expect(stdout).toBe('1/Count/1\n2/Count/1\n');
  });

  test('a closed pipe: a changing command finishes its batch, silently', () => {
    const script = `node ${BIN} reprocess --request all -m Count --run 1-4 | sed -n '1p;1q'; code=\${PIPESTATUS[0]}
      node ${BIN} store export | head -1 > first.txt; echo "$code \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], {
      cwd: here,
      encoding: 'utf8',
      env: environment(),
    });
    expect(stderr).toBe('');
    expect(stdout.split('\n')[1]).toBe('0 0');
    expect(lines(dflow(here, ['list', 'jobs', '--request', 'all', '--json']).out)).toHaveLength(4);
  });

  test('dry runs of cancel and retry say what then happens', () => {
    const planned = lines(dflow(here, ['cancel', '--request', 'all', '-n', '--json']).out);
    expect(planned.every((item) => item.dryRun === true)).toBe(true);
    const done = lines(dflow(here, ['cancel', '--request', 'all', '--yes', '--json']).out);
    expect(done.map((item) => item.ref)).toEqual(planned.map((item) => item.ref));
    expect(done.length).toBeGreaterThan(0);
    const piped = dflow(here, ['list', 'jobs', '-s', 'canceled', '--json']).out;
    const again = dflow(here, ['retry', '-', '--json'], { input: piped });
    expect([again.code, lines(again.out).length]).toEqual([0, done.length]);
    // The same lines once more: their state has changed meanwhile.
    const refused = dflow(here, ['retry', '-', '--json'], { input: piped });
    expect(refused.code).toBe(1);
    expect(new Set(lines(refused.out).map((item) => item.did))).toEqual(new Set(['refused']));
  });

  test('holds: pause, list, resume', () => {
    expect(dflow(here, ['pause', '--version', '1.0']).code).toBe(2);
    expect(dflow(here, ['pause', '--why', 'x']).code).toBe(2);
    const [hold] = lines(dflow(here, ['pause', '-V', '1.0', '--why', 'wrong optics', '--for', '3d', '--json']).out);
    const [row] = lines(dflow(here, ['list', 'holds', '--json']).out);
    expect(row).toMatchObject({ ref: hold?.ref, why: 'wrong optics', covers: 'version 1.0' });
    expect(dflow(here, ['resume', String(hold?.ref)]).code).toBe(0);
    expect(dflow(here, ['list', 'holds']).out).toBe('');
    expect(dflow(here, ['resume', 'hold:none']).code).toBe(1);
  });

  test('store export and import: the same documents in another store; again nothing', () => {
    const saved = dflow(here, ['store', 'export']).out;
    const other = folder();
    writeFileSync(join(other, 'dflow.yaml'), readFileSync(join(here, 'dflow.yaml'), 'utf8'));
    expect(dflow(other, ['store', 'setup']).code).toBe(0);
    expect(dflow(other, ['store', 'import', '-'], { input: saved }).code).toBe(0);
    expect(dflow(other, ['store', 'export']).out).toBe(saved);
    const again = lines(dflow(other, ['store', 'import', '-', '--json'], { input: saved }).out);
    expect(again.map((item) => item.did)).toEqual(['skipped']);
    const broken = dflow(other, ['store', 'import', '-', '--json'], { input: '\n{"_id":' });
    expect([broken.code, lines(broken.out)[0]?.ref]).toEqual([1, 'line 2']);
    expect(dflow(other, ['store', 'import', 'none.jsonl']).code).toBe(2);
  });

  test('show, history, why, log, status', () => {
    const doc = JSON.parse(dflow(here, ['show', '1/Plot/1', '--json']).out) as Record<string, unknown>;
    expect(doc).toMatchObject({ _id: 'job:0000000001:Plot:001', state: 'completed' });
    expect(doc).not.toHaveProperty('_rev');
    expect(dflow(here, ['show', '9/Plot']).code).toBe(1);
    const states = lines(dflow(here, ['history', '1/Plot/1', '--json']).out).map((row) => row.to);
    expect(states).toEqual(expect.arrayContaining(['waiting', 'submitted', 'completed']));
    expect(dflow(here, ['why', '1', 'Plot']).out).toContain('1/Plot/1');
    expect(dflow(here, ['log', '1/Plot/1']).code).toBe(0);
    expect(JSON.parse(dflow(here, ['status', '--json']).out)).toMatchObject({
      kind: 'status',
      needYou: expect.any(Array),
    });
    expect(dflow(here, ['status']).out).toMatch(/^RUNS +0 open/m);
  });
});
