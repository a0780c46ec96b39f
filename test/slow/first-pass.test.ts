// The first pass as named jobs, on a real store with real commands: order, failures, what is required, and going on.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { isGone } from '../../src/lib/util/processes/processes.ts';
import { dflow, folder, lines, must, rawFolder, removeFolders, start } from '../support/cli.ts';

afterAll(removeFolders);

const WAIT = { timeout: 60_000, interval: 20 };

/** Prints a table for the run, and notes the call. */
const table = (name: string): string =>
  `echo ${name} >> calls; echo "{name: \\"${name}\\", run_range: [$DFLOW_RUN, $DFLOW_RUN], runtype: $(cat type)}"`;

interface Row {
  readonly ref: string;
  readonly state: string;
  readonly tries: number;
  readonly why?: string;
}

function modules(made: string): void {
  mkdirSync(join(made, 'modules'));
  const text = `modules: {Count: {level: run, run: 'wc -c "$@" > "$OUT_other_count"', outputs: {other_count: count.txt}}}\n`;
  writeFileSync(join(made, 'modules', '1.0.yaml'), `${text}runTypes: {Physics: Count}\n`);
}

/** An experiment with these jobs, of which the first `runs` runs are complete. */
function experiment(jobs: Record<string, object>, runs = 1): string {
  const made = rawFolder(runs + 1);
  const tables = { required: ['RUN'], jobs };
  writeFileSync(join(made, 'type'), '4');
  writeFileSync(
    join(made, 'dflow.yaml'),
    `experiment: first\nbuffer: {level: L1, path: ./raw, pattern: 'run{run}_{subrun}.dat', closed: settled, settle: 0}
storage: {disk: ./disk}\nruns: {quiet: 48 h}\nautomatic: {version: '1.0'}\ntables: ${JSON.stringify(tables)}\n`,
  );
  modules(made);
  must(made, ['store', 'setup']);
  must(made, ['register'], [0, 1]);
  must(made, ['register'], [0, 1]);
  return made;
}

const rows = (made: string, ...more: string[]): Row[] =>
  lines<Row>(must(made, ['list', 'first-pass', ...more, '--json']));
const states = (made: string): string[] => rows(made).map(({ ref, state, tries }) => `${ref} ${state} ${tries}`);
const calls = (made: string): string[] =>
  existsSync(join(made, 'calls')) ? readFileSync(join(made, 'calls'), 'utf8').trim().split('\n') : [];

