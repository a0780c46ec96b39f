// The policy table: more memory or time, the module's own rules, what the defaults make of real words, the trial of a
// table, and the hold when most of a site's attempts fail with one cause.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OWN_SCRIPT, POLICY } from '../../src/lib/cli/config/defaults.ts';
import type { HoldDoc } from '../../src/lib/domain/hold.ts';
import { type JobDoc, transition } from '../../src/lib/domain/jobs/job.ts';
import { judge, rulesFor } from '../../src/lib/domain/jobs/policy.ts';
import type { PolicyRule } from '../../src/lib/domain/jobs/policyrule.ts';
import { activeHolds } from '../../src/lib/flow/jobs/openholds.ts';
import { jobSpec } from '../../src/lib/flow/jobs/spec.ts';
import { status } from '../../src/lib/flow/reports/status/status.ts';
import { react } from '../../src/lib/flow/steps/monitor/decide.ts';
import { siteFaults } from '../../src/lib/flow/steps/monitor/faults.ts';
import { resume } from '../../src/lib/flow/switches/holds.ts';
import { plus } from '../../src/lib/util/time.ts';
import { dflow, lines, must } from '../support/cli.ts';
import { farm, job, module, T0 } from '../support/docs.ts';
import { collect, makePorts, type TestPorts } from '../support/ports.ts';

const evidence = (text: string, more: object = {}) => ({ site: 'here', phase: 'lost', reason: text, text, ...more });

describe('more', () => {
  const rule: PolicyRule = { cause: 'oom', text: 'OOM', action: 'more', of: 'memory' };
  const verdict = (more: Partial<PolicyRule>, declared: object, attempt: object = {}, failures = 0) =>
    judge([{ ...rule, ...more }], evidence('OOM'), failures, 5, { module: declared, attempt }).verdict;

  test('twice as much, then again, until four times what the module says', () => {
    expect(verdict({}, { memory: 1000 })).toEqual({ action: 'more', resources: { memory: 2000 } });
    expect(verdict({}, { memory: 1000 }, { memory: 2000 })).toEqual({ action: 'more', resources: { memory: 4000 } });
    expect(verdict({}, { memory: 1000 }, { memory: 4000 })).toEqual({ action: 'fail' });
  });
  test('factor and ceiling; what was raised before stays raised', () => {
    const said = { factor: 1.5, ceiling: 1400 };
    expect(verdict(said, { memory: 1000 })).toEqual({ action: 'more', resources: { memory: 1400 } });
    expect(verdict(said, { memory: 1000 }, { memory: 1400 })).toEqual({ action: 'fail' });
    const time = { of: 'time', factor: 3 } as const;
    expect(verdict(time, { time: 1000 }, { memory: 5 })).toEqual({
      action: 'more',
      resources: { memory: 5, time: 3000 },
    });
  });
  test('nothing to multiply, or no tries left: it fails', () => {
    expect(verdict({}, {})).toEqual({ action: 'fail' });
    expect(verdict({}, { memory: 1000 }, {}, 4)).toEqual({ action: 'fail' });
  });
  test('the next attempt asks for it', () => {
    const lock = { site: 'here', epoch: 1, claim: 'abc', index: 0 };
    const moves = [
      { index: 0, event: 'claim', to: { name: 'submitting', since: T0, lock }, with: { attempt: 1 } },
      { index: 0, event: 'record', to: { name: 'submitted', since: T0, lock, backendId: 'b' } },
    ] as const;
    const def = module('Count', { memory: 1000, time: 60_000 });
    const run = transition(job({ module: def }), moves, T0, 't');
    const at = plus(T0, 1000);
    const record = { key: 'abc.0', execution: 'e', phase: 'payload', exit: 1, reason: 'OOM', wall: 1, host: 'w' };
    const seen = { kind: 'observation', site: 'here', key: 'abc.0', job: run._id, subjob: 0, at } as const;
    const context = { now: at, grace: 1, policy: [rule], tries: 3, declared: { memory: 1000, time: 60_000 } };
    const reaction = react(
      run.subjobs[0],
      { ...seen, state: 'recorded', record: { ...record, outputs: [] } },
      undefined,
      context,
    );
    expect(reaction).toMatchObject({ do: 'move', did: 'retried', text: 'oom: OOM; again with 2000 MiB' });
    const next = transition(run, reaction.do === 'move' ? [reaction.move] : [], at, 't');
    const asked = { farm: farm(), module: def, data: undefined, prerequisites: new Map(), storages: new Map() };
    const rest = { storageSettings: [], types: [], experiment: 'x' };
    const subjob = { ...next.subjobs[0]!, inputs: [] };
    const spec = jobSpec(next, subjob, 'abd.0', { ...asked, ...rest, farm: { ...farm(), output: [] } });
    expect(spec).toMatchObject({ memory: 2000, limit: 60 });
  });
});

