// What goes wrong between dflow and a real Ganga. Starts are counted by the wrappers' own marks and by what the payloads
// wrote, never by our documents or Ganga's.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../contracts/backend.ts';
import { BIN } from '../support/cli.ts';
import { drivers, GangaExperiment, type Strike } from './ganga-experiment.ts';

let experiment: GangaExperiment | undefined;
afterEach(() => {
  experiment?.remove();
  experiment = undefined;
});

/** Runs of one module whose payload writes each start down. */
function counted(runs: number, options = '{}', more = ''): GangaExperiment {
  const made = new GangaExperiment(
    runs,
    { Count: { run: `echo $DFLOW_RUN >> "@/marks"; ${more}echo ok > "$OUT_out"` } },
    options,
  );
  experiment = made;
  const path = join(made.folder, 'modules/1.0.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('@', made.folder));
  made.prepare();
  return made;
}

const allRuns = (runs: number) => Array.from({ length: runs }, (_, at) => String(at + 1)).sort();

/** Every run was processed, each payload ran once, and no job of ours waits for anything. */
async function expectExactlyOnce(one: GangaExperiment): Promise<void> {
  expect(one.count('completed')).toBe(one.runs);
  expect(one.marks()).toEqual(allRuns(one.runs));
  expect(one.starts().length).toBe(one.runs);
  await until('the end of all wrappers', async () => one.wrappers().length === 0 || undefined);
}

const held = (one: GangaExperiment) => {
  const tickets = new Set(readdirSync(join(one.own, 'tickets')));
  return readdirSync(join(one.own, 'jobs')).filter((key) => !tickets.has(key));
};

/** A step as another user of this machine would run it. */
function asDaemon(folder: string, step: string) {
  const command = `cd '${folder}' && exec '${process.execPath}' '${BIN}' ${step}`;
  const env = [`PATH=${process.env.PATH}`, `HOME=${folder}`, `DFLOW_CONFIG=${folder}/dflow.yaml`];
  return spawnSync('runuser', ['-u', 'daemon', '--', 'env', ...env, 'sh', '-c', command], { encoding: 'utf8' });
}

describe('ganga, with the chain', () => {
  test('a small experiment from raw files to catalogued outputs; one Ganga for each command', async () => {
    const one = counted(6);
    one.rounds(() => one.count('completed') === 6);
    await expectExactlyOnce(one);
    const state = one.states().get('3/Count');
    expect(readFileSync(join(one.folder, 'store', state.outputs[0].path), 'utf8')).toBe('ok\n');
    expect(drivers(one)).toEqual([]);
  });

  test.each<Strike>([
    'kill-before',
    'kill-after',
  ])("kill -9 of submit at Ganga's submit, %s: monitor and reset mend it, every job starts once", async (strike) => {
    const one = counted(4);
    one.dflow(['submit'], `submit:${strike}`);
    expect(one.struck()).toBeDefined();
    expect(one.count('submitting')).toBe(4);
    one.rounds(() => one.count('completed') === 4 && held(one).length === 0);
    await expectExactlyOnce(one);
  });

  test.each([
    0, 4, 8, 16, 32,
  ])('kill -9 of submit %i ms after its jobs were taken: while it records or releases', async (after) => {
    const one = counted(4);
    const child = one.start(['submit'], '');
    const over = new Promise((resolve) => child.once('exit', resolve));
    // All four are in Ganga's hands when their heartbeats beat.
    const beats = join(one.own, 'beats');
    await until('the waiting jobs', async () => (existsSync(beats) && readdirSync(beats).length === 4) || undefined);
    await sleep(after);
    child.kill('SIGKILL');
    await over;
    one.rounds(() => one.count('completed') === 4 && held(one).length === 0);
    await expectExactlyOnce(one);
  });

  test.each<Strike>([
    'stop-before',
    'stop-after',
  ])("submit stopped at Ganga's submit, %s, while others give it up; then it goes on", async (strike) => {
    const one = counted(4, '{wait: 1s}');
    const child = one.start(['submit'], `submit:${strike}`);
    const over = new Promise((resolve) => child.once('exit', resolve));
    const pid = await until('the stop', async () => one.struck());
    // The stopped one has the gangadir: the others say so, in words, and end with 5 or do what needs no Ganga.
    const ran = one.dflow(['submit']);
    one.dflow(['reset']);
    await sleep(1_100);
    one.dflow(['reset']);
    const blocked = one.dflow(['submit']);
    expect([ran.code, blocked.code]).toContain(5);
    expect(ran.err + blocked.err).toContain('is in use by');
    process.kill(pid, 'SIGCONT');
    await over;
    one.rounds(() => one.count('completed') === 4 && held(one).length === 0);
    await expectExactlyOnce(one);
  });

  test('Ganga killed -9 in the middle of a submit: unknown, then monitor and reset mend it at once', async () => {
    // Its session looks alive for 45 s: nobody waits for that here.
    const one = counted(12, '{wait: 5s}');
    const ran = one.dflow(['submit'], 'submit:driver');
    expect(ran.code).toBe(5);
    expect(ran.err + ran.out).toMatch(/Ganga ended/);
    expect(one.count('submitting')).toBe(12);
    one.rounds(() => one.count('completed') === 12 && held(one).length === 0);
    await expectExactlyOnce(one);
  });

  test('Ganga killed -9 while it is asked for states: exit 5, nothing changes, then all is done', async () => {
    const one = counted(3, '{}', 'sleep 8; ');
    expect(one.dflow(['submit']).code).toBe(0);
    const before = [...one.states()].map(([key, { name }]) => [key, name]);
    const ran = one.dflow(['monitor'], 'hello:driver');
    expect(one.struck()).toBeDefined();
    expect(ran.code).toBe(5);
    expect([...one.states()].map(([key, { name }]) => [key, name])).toEqual(before);
    one.rounds(() => one.count('completed') === 3);
    await expectExactlyOnce(one);
  });

  test("another user, and another user's gangadir: said before anything is claimed, and nothing changes", () => {
    const one = counted(2);
    expect(one.dflow(['submit', '--limit', '1']).code).toBe(0);
    const before = [...one.states()].map(([ref, { name }]) => `${ref} ${name}`);
    execFileSync('chmod', ['-R', 'a+rwX', one.folder]);
    for (const step of ['monitor', 'submit']) {
      const ran = asDaemon(one.folder, step);
      expect(ran.status).toBe(5);
      expect(ran.stderr).toMatch(/answers as daemon@\w+:Local, but the store has root@/);
    }
    // A farm that the store does not know yet, on a gangadir that others may read: used, and still empty.
    const used = join(one.own, 'gangadir');
    const empty = join(one.folder, 'theirs');
    mkdirSync(empty);
    execFileSync('chmod', ['-R', 'go-w', used, empty]);
    const config = readFileSync(join(one.folder, 'dflow.yaml'), 'utf8');
    for (const gangadir of [used, empty]) {
      const other = config
        .replace('cedar', 'oak')
        .replace('beat: 1s', `beat: 1s, gangadir: ${JSON.stringify(gangadir)}`);
      writeFileSync(join(one.folder, 'dflow.yaml'), other);
      const ran = asDaemon(one.folder, 'submit');
      expect(ran.status).toBe(5);
      expect(ran.stderr).toContain(`daemon cannot use the gangadir ${gangadir}: its owner is the user with number 0`);
      expect(ran.stderr).toContain('run dflow as that user');
    }
    writeFileSync(join(one.folder, 'dflow.yaml'), config);
    expect([...one.states()].map(([ref, { name }]) => `${ref} ${name}`)).toEqual(before);
    one.rounds(() => one.count('completed') === 2);
    return expectExactlyOnce(one);
  });

  test('two dflow at once on one gangadir: one waits for the other, both do their work', async () => {
    const one = counted(4);
    const children = ['submit', 'submit', 'monitor'].map((step) => one.start([step], ''));
    const codes = await Promise.all(
      children.map((child) => new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))),
    );
    expect(codes.every((code) => code === 0 || code === 1 || code === 75)).toBe(true);
    one.rounds(() => one.count('completed') === 4);
    await expectExactlyOnce(one);
  });
});
