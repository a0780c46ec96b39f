// The whole chain on real HTCondor, and what dflow makes of everything that goes wrong between the two. Starts are
// counted by the wrappers' own marks and by what the payloads wrote, never by our documents.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../contracts/backend.ts';
import { condor, daemon, SYSTEM, untilUp, use } from './condor-world.ts';
import { Experiment, type Fault } from './experiment.ts';

let experiment: Experiment;
beforeEach(() => use());
afterEach(() => {
  untilUp();
  experiment?.remove();
});

/** Runs of one module that writes each start down. */
function counted(runs: number, options = '{}'): Experiment {
  const run = 'echo $DFLOW_RUN >> $MARKS; echo ok > "$OUT_out"';
  experiment = new Experiment(SYSTEM, runs, { Count: { run } }, options);
  experiment.prepare();
  return experiment;
}

/** Jobs of this experiment that HTCondor still holds, queues or runs: by their log. */
function leftovers(): string[] {
  const listing = condor('condor_q', '-allusers', '-constraint', 'true', '-af', 'Out');
  return listing.split('\n').filter((line) => line.includes(experiment.folder));
}

/** Every run was processed, each payload ran once, and nothing of ours is left in HTCondor. */
function expectExactlyOnce(): void {
  expect(experiment.count('completed')).toBe(experiment.runs);
  expect(experiment.marks()).toEqual(Array.from({ length: experiment.runs }, (_, at) => String(at + 1)).sort());
  expect(leftovers()).toEqual([]);
}

const completed = () => experiment.count('completed') === experiment.runs;
const names = () => JSON.stringify([...experiment.states()].map(([key, { name }]) => [key, name]));

