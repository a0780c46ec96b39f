// Sites that are odd rather than broken, each with a small experiment on a real batch system: a worker whose clock is five
// minutes off, a job that prints 2 GB, a shared folder that is read-only for a while, a site that is away for longer than
// `giveUp` and comes back.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../contracts/backend.ts';
import { BIN, environment, must } from '../support/cli.ts';
import type { Experiment } from './experiment.ts';
import { CONDOR, configure, discard, GANGA_LOCAL, KINDS, type Kind, optionsOf, prepared, SLURM } from './systems.ts';

let experiment: Experiment | undefined;
afterEach(() => {
  discard(experiment);
  experiment = undefined;
  rmSync(join(tmpdir(), `dflow-faketime-${process.pid}.so`), { force: true });
});

const each = <K extends Kind>(kinds: readonly K[]) => kinds.map((kind) => [kind.name, kind] as const);
const COUNT = 'echo $DFLOW_RUN >> $MARKS; echo ok > "$OUT_out"';

describe.each(each(KINDS))('%s: the worker’s clock is off', (_, kind) => {
  test.each([
    '+300',
    '-300',
  ])('by %s s: times are those of dflow, nothing is lost, a dead job is found', async (off) => {
    // The payload waits to be seen; its date shows that the worker's clock is off, and the second job's wrapper dies.
    const run = `date +%s > $MARKS.now; mv $MARKS.now $MARKS.date; while [ -e $MARKS.date ] && [ ! -e $MARKS.go ]; do sleep 0.2; done; ${COUNT}`;
    const die = `[ -e $MARKS.died ] || { : > $MARKS.died; ${kind === GANGA_LOCAL ? DIE_WITH_BEAT : 'kill -KILL $PPID'}; sleep 60; }; echo ok > "$OUT_out"`;
    const one = prepared(kind, 1, { Look: { run }, Die: { run: die } });
    experiment = one;
    skew(one, kind, off);
    const before = Date.now();
    expect(one.dflow(['submit']).code).toBe(0);
    const marks = join(one.folder, 'marks');
    await until('the payload', async () => existsSync(`${marks}.date`) || undefined, 60);
    const shown = Number(readFileSync(`${marks}.date`, 'utf8'));
    expect(Math.abs(shown - before / 1_000 - Number(off))).toBeLessThan(100);
    // Several rounds beyond `grace`: it is seen running all the time.
    for (let round = 0; round < 4; round++) {
      for (const step of ['monitor', 'reset']) must(one.folder, [step], [0, 1]);
      execFileSync('sleep', ['0.5']);
    }
    expect(one.states().get('1/Look')).toMatchObject({ name: 'running' });
    writeFileSync(`${marks}.go`, '');
    one.rounds(() => one.count('completed') === 2, 60);
    const [look, dead] = ['1/Look', '1/Die'].map((name) => one.states().get(name));
    expect(one.marks()).toEqual(['1']);
    // Durations and dates are real ones.
    expect(look.usage.wall).toBeGreaterThan(1);
    expect(look.usage.wall).toBeLessThan(100);
    for (const { since } of [look, dead]) {
      expect(Date.parse(since)).toBeGreaterThan(before);
      expect(Date.parse(since)).toBeLessThanOrEqual(Date.now());
    }
    expect(existsSync(`${marks}.died`)).toBe(true);
  }, 180_000);
});

/** Ganga's script and its heartbeat go with the wrapper, as they do with a node. */
const DIE_WITH_BEAT = 'kill -KILL $DFLOW_BEAT $PPID';

