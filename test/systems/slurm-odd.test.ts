// What real Slurm does now and then: loses a node whose job lives, remembers late, holds for an operator.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../contracts/backend.ts';
import { must } from '../support/cli.ts';
import type { Experiment } from './experiment.ts';
import { confOf, slurm, stopDaemon, up, useFull } from './slurm-world.ts';
import { discard, prepared, SLURM } from './systems.ts';

let experiment: Experiment | undefined;
const PATH = process.env.PATH;
afterEach(() => {
  process.env.PATH = PATH;
  discard(experiment);
  experiment = undefined;
});

const state = (one: Experiment, name: string) => one.states().get(`1/${name}`);

describe('slurm loses contact with a node', () => {
  /** The node's daemon of the cluster that calls a node down after 5 s. */
  const slurmd = (): number => Number(readFileSync(join(confOf('full'), '../../slurmd.pid'), 'utf8'));
  afterEach(() => {
    for (const daemon of ['slurmd', 'slurmctld'] as const) stopDaemon('full', daemon, 'KILL');
  });

  test('NODE_FAIL while its job lives: the heartbeat says so, and its result counts; a dead one is done again', async () => {
    useFull();
    const run =
      'echo $$ $PPID >> $MARKS.pids; while [ -e $MARKS.pids ] && [ ! -e $MARKS.go ]; do sleep 0.2; done; echo ok > "$OUT_out"';
    const modules = { Lives: { run }, Dies: { run: run.replaceAll('$MARKS', '$MARKS.dies') } };
    const one = prepared({ ...SLURM, use: useFull }, 1, modules, 'beat: 1s');
    experiment = one;
    must(one.folder, ['submit']);
    const marks = join(one.folder, 'marks');
    await until(
      'both payloads',
      async () => (existsSync(`${marks}.pids`) && existsSync(`${marks}.dies.pids`)) || undefined,
    );
    must(one.folder, ['monitor']);
    const ids = Object.fromEntries(['Lives', 'Dies'].map((name) => [name, String(state(one, name).backendId)]));
    process.kill(slurmd(), 'SIGSTOP');
    // Everything of the second job at once, its heartbeat first, as when a node loses its power.
    const [payload, wrapper] = readFileSync(`${marks}.dies.pids`, 'utf8').trim().split(' ').map(Number);
    const above = parents(wrapper!, slurmd());
    const beats = above.flatMap(childrenOf).filter((pid) => pid !== payload && !above.includes(pid));
    expect(beats.length).toBeGreaterThan(0);
    for (const pid of [...beats, ...above, payload]) process.kill(pid!, 'SIGKILL');
    const words = () =>
      ['Lives', 'Dies'].map((name) => slurm('squeue', '-h', '-t', 'all', '-j', ids[name]!, '-o', '%T').trim());
    await until('NODE_FAIL', async () => words().every((word) => word === 'NODE_FAIL') || undefined, 60);
    await until('the dead one to be missed', async () => {
      must(one.folder, ['monitor'], [0, 1]);
      return state(one, 'Dies').name === 'running' ? undefined : true;
    });
    expect(state(one, 'Lives')).toMatchObject({
      name: 'running',
      raw: expect.stringMatching(/^NODE_FAIL.*its heartbeat goes on$/),
    });
    const { out } = one.dflow(['history', '1/Dies']);
    expect(out).toContain('node-fail');
    // The living one ends while Slurm still knows nothing of it.
    for (const name of ['marks.go', 'marks.dies.go']) writeFileSync(join(one.folder, name), '');
    await until('its result', async () => {
      must(one.folder, ['monitor'], [0, 1]);
      return state(one, 'Lives').name === 'completed' || undefined;
    });
    process.kill(slurmd(), 'SIGCONT');
    up('full');
    one.rounds(() => one.count('completed') === 2);
    expect(readFileSync(`${marks}.pids`, 'utf8').trim().split('\n').length).toBe(1);
    expect(readFileSync(`${marks}.dies.pids`, 'utf8').trim().split('\n').length).toBe(2);
    // Only what was torn away has left its last one.
    expect(readdirSync(join(one.folder, '.dflow/cedar/beats')).length).toBe(1);
  }, 150_000);
});

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

/** A process and those above it, up to the daemon. */
function parents(pid: number, daemon: number): number[] {
  const up = Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
  return up === daemon || up <= 1 ? [pid] : [...parents(up, daemon), pid];
}

describe('slurm remembers late', () => {
  test('squeue has forgotten and sacct lags, by less than grace: each job gets its own end', async () => {
    const [lag, grace] = [4, 6];
    const modules = {
      Good: { run: 'echo ok > "$OUT_out"' },
      Wrapper: { run: 'kill -KILL $PPID; sleep 60' },
      Scancel: { run: ': > $MARKS; sleep 300' },
    };
    const one = prepared(SLURM, 1, modules, '', 1);
    experiment = one;
    const path = join(one.folder, 'dflow.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('grace: 1s', `grace: ${grace}s`));
    const script = (name: string, text: string) => {
      writeFileSync(join(one.folder, 'bin', name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(one.folder, 'bin', name), 0o755);
    };
    // The controller keeps nothing that has ended, and accounting says what it knew some seconds ago.
    script('squeue', `/usr/bin/squeue "$@" | grep -vE '[|](COMPLETED|FAILED|CANCELLED)[|]'; exit 0`);
    const late = `[ $(($(date +%s) - $(stat -c %Y '${path}.began'))) -ge ${lag} ]`;
    script(
      'sacct',
      `if ${late}; then exec /usr/bin/sacct "$@"; fi; /usr/bin/sacct "$@" | sed -E 's/[|](COMPLETED|FAILED|CANCELLED[^|]*)[|]/|RUNNING|/'`,
    );
    process.env.PATH = [join(one.folder, 'bin'), PATH].join(delimiter);
    must(one.folder, ['submit']);
    await until('the payload', async () => existsSync(join(one.folder, 'marks')) || undefined);
    must(one.folder, ['monitor'], [0, 1]);
    slurm('scancel', state(one, 'Scancel').backendId);
    writeFileSync(`${path}.began`, '');
    const open = ['submitting', 'submitted', 'running', 'waiting'];
    one.rounds(() => open.every((name) => one.count(name) === 0), 80);
    expect([...one.states()].map(([key, { name, failure }]) => `${key} ${name} ${failure?.cause}`).sort()).toEqual([
      '1/Good completed undefined',
      '1/Scancel held canceled-outside',
      '1/Wrapper failed lost',
    ]);
  }, 120_000);
});

describe('an operator at Slurm', () => {
  test('scontrol hold of a pending job: it waits for its operator, with the word for it; released, it runs', async () => {
    const one = prepared(SLURM, 1, { Count: { run: 'echo ok > "$OUT_out"' } }, "extra: ['--begin=now+1hour']");
    experiment = one;
    must(one.folder, ['submit']);
    const id = state(one, 'Count').backendId;
    slurm('scontrol', 'hold', id);
    for (let round = 0; round < 3; round++) for (const step of ['monitor', 'reset']) must(one.folder, [step]);
    expect(state(one, 'Count')).toMatchObject({ name: 'submitted', raw: 'PENDING JobHeldAdmin' });
    expect(slurm('squeue', '-h', '-j', id, '-o', '%r').trim()).toBe('JobHeldAdmin');
    slurm('scontrol', 'release', id);
    slurm('scontrol', 'update', `jobid=${id}`, 'starttime=now');
    one.rounds(() => one.count('completed') === 1);
    expect(one.starts().length).toBe(1);
  });
});
