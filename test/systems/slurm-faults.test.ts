// The whole chain on real Slurm, and what dflow makes of everything that goes wrong between the two. Starts are counted
// by the wrappers' own marks and by what the payloads wrote, never by our documents.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../contracts/backend.ts';
import { Experiment, type Fault } from './experiment.ts';
import { SYSTEM, slurm, stopDaemon, up, use } from './slurm-world.ts';

let experiment: Experiment;
beforeEach(() => use('test'));
afterEach(() => experiment?.remove());

/** Runs of one module that writes each start down. */
function counted(runs: number, options = '{}'): Experiment {
  const run = 'echo $DFLOW_RUN >> $MARKS; echo ok > "$OUT_out"';
  experiment = new Experiment(SYSTEM, runs, { Count: { run } }, options);
  experiment.prepare();
  return experiment;
}

const allRuns = (runs: number) => Array.from({ length: runs }, (_, at) => String(at + 1)).sort();

/** Every run was processed, each payload ran once, and nothing of ours is left in Slurm. */
function expectExactlyOnce(): void {
  expect(experiment.count('completed')).toBe(experiment.runs);
  expect(experiment.marks()).toEqual(allRuns(experiment.runs));
  expect(experiment.starts().length).toBe(experiment.runs);
  expect(leftovers()).toEqual([]);
}

/** Jobs of this experiment that Slurm still holds, queues or runs: by their output folder. */
function leftovers(): string[] {
  const listing = slurm('squeue', '-h', '-r', '-O', 'JobArrayID:30,STDOUT:300');
  return listing.split('\n').filter((line) => line.includes(experiment.folder));
}