describe('named jobs of the first pass', () => {
  test('run in the order of their needs, each once; one that fails keeps only those that need it', () => {
    const made = experiment({
      summary: { run: 'echo summary >> calls', needs: ['dq', 'plots'], required: false },
      plots: { run: 'echo plots >> calls; echo no disk >&2; exit 3', needs: 'runtable', required: false, tries: 1 },
      dq: { run: 'echo dq >> calls', needs: 'runtable' },
      runtable: { run: table('RUN'), makes: 'RUN' },
    });
    const items = lines<{ did: string; ref: string; text?: string }>(must(made, ['tables', '--json'], [1]));
    expect(items.filter(({ did }) => did === 'tabled').map(({ ref }) => ref)).toEqual(['1/runtable', '1/dq']);
    expect(items.find(({ did }) => did === 'failed')).toMatchObject({
      ref: '1/plots',
      text: 'exit 3: no disk; given up after 1 failure',
      next: 'dflow log 1/plots',
    });
    expect(calls(made)).toEqual(['RUN', 'plots', 'dq']);
    expect(states(made)).toEqual([
      '1/runtable completed 1',
      '1/plots failed 1',
      '1/dq completed 1',
      '1/summary waiting 0',
    ]);
    // What is not required does not keep the run: its passes are made, and the jobs stay in sight.
    expect(must(made, ['enqueue'])).toContain('1/Count/1');
    expect(must(made, ['why', '1'])).toMatch(
      /NO {2}first-pass {2}plots \(not required\): failed once, given up: exit 3: no disk/,
    );
    expect(must(made, ['status', '--format', 'table'])).toMatch(
      /1 job of the first pass failed: 1\/plots \(exit 3: no disk, given up\)/,
    );
    expect(must(made, ['show', '1', '--format', 'table'])).toMatch(/FIRST PASS[\s\S]*1\/plots +failed/);
    expect(must(made, ['log', '1/plots'])).toContain('no disk');
    expect(must(made, ['why', '1/summary'])).toContain('waits for plots');
    // A second call repeats nothing; one job is tried again by its name, and what needs it follows.
    expect(must(made, ['tables'])).toBe('');
    expect(calls(made)).toHaveLength(3);
    const config = readFileSync(join(made, 'dflow.yaml'), 'utf8').replace('exit 3', 'exit 0');
    writeFileSync(join(made, 'dflow.yaml'), config);
    expect(must(made, ['retry', '1/plots', '--dry-run'])).toContain('retried\t1/plots');
    expect(must(made, ['tables'])).toBe('');
    expect(must(made, ['retry', '1/plots'])).toContain('retried\t1/plots');
    must(made, ['tables']);
    expect(calls(made).slice(3)).toEqual(['plots', 'summary']);
    expect(states(made).every((row) => row.includes('completed'))).toBe(true);
  });

  test('a run waits for the jobs that it requires, by its type; a type that is corrected later is looked at again', () => {
    const made = experiment({
      runtable: { run: table('RUN'), makes: 'RUN' },
      dq: { run: 'echo dq >> calls; test -e ready', when: 'Physics', needs: 'runtable' },
    });
    writeFileSync(join(made, 'type'), '1');
    must(made, ['tables']);
    expect(states(made)).toEqual(['1/runtable completed 1']);
    expect(must(made, ['enqueue'])).toContain('nothing-asked');
    expect(must(made, ['why', '1/dq'])).toContain('Maintenance does not need the job; Physics does');
    // Somebody corrects the table: now the job is needed, and the run waits for it.
    const file = join(made, 'RUN.ratdb');
    writeFileSync(file, '{name: "RUN", run_range: [1, 1], runtype: 4, pass: 2}');
    must(made, ['tables', 'load', file]);
    must(made, ['tables'], [1]);
    expect(must(made, ['enqueue'])).toBe('');
    expect(must(made, ['why', '1'])).toMatch(/is not processed: dq: failed once: exit 1; next try/);
    writeFileSync(join(made, 'ready'), '');
    must(made, ['retry', '1/dq']);
    must(made, ['tables']);
    expect(must(made, ['enqueue'])).toContain('1/Count/1');
    // The reverse: what was made stays, and is said.
    writeFileSync(file, '{name: "RUN", run_range: [1, 1], runtype: 1, pass: 3}');
    expect(must(made, ['tables', 'load', file])).toContain('it does not ask for Count any more\tdflow why 1');
    const why = must(made, ['why', '1']);
    expect(why).toContain('Maintenance does not ask for Count: made for another run type');
    expect(why).toContain('dflow cancel 1/Count/1');
    must(made, ['cancel', '1/Count/1', '--yes']);
    expect(must(made, ['why', '1'])).not.toContain('another run type');
  });

  test('a kill in the middle ends what was started; what was recorded is not repeated, and the rest goes on at once', async () => {
    const made = experiment({
      runtable: { run: table('RUN'), makes: 'RUN' },
      dq: { run: 'echo dq >> calls; test -e ready || { sleep 600 & echo $! > pid; wait; }', needs: 'runtable' },
    });
    const first = start(made, ['tables']);
    await vi.waitUntil(() => existsSync(join(made, 'pid')) && readFileSync(join(made, 'pid'), 'utf8') !== '', WAIT);
    const pid = Number(readFileSync(join(made, 'pid'), 'utf8'));
    // Another call meanwhile runs nothing twice.
    expect(must(made, ['tables'])).toBe('');
    first.kill('SIGKILL');
    await vi.waitUntil(() => isGone(pid), WAIT);
    writeFileSync(join(made, 'ready'), '');
    must(made, ['tables']);
    expect(calls(made)).toEqual(['RUN', 'dq', 'dq']);
    expect(states(made)).toEqual(['1/runtable completed 1', '1/dq completed 2']);
    expect(must(made, ['list', 'tables'])).not.toContain(':002');
  }, 120_000);

  test('a signal gives the job back', async () => {
    const made = experiment({ dq: { run: 'test -e ready || { sleep 600 & echo $! > pid; wait; }' } });
    const first = start(made, ['tables']);
    await vi.waitUntil(() => existsSync(join(made, 'pid')) && readFileSync(join(made, 'pid'), 'utf8') !== '', WAIT);
    const ended = new Promise((resolve) => first.on('exit', resolve));
    first.kill('SIGTERM');
    await ended;
    await vi.waitUntil(() => isGone(Number(readFileSync(join(made, 'pid'), 'utf8'))), WAIT);
    expect(rows(made)).toMatchObject([{ state: 'waiting', tries: 1 }]);
  }, 120_000);

  test('after its time a job and all that it started are stopped', () => {
    const late = "sh -c 'trap : TERM; sleep 60; sleep 60' & echo $! > pid; wait; wait";
    const made = experiment({ slow: { run: late, timeout: '300 ms', tries: 1 } });
    const out = must(made, ['tables'], [1]);
    expect(out).toContain('longer than 300ms; given up after 1 failure');
    const pid = Number(readFileSync(join(made, 'pid'), 'utf8'));
    expect(isGone(pid)).toBe(true);
  }, 60_000);

  test.each([
    [
      'an unknown name',
      { a: { run: 'true', needs: 'dqq' }, dq: { run: 'true' } },
      "no job of the first pass 'dqq'; did you mean dq?",
    ],
    [
      'a circle',
      { a: { run: 'true', needs: 'b' }, b: { run: 'true', needs: 'a' } },
      'jobs need each other in a circle: a -> b -> a',
    ],
    ['an unknown run type', { a: { run: 'true', when: 'Phisics' } }, "no run type 'Phisics'; did you mean Physics?"],
    ['a module', { Count: { run: 'true' } }, "'Count' is a module too"],
    ['no command', { a: { needs: 'b' } }, 'tables.jobs.a.run: is missing'],
  ])('%s in the configuration is refused', (_what, jobs, expected) => {
    const made = folder();
    writeFileSync(
      join(made, 'dflow.yaml'),
      `storage: {disk: ./disk}\nbuffer: {path: ./raw, pattern: 'r{run}.dat', level: L1}\n`,
    );
    modules(made);
    appendFileSync(join(made, 'dflow.yaml'), `tables: ${JSON.stringify({ jobs })}\n`);
    const ran = dflow(made, ['config', 'check']);
    expect([ran.code, `${ran.out}${ran.err}`]).toEqual([2, expect.stringContaining(expected)]);
    rmSync(made, { recursive: true });
  });
});