/** Jobs run with a clock that is `off` seconds off; dflow does not, nor do the batch system's own commands. */
function skew(one: Experiment, kind: Kind, off: string): void {
  // A place without blanks, that is there wherever the job runs: LD_PRELOAD is a list.
  const library = join(tmpdir(), `dflow-faketime-${process.pid}.so`);
  copyFileSync('/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1', library);
  chmodSync(library, 0o755);
  const variables = [`LD_PRELOAD=${library}`, `FAKETIME=${off}`, 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
  if (kind === CONDOR) {
    configure(one, kind, optionsOf(kind, `extra: ['environment = "${variables.join(' ')}"']`));
    return;
  }
  if (kind === SLURM) {
    const program = join(one.folder, 'bin/sbatch');
    writeFileSync(program, `#!/bin/sh\nexec /usr/bin/sbatch --export=ALL,${variables.join(',')} "$@"\n`);
    chmodSync(program, 0o755);
    return;
  }
  // Ganga's own scripts take all variables away: only the payload's clock is off there.
  const path = join(one.folder, 'dflow.yaml');
  const env = variables.map((variable) => variable.replace('=', ": '")).join("', ");
  writeFileSync(path, readFileSync(path, 'utf8').replace('slots: 2000,', `slots: 2000, env: {${env}'},`));
}

describe.each(each(KINDS))('%s: a job prints 2 GB', (_, kind) => {
  test('the record has its end, log and monitor read no more of it', () => {
    const run = 'head -c 2147483648 /dev/zero | tr "\\0" x; echo; echo offset 17 is wrong; exit 3';
    const one = prepared(kind, 1, { Loud: { run } }, '', 1);
    experiment = one;
    must(one.folder, ['submit']);
    const open = ['submitting', 'submitted', 'running', 'waiting'];
    let slowest = 0;
    one.rounds(() => {
      const began = Date.now();
      must(one.folder, ['monitor'], [0, 1]);
      slowest = Math.max(slowest, Date.now() - began);
      return open.every((name) => one.count(name) === 0);
    }, 80);
    expect(one.states().get('1/Loud')).toMatchObject({
      name: 'failed',
      failure: { cause: 'exit-3', reason: 'exit 3: offset 17 is wrong' },
    });
    const log = measured(one, ['log', '1/Loud', '--bytes', '2000']);
    expect(log.out).toContain('offset 17 is wrong');
    expect(log.out.length).toBeLessThan(4_000);
    const list = measured(one, ['list', 'jobs', '--state', 'all']);
    console.log(`${kind.name}: monitor at most ${slowest} ms; log ${log.ms} ms, ${log.kib} KiB; list ${list.kib} KiB`);
    expect(log.kib).toBeLessThan(list.kib + 50_000);
    expect(log.ms).toBeLessThan(10_000);
    expect(slowest).toBeLessThan(20_000);
  }, 180_000);
});

/** A command's output, its time, and the most memory that it had. */
function measured(one: Experiment, args: readonly string[]): { out: string; ms: number; kib: number } {
  const began = Date.now();
  const words = ['-f', 'KIB %M', process.execPath, BIN, ...args];
  const ran = spawnSync('/usr/bin/time', words, {
    cwd: one.folder,
    encoding: 'utf8',
    env: environment({}, one.folder),
  });
  expect(ran.status, ran.stderr).toBe(0);
  return { out: ran.stdout, ms: Date.now() - began, kib: Number(/KIB (\d+)/.exec(ran.stderr)?.[1]) };
}

describe.each(each(KINDS))('%s: the shared folder is read-only for a while', (_, kind) => {
  test('submit says so and changes nothing for good; afterwards all is done', async () => {
    // Run 1 ends before, run 2 meanwhile; 3 and 4 are to be submitted meanwhile.
    const run = `${COUNT}; while [ $DFLOW_RUN = 2 ] && [ -e $MARKS ] && [ ! -e $MARKS.go ]; do sleep 0.2; done`;
    const one = prepared(kind, 4, { Count: { run } });
    experiment = one;
    must(one.folder, ['submit', '--limit', '2', '--order', 'lowest']);
    for (let round = 0; round < 60 && one.count('completed') + one.marks().length < 3; round++) {
      must(one.folder, ['monitor'], [0, 1]);
    }
    expect([...one.states().values()].map(({ name }) => name).sort()).toEqual([
      'completed',
      'running',
      'waiting',
      'waiting',
    ]);
    const shared = join(one.folder, '.dflow/cedar');
    execFileSync('mount', ['--bind', shared, shared]);
    try {
      execFileSync('mount', ['-o', 'remount,bind,ro', shared]);
      const ran = one.dflow(['submit']);
      expect(ran.code).toBe(5);
      expect(ran.err + ran.out).toMatch(/read-only/i);
      writeFileSync(join(one.folder, 'marks.go'), '');
      expect([0, 5]).toContain(one.dflow(['monitor']).code);
      execFileSync('sleep', ['2']);
      expect([0, 5]).toContain(one.dflow(['monitor']).code);
      // HTCondor's workers see the folder by another mount, where it can be written.
      expect(one.count('completed')).toBeLessThanOrEqual(kind === CONDOR ? 2 : 1);
      expect(one.count('failed') + one.count('held')).toBe(0);
    } finally {
      execFileSync('umount', [shared]);
    }
    one.rounds(() => one.count('completed') === 4);
    // Where the record of run 2 could not be written its result is lost, and it is done again.
    expect(new Set(one.marks())).toEqual(new Set(['1', '2', '3', '4']));
    expect(one.marks().length).toBeLessThanOrEqual(5);
    expect([...one.states()].filter(([, { outputs }]) => outputs.length !== 1)).toEqual([]);
  }, 120_000);
});

/** A sleep that nobody else has: it is looked for by its words. */
const NAP = 600 + (process.pid % 1_000) / 1_000;

describe.each(each(KINDS))('%s: a site that was away for longer than giveUp returns', (_, kind) => {
  test('its jobs were done elsewhere meanwhile: what it finished is nobody’s, what still runs is stopped', async () => {
    // At the site that will be away, run 1 ends at once and run 2 never; elsewhere both end at once.
    const run = `echo $DFLOW_RUN $WHERE >> $MARKS; [ "$WHERE$DFLOW_RUN" != away2 ] || sleep ${NAP}; echo $WHERE > "$OUT_out"`;
    const one = prepared(kind, 2, { Count: { run } });
    experiment = one;
    const path = join(one.folder, 'dflow.yaml');
    const text = readFileSync(path, 'utf8')
      .replace('slots: 2000,', 'slots: 2000, env: {WHERE: away},')
      .replace('farms: {cedar', 'farms: {here: {backend: local, slots: 2, env: {WHERE: here}}, cedar')
      .replace('stale: 1s}', 'stale: 1s, giveUp: 3s}');
    writeFileSync(path, text);
    must(one.folder, ['submit', '--site', 'cedar']);
    await until('both at work', async () => one.marks().length === 2 || undefined, 60);
    // Nobody asks for it for longer than giveUp; then another site's loops take over.
    execFileSync('sleep', ['3.5']);
    for (let round = 0; round < 60 && one.count('completed') < 2; round++) {
      for (const step of ['reset', 'submit', 'monitor']) must(one.folder, [step, '--site', 'here'], [0, 1, 75]);
    }
    expect([...one.states().values()].map(({ name, lock }) => `${name} ${lock.site}`)).toEqual([
      'completed here',
      'completed here',
    ]);
    const outputs = JSON.stringify([...one.states().values()].map((state) => state.outputs));
    // It is back.
    const alive = () => spawnSync('pgrep', ['-f', `^sleep ${NAP}$`], { encoding: 'utf8' }).stdout.trim();
    for (let round = 0; round < 20; round++) {
      for (const step of ['monitor', 'reset', 'submit']) must(one.folder, [step, '--site', 'cedar'], [0, 1, 75]);
      if (alive() === '') break;
    }
    expect(alive()).toBe('');
    expect(JSON.stringify([...one.states().values()].map((state) => state.outputs))).toBe(outputs);
    expect(one.marks()).toEqual(['1 away', '1 here', '2 away', '2 here']);
    for (const state of one.states().values())
      expect(readFileSync(join(one.folder, 'store', state.outputs[0].path), 'utf8')).toBe('here\n');
  }, 120_000);
});