test.each([
  ['gfal-copy error: 70 (Communication error on send)', 'copy-failed', 'later'],
  ['gfal-copy error: 110 (Connection timed out) - timed out', 'connection-timed-out', 'later'],
  ['slurmstepd: error: *** JOB 12 ON n1 CANCELLED AT 2026-07-14T02:00:00 DUE TO TIME LIMIT ***', 'time-limit', 'fail'],
  ['connect to lcg-snodb:5432: No route to host', 'db-no-route', 'later'],
  ['OUT_OF_MEMORY 0:125', 'out-of-memory', 'more'],
  ['ended without a result record (TIMEOUT 0:9)\nTIMEOUT 0:9 TimeLimit', 'time-limit', 'fail'],
  ['NODE_FAIL 1:0', 'node-fail', 'retry'],
  ['PREEMPTED 0:15', 'preempted', 'retry'],
  ['CANCELLED by 0 0:15', 'canceled-outside', 'hold'],
  ['HOLD 6/2 Error from slot1: executable missing', 'cannot-start', 'later'],
])('defaults: %s', (text, cause, action) => {
  const judged = judge(POLICY, evidence(text), 0, 3, { module: { memory: 100 }, attempt: {} });
  expect(judged.failure.cause).toBe(cause);
  expect(judged.verdict.action).toBe(action);
});

test.each([
  ["python3: can't open file '/scratch/x/plot.py': [Errno 2] No such file or directory", 2, 'script-not-found'],
  ['Can\'t open perl script "plot.pl": No such file or directory', 2, 'script-not-found'],
  ["Fatal error: cannot open file 'plot.R': No such file or directory", 2, 'script-not-found'],
  ['sh: 1: plot.sh: not found', 127, 'command-not-found'],
])('a script that a job does not have: %s', (text, exit, cause) => {
  const { failure } = judge(POLICY, { site: 'a', phase: 'payload', exit, reason: `exit ${exit}`, text }, 0, 3);
  expect([failure.cause, failure.reason]).toEqual([cause, `exit ${exit}; ${OWN_SCRIPT}`]);
});

test('a file of data that cannot be opened is not a script', () => {
  const text = "FileNotFoundError: [Errno 2] No such file or directory: 'x.csv'";
  const { failure } = judge(POLICY, { site: 'a', phase: 'payload', exit: 1, reason: 'exit 1', text }, 0, 3);
  expect([failure.cause, failure.reason]).toEqual(['exit-1', 'exit 1']);
});