describe('slurm, with the chain', () => {
  test('a small experiment from raw files to catalogued outputs', () => {
    counted(12);
    experiment.rounds(() => experiment.count('completed') === 12);
    expectExactlyOnce();
    const state = experiment.states().get('7/Count');
    expect(readFileSync(join(experiment.folder, 'store', state.outputs[0].path), 'utf8')).toBe('ok\n');
  });

  test('without accounting, and arrays cut at 101', () => {
    use('nodbd');
    counted(120);
    experiment.rounds(() => experiment.count('completed') === 120);
    expectExactlyOnce();
  });

  test.each<[string, Fault]>([
    ['sbatch', 'kill-before'],
    ['sbatch', 'kill-after'],
    ['scontrol release', 'kill-before'],
    ['scontrol release', 'kill-after'],
  ])('kill -9 of submit at %s, %s: monitor and reset mend it, every job starts once', (program, fault) => {
    counted(4);
    experiment.dflow(['submit'], `${program}:${fault}`);
    expect(experiment.struck()).toBeDefined();
    expect(experiment.count('submitting') + experiment.count('submitted')).toBe(4);
    experiment.rounds(() => experiment.count('completed') === 4 && leftovers().length === 0);
    expectExactlyOnce();
  });

  test.each<[string, Fault]>([
    ['sbatch', 'stop-before'],
    ['sbatch', 'stop-after'],
    ['scontrol release', 'stop-before'],
    ['scontrol release', 'stop-after'],
  ])('submit stopped at %s, %s, while others give it up and do its work; then it goes on', async (program, fault) => {
    counted(4);
    const child = experiment.start(['submit'], `${program}:${fault}`);
    const over = new Promise((resolve) => child.once('exit', resolve));
    const pid = await until('the stop', async () => experiment.struck());
    experiment.rounds(() => experiment.count('completed') === 4);
    process.kill(pid, 'SIGCONT');
    await over;
    experiment.rounds(() => leftovers().length === 0);
    expectExactlyOnce();
  });

  test('an sbatch that timed out and succeeded later: unknown, then its held job is an orphan and goes', async () => {
    counted(4, '{timeout: 1s}');
    const ran = experiment.dflow(['submit'], 'sbatch:late');
    expect(ran.code).toBe(5);
    expect(ran.err + ran.out).toContain('longer than 1 s');
    expect(experiment.count('submitting')).toBe(4);
    await until('the late success', async () => leftovers().length > 0 || undefined);
    experiment.rounds(() => experiment.count('completed') === 4 && leftovers().length === 0);
    expectExactlyOnce();
  });

  test('controller down: submit, monitor and cancel end with 5, nothing changes; up again, all is done', () => {
    counted(4);
    expect(experiment.dflow(['submit', '--limit', '2']).code).toBe(0);
    const before = JSON.stringify([...experiment.states()].map(([key, { name }]) => [key, name]));
    stopDaemon('test', 'slurmctld');
    try {
      for (const step of ['submit', 'monitor']) {
        const ran = experiment.dflow([step]);
        expect(ran.code).toBe(5);
        expect(ran.err).toContain('Unable to contact slurm controller');
      }
    } finally {
      up('test');
    }
    expect(JSON.stringify([...experiment.states()].map(([key, { name }]) => [key, name]))).toBe(before);
    experiment.rounds(() => experiment.count('completed') === 4);
    expectExactlyOnce();
  });

  test('the controller goes down between claim and sbatch: unknown, put back, done once', () => {
    counted(3);
    // The configuration is asked for first, and answers; then the daemon is gone.
    const ran = experiment.dflow(['submit'], 'sbatch:down');
    expect(ran.code).toBe(5);
    expect(experiment.count('submitting')).toBe(3);
    experiment.rounds(() => experiment.count('completed') === 3);
    expectExactlyOnce();
  });

  test('slurmdbd down while jobs end: squeue and the records are enough', () => {
    counted(3);
    stopDaemon('test', 'slurmdbd');
    try {
      experiment.rounds(() => experiment.count('completed') === 3);
    } finally {
      up('test');
    }
    expectExactlyOnce();
  });

  test('another cluster or another user is not believed', () => {
    counted(2);
    expect(experiment.dflow(['submit', '--limit', '1']).code).toBe(0);
    use('nodbd');
    const other = experiment.dflow(['monitor']);
    expect(other.code).toBe(5);
    expect(other.err).toContain('answers as root@nodbd');
    use('test');
    execFileSync('chmod', ['-R', 'a+rwX', experiment.folder]);
    const command = `cd '${experiment.folder}' && exec '${process.execPath}' '${join(import.meta.dirname, '../../bin/run.js')}' monitor`;
    const own = ['SLURM_CONF', 'PATH'].map((name) => `${name}=${process.env[name]}`);
    const env = [...own, `DFLOW_CONFIG=${join(experiment.folder, 'dflow.yaml')}`];
    expect(() => execFileSync('runuser', ['-u', 'daemon', '--', 'env', ...env, 'sh', '-c', command])).toThrow(
      'daemon@test',
    );
    experiment.rounds(() => experiment.count('completed') === 2);
    expectExactlyOnce();
  });

  test('what Slurm refuses is held with its words; corrected and resumed, it runs', () => {
    counted(2, '{partition: nope}');
    const items = experiment.items(['submit']);
    expect(items.map(({ did, cause }) => `${did} ${cause}`)).toEqual(['refused refused', 'refused refused']);
    expect(experiment.states().get('1/Count')).toMatchObject({
      name: 'held',
      failure: { phase: 'submit', reason: expect.stringContaining('Invalid partition name specified') },
    });
    experiment.configure('{}');
    expect(experiment.dflow(['retry', '--cause', 'refused', '--state', 'held']).code).toBe(0);
    experiment.rounds(() => experiment.count('completed') === 2);
    expectExactlyOnce();
  });

  test('each way to end badly gets its cause, and Slurm its word', async () => {
    experiment = new Experiment(
      SYSTEM,
      1,
      {
        Memory: {
          run: 'head -c 400000000 /dev/zero | tail -c 400000000 > "$OUT_out"',
          more: ', memory: 50M',
        },
        Impossible: { run: 'echo x > "$OUT_out"', more: ', memory: 99999G' },
        Killed: { run: 'kill -KILL $$' },
        Wrapper: { run: 'kill -KILL $PPID; sleep 60' },
        Scancel: { run: 'sleep 300' },
        Fails: { run: 'echo No such thing >&2; exit 3' },
        Slow: { run: 'sleep 300', more: ', time: 1s' },
      },
      '{}',
      1,
    );
    experiment.prepare();
    expect(experiment.dflow(['submit']).code).toBe(0);
    const scancel = await until('the job to cancel', async () => {
      experiment.dflow(['monitor']);
      const state = experiment.states().get('1/Scancel');
      return state?.name === 'running' ? state : undefined;
    });
    slurm('scancel', scancel.backendId);
    const open = ['submitting', 'submitted', 'running', 'waiting'];
    experiment.rounds(() => open.every((name) => experiment.count(name) === 0));
    const causes = [...experiment.states()]
      .map(([key, { name, failure }]) => `${key} ${name} ${failure?.cause}`)
      .sort();
    // The table of docs/systems.md.
    for (const [key, { name, raw, failure }] of experiment.states()) console.log(key, name, raw, failure);
    expect(causes).toEqual([
      '1/Fails failed exit-3',
      '1/Impossible held refused',
      '1/Killed failed killed',
      '1/Memory failed out-of-memory',
      '1/Scancel held canceled-outside',
      '1/Slow failed time-limit',
      '1/Wrapper failed lost',
    ]);
    expect(leftovers()).toEqual([]);
  });
});