describe('htcondor, with the chain', () => {
  test('a small experiment from raw files to catalogued outputs', () => {
    counted(8);
    experiment.rounds(completed);
    expectExactlyOnce();
    expect(experiment.starts().length).toBe(8);
    const state = experiment.states().get('7/Count');
    expect(readFileSync(join(experiment.folder, 'store', state.outputs[0].path), 'utf8')).toBe('ok\n');
  });

  test('the same without a shared folder: job, wrapper, record and log travel with HTCondor', () => {
    counted(4, '{transfer: true}');
    experiment.rounds(completed);
    expectExactlyOnce();
    expect(experiment.starts()).toEqual([]);
  });

  test.each<[string, Fault]>([
    ['condor_submit', 'kill-before'],
    ['condor_submit', 'kill-after'],
    ['condor_release', 'kill-before'],
    ['condor_release', 'kill-after'],
  ])('kill -9 of submit at %s, %s: monitor and reset mend it, every job starts once', (program, fault) => {
    counted(3);
    experiment.dflow(['submit'], `${program}:${fault}`);
    expect(experiment.struck()).toBeDefined();
    expect(experiment.count('submitting') + experiment.count('submitted')).toBe(3);
    experiment.rounds(() => completed() && leftovers().length === 0);
    expectExactlyOnce();
  });

  test.each<[string, Fault]>([
    ['condor_submit', 'stop-before'],
    ['condor_submit', 'stop-after'],
    ['condor_release', 'stop-before'],
    ['condor_release', 'stop-after'],
  ])('submit stopped at %s, %s, while others give it up and do its work; then it goes on', async (program, fault) => {
    counted(3);
    const child = experiment.start(['submit'], `${program}:${fault}`);
    const over = new Promise((resolve) => child.once('exit', resolve));
    const pid = await until('the stop', async () => experiment.struck());
    experiment.rounds(completed);
    process.kill(pid, 'SIGCONT');
    await over;
    experiment.rounds(() => leftovers().length === 0);
    expectExactlyOnce();
  });

  test('a condor_submit that timed out and succeeded later: unknown, then its held jobs are orphans and go', async () => {
    counted(3, '{timeout: 1s}');
    const ran = experiment.dflow(['submit'], 'condor_submit:late');
    expect(ran.code).toBe(5);
    expect(ran.err + ran.out).toContain('longer than 1 s');
    expect(experiment.count('submitting')).toBe(3);
    experiment.configure('{}');
    await until('the late success', async () => leftovers().length > 0 || undefined);
    experiment.rounds(() => completed() && leftovers().length === 0);
    expectExactlyOnce();
  });

  test('schedd killed: submit, monitor and cancel end with 5, nothing changes; up again, all is done', () => {
    counted(3);
    expect(experiment.dflow(['submit', '--limit', '1']).code).toBe(0);
    const before = names();
    process.kill(daemon('condor_schedd'), 'SIGKILL');
    for (const step of ['submit', 'monitor']) expect(experiment.dflow([step]).code).toBe(5);
    expect(names()).toBe(before);
    untilUp();
    experiment.rounds(completed);
    expectExactlyOnce();
  });

  test('schedd killed between claim and condor_submit: unknown, put back, done once', async () => {
    counted(3);
    const child = experiment.start(['submit'], 'condor_submit:stop-before');
    const over = new Promise((resolve) => child.once('exit', resolve));
    const pid = await until('the stop', async () => experiment.struck());
    process.kill(daemon('condor_schedd'), 'SIGKILL');
    process.kill(pid, 'SIGCONT');
    expect(await over).toBe(5);
    expect(experiment.count('submitting')).toBe(3);
    untilUp();
    experiment.rounds(() => completed() && leftovers().length === 0);
    expectExactlyOnce();
  });

  test('another user is not believed', () => {
    counted(2);
    expect(experiment.dflow(['submit', '--limit', '1']).code).toBe(0);
    const before = names();
    // The same commands as somebody else, who may look but is not us.
    for (const name of ['condor_q', 'condor_ping', 'condor_history', 'condor_rm']) {
      const text = execFileSync('sh', ['-c', `cat "$(command -v ${name})"`], { encoding: 'utf8' });
      const path = join(experiment.folder, 'bin', name);
      writeFileSync(path, text.replace('dflowtest:dflowtest', 'nobody:nogroup'), { mode: 0o755 });
    }
    for (const step of ['monitor', 'submit']) {
      const ran = experiment.dflow([step]);
      expect(ran.code).toBe(5);
      console.log(ran.err.split('\n')[0]);
    }
    expect(names()).toBe(before);
    experiment.rounds(completed);
    expectExactlyOnce();
  });

  test('what HTCondor refuses is held with its words; corrected and retried, it runs', () => {
    counted(2, "{accounting_group: 'a b'}");
    const items = experiment.items(['submit']);
    expect(items.map(({ did, cause }) => `${did} ${cause}`)).toEqual(['refused refused', 'refused refused']);
    expect(experiment.states().get('1/Count')).toMatchObject({
      name: 'held',
      failure: { phase: 'submit', reason: expect.stringContaining('Invalid accounting_group') },
    });
    experiment.configure('{}');
    expect(experiment.dflow(['retry', '--cause', 'refused', '--state', 'held']).code).toBe(0);
    experiment.rounds(completed);
    expectExactlyOnce();
  });

  test('each way to end badly gets its cause, and HTCondor its word', async () => {
    experiment = new Experiment(
      SYSTEM,
      1,
      {
        Fails: { run: 'echo No such thing >&2; exit 3' },
        Killed: { run: 'kill -KILL $$' },
        Memory: { run: 'x=$(head -c 150000000 /dev/zero | tr "\\\\0" x); sleep 60', more: ', memory: 50M' },
        Slow: { run: 'sleep 300', more: ', time: 1s' },
        Wrapper: { run: 'kill -KILL $PPID; sleep 5' },
        Rm: { run: 'sleep 300' },
        Hold: { run: 'sleep 300' },
        // The second attempt ends well.
        Vacate: { run: '[ -e $MARKS ] || { : > $MARKS; sleep 300; }; echo ok > "$OUT_out"' },
      },
      '{}',
      1,
    );
    // What follows a cause is the policy's business; here only the cause matters.
    const file = join(experiment.folder, 'dflow.yaml');
    writeFileSync(
      file,
      `${readFileSync(file, 'utf8')}policy: [{cause: out-of-memory, text: HOLD 3/101, action: fail}]\n`,
    );
    experiment.prepare();
    expect(experiment.dflow(['submit'])).toMatchObject({ code: 0, err: '' });
    for (const [name, program] of Object.entries({
      Rm: 'condor_rm',
      Hold: 'condor_hold',
      Vacate: 'condor_vacate_job',
    })) {
      const { backendId } = await until(`${name} to run`, async () => {
        experiment.dflow(['monitor']);
        const state = experiment.states().get(`1/${name}`);
        return state?.name === 'running' ? state : undefined;
      });
      condor(program, backendId);
    }
    const open = ['submitting', 'submitted', 'running', 'waiting'];
    experiment.rounds(() => open.every((name) => experiment.count(name) === 0));
    const found = [...experiment.states()].map(([key, { name, failure }]) => `${key} ${name} ${failure?.cause}`).sort();
    expect(found).toEqual([
      '1/Fails failed exit-3',
      '1/Hold held canceled-outside',
      '1/Killed failed killed',
      '1/Memory failed out-of-memory',
      '1/Rm held canceled-outside',
      '1/Slow failed time-limit',
      '1/Vacate completed undefined',
      '1/Wrapper failed lost',
    ]);
  });
});