describe('most attempts of a site fail with one cause', () => {
  let ports: TestPorts;
  let now = Date.parse(T0);
  beforeEach(async () => {
    now = Date.parse(T0);
    ports = await makePorts({ now: () => now, config: { siteFault: { minimum: 4, hold: '30 min' } } });
  });
  afterEach(() => ports.remove());

  const kind = { site: 'here', module: 'Count', version: '1.0' };
  const at = (minutes: number) => plus(T0, minutes * 60_000);

  /** One pass with a single subjob that ended at a minute: failed with `cause`, or completed. */
  async function ended(run: number, minute: number, cause?: string): Promise<void> {
    const base = job({ run, module: module('Count', { level: 'run' }) });
    const failure = { cause: cause ?? '', reason: 'r', site: 'here' };
    const lock = { site: 'here', epoch: 1, claim: `c${run}`, index: 0 };
    const since = at(minute);
    const done = { name: 'completed', since, lock, execution: 'e', outputs: [], usage: {} } as const;
    const state = cause ? ({ name: 'waiting', since, wake: { kind: 'ready' } } as const) : done;
    const last = cause ? { lastFailure: { ...failure, at: since } } : {};
    const doc: JobDoc = { ...base, subjobs: [{ ...base.subjobs[0]!, state, ...last }], state: state.name };
    await ports.store.update(doc._id, () => ({ write: doc }));
  }

  test('the kind is held there, once, for a while; other kinds and sites are not', async () => {
    for (let run = 1; run <= 5; run++) await ended(run, run, run === 3 ? undefined : 'db-no-route');
    now = Date.parse(at(10));
    const [item, ...rest] = await collect(siteFaults(ports, [kind, kind]));
    expect(rest).toEqual([]);
    expect(item).toMatchObject({ did: 'paused', failed: true, cause: 'db-no-route', ref: 'hold:fault-here-Count-1.0' });
    expect(item?.text).toContain('db-no-route: 4 of the last 5 attempts of Count 1.0 at here');
    const [hold] = await activeHolds(ports.store, at(10));
    expect(hold).toMatchObject({
      what: 'pause',
      until: at(40),
      scope: { modules: ['Count'], versions: ['1.0'], sites: ['here'] },
    });
    expect(await collect(siteFaults(ports, [kind]))).toEqual([]);
    const needs = (await status(ports)).needYou.map(({ text, next }) => `${text} | ${next}`);
    expect(needs).toContain(
      `submission is held: ${hold?.why}, until ${at(40)} | dflow resume hold:fault-here-Count-1.0`,
    );
  });

  test.each([
    ['too few', [1, 2, 3].map((run) => [run, run, 'a'] as const)],
    ['no cause has most', [1, 2, 3, 4, 5, 6, 7, 8].map((run) => [run, run, run % 2 ? 'a' : 'b'] as const)],
    ['long ago', [1, 2, 3, 4, 5].map((run) => [run, run - 100, 'a'] as const)],
  ])('%s: nothing is held', async (_what, attempts) => {
    for (const [run, minute, cause] of attempts) await ended(run, minute, cause);
    now = Date.parse(at(10));
    expect(await collect(siteFaults(ports, [kind]))).toEqual([]);
  });

  test('after somebody has resumed it, only new failures count', async () => {
    for (let run = 1; run <= 5; run++) await ended(run, run, 'a');
    now = Date.parse(at(10));
    await collect(siteFaults(ports, [kind]));
    now = Date.parse(at(11));
    await collect(resume(ports, ['hold:fault-here-Count-1.0'], 'corrected'));
    now = Date.parse(at(20));
    await ended(6, 15, 'a');
    expect(await collect(siteFaults(ports, [kind]))).toEqual([]);
    for (let run = 7; run <= 9; run++) await ended(run, 16, 'a');
    expect(await collect(siteFaults(ports, [kind]))).toHaveLength(1);
    const hold = (await ports.store.get<HoldDoc>(['hold:fault-here-Count-1.0'])).get('hold:fault-here-Count-1.0');
    expect(hold?.ended).toBeUndefined();
  });
});

describe('in the configuration', () => {
  let folder = '';
  const config = (policy: string): void => {
    const text = `buffer: {path: ./raw, pattern: 'run{run:3}.dat'}\nstorage: {disk: ./store}\n${policy}`;
    writeFileSync(join(folder, 'dflow.yaml'), text);
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dflow-policy-'));
    for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
    const own = '{cause: calibration-missing, text: no such constant, action: hold}';
    const big = `{run: x, outputs: {a: a.txt}, memory: 1 GB, policy: [${own}]}`;
    writeFileSync(
      join(folder, 'modules', '1.0.yaml'),
      `modules:\n  Small: {run: x, outputs: {a: a.txt}}\n  Big: ${big}\n`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ["{cause: a, text: '(', action: fail}", /dflow\.yaml:3:\d+\n?.*/, /is not a regular expression/],
    ['{cause: a, action: more}', /dflow\.yaml:3:10/, /action: more says of what/],
    ['{cause: a, action: more, of: time, ceiling: much}', /dflow\.yaml:3:/, /'much' is not a duration/],
    ['{cause: a, action: retry, of: time}', /dflow\.yaml:3:/, /of belongs to action: more/],
    ['{cause: a, action: more, of: memory, factor: 1}', /dflow\.yaml:3:/, /greater than 1/],
  ])('%s is refused with its place', (rule, where, message) => {
    config(`policy: [${rule}]\n`);
    const { code, err } = dflow(folder, ['config', 'check']);
    expect(code).toBe(2);
    expect(err).toMatch(where);
    expect(err).toMatch(message);
  });

  test('a wrong expression of a module is named in its file', () => {
    config('');
    const file = join(folder, 'modules', '2.0.yaml');
    writeFileSync(
      file,
      `modules:\n  A:\n    run: x\n    outputs: {a: a.txt}\n    policy:\n      - {cause: b, text: '[', action: fail}\n`,
    );
    const { code, err } = dflow(folder, ['config', 'check']);
    rmSync(file);
    expect(code).toBe(2);
    expect(err).toMatch(/modules\/2\.0\.yaml:6:26/);
  });

  test('policy test: own rules, then the defaults; a module has its own before them', () => {
    config('policy:\n  - {cause: too-big, text: huge, action: more, of: memory, factor: 3, ceiling: 8 GB}\n');
    const failures = [
      { exit: 2, text: 'a huge event', module: 'Big' },
      { exit: 2, text: 'a huge event', module: 'Small' },
      { exit: 2, text: 'no such constant', module: 'Big' },
      { exit: 2, text: 'no such constant', module: 'Small' },
      { signal: 9, text: 'killed' },
      { exit: 3, text: 'x', failures: 2 },
    ];
    const input = `${failures.map((one) => JSON.stringify(one)).join('\n')}\n\n`;
    const rows = lines(dflow(folder, ['policy', 'test', '-', '--json'], { input }).out);
    expect(rows.map(({ cause, action, verdict }) => [cause, action, verdict])).toEqual([
      ['too-big', 'more', 'again with 3072 MiB'],
      ['too-big', 'fail', 'failed for good'],
      ['calibration-missing', 'hold', 'held until a person acts'],
      ['exit-2', 'retry', 'again now'],
      ['killed', 'retry', 'again now'],
      ['exit-3', 'fail', 'failed for good'],
    ]);
    const wrong = dflow(folder, ['policy', 'test', '-'], { input: '{"exit": 2}\n{"exit": "two"}\n' });
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('standard input:2');
    // A line of `list jobs` says which job, not what went wrong.
    const listed = dflow(folder, ['policy', 'test', '-'], { input: '{"kind":"job","ref":"1/Big/1","cause":"lost"}\n' });
    expect([listed.code, listed.err]).toEqual([2, expect.stringMatching(/standard input:1[\s\S]*policy test --all/)]);
    expect(dflow(folder, ['policy', 'test']).code).toBe(2);
    must(folder, ['store', 'setup']);
    expect(must(folder, ['policy', 'test', '--all', '--json'])).toBe('');
  });
});

test('rules of a module stand before those of the configuration', () => {
  const own: PolicyRule = { cause: 'own', action: 'hold' };
  const all: PolicyRule = { cause: 'all', action: 'fail' };
  const modules = { '1.0': { version: '1.0', path: '', modules: { A: module('A', { policy: [own] }) }, runTypes: {} } };
  const settings = { modules, policy: [all] } as never;
  expect(rulesFor(settings, '1.0', 'A').map((rule) => rule.cause)).toEqual(['own', 'all']);
  expect(rulesFor(settings, '1.0', 'B').map((rule) => rule.cause)).toEqual(['all']);
});
