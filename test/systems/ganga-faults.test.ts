// What goes wrong between dflow and a real Ganga. Starts are counted by the wrappers' own marks and by what the payloads
// wrote, never by our documents or Ganga's.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/lib/backend.ts';
import { until, untilState } from '../contracts/backend.ts';
import { BIN } from '../support/cli.ts';
import { GangaExperiment, processes, type Strike } from './ganga-experiment.ts';
import { GANGA, type GangaWorld, gangaWorld, keysOf, untilStarts } from './ganga-world.ts';

let experiment: GangaExperiment | undefined;
let world: GangaWorld | undefined;
afterEach(async () => {
  experiment?.remove();
  await world?.close();
  experiment = undefined;
  world = undefined;
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

/** The installed Ganga, whose batch template is found to be that of a release before 2024-04-09. */
function oldGanga(folder: string): string {
  const template = join(folder, 'old.template');
  writeFileSync(template, 'for key, value in environment.iteritems():\n');
  const program = join(folder, 'old-ganga');
  // The last argument is the driver; the path that it looks at is changed, nothing else.
  const change = `s#"BatchScriptTemplate.py.template"#"${template}"#`;
  const text = `#!/bin/bash\nsed '${change}' "\${@: -1}" > '${folder}/old.py'\nexec '${GANGA}' "\${@:1:$#-1}" '${folder}/old.py'\n`;
  writeFileSync(program, text);
  chmodSync(program, 0o755);
  return program;
}

/** A step as another user of this machine would run it. */
function asDaemon(folder: string, step: string) {
  const command = `cd '${folder}' && exec '${process.execPath}' '${BIN}' ${step}`;
  const env = [`PATH=${process.env.PATH}`, `HOME=${folder}`];
  return spawnSync('runuser', ['-u', 'daemon', '--', 'env', ...env, 'sh', '-c', command], { encoding: 'utf8' });
}

const drivers = (one: { own: string }) => processes((words) => words.includes(join(one.own, 'driver.py')));

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
    expect(ran.err + blocked.err).toContain('only one may');
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
      expect(ran.stderr).toMatch(/it is daemon@\w+:Local, but the store knows it as root@/);
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
      expect(ran.stderr).toContain(`daemon cannot use the gangadir ${gangadir}: it belongs to the user with number 0`);
      expect(ran.stderr).toContain('run this as that user');
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

describe('ganga', () => {
  async function submitted(backend: Backend, count: number, command: string) {
    const list = world!.tasks(count, command);
    const keys = keysOf(list);
    const ids = await backend.submit(keys[0]!.split('.')[0]!, list);
    return { keys, ids };
  }

  test('start-up is paid once: many calls, one driver', async () => {
    world = await gangaWorld({ idle: '20s' });
    const { keys } = await submitted(world.backend, 2, ':');
    const [pid] = drivers(world);
    expect(pid).toBeDefined();
    await world.backend.release(keys);
    await untilState(world.backend, keys, 'ended');
    await submitted(world.backend, 2, ':');
    expect(drivers(world)).toEqual([pid]);
  });

  test('a ticket that never comes: the job gives up, says so, and can never start', async () => {
    world = await gangaWorld({ holdLimit: '2s' });
    const { keys } = await submitted(world.backend, 1, ':');
    await untilState(world.backend, keys, 'ended');
    const status = (await world.backend.status(keys)).get(keys[0]!);
    expect(status?.raw).toBe('lost: no ticket within 2 s: nothing was run');
    expect((await world.backend.logs(keys, 500)).get(keys[0]!)).toContain('nothing was run');
    expect(await world.backend.alive()).toEqual([]);
    await world.backend.release(keys);
    await sleep(1_000);
    expect(world.starts()).toEqual([]);
    expect((await world.backend.status(keys)).get(keys[0]!)?.state).toBe('ended');
  });

  test('jobs that are cancelled as they start: their login shell is not killed, none starts, none is left over', async () => {
    world = await gangaWorld();
    const usual = process.env.HOME;
    const lock = join(world.folder, 'lock');
    // As pyenv's: a lock that a killed login leaves behind, on which every later login of this machine waits.
    writeFileSync(join(world.folder, '.profile'), `echo >> '${lock}'; sleep 2; rm -f '${lock}'\n`);
    process.env.HOME = world.folder;
    try {
      const { keys } = await submitted(world.backend, 3, ':');
      await until('a login', async () => existsSync(lock) || undefined);
      await world.backend.cancel(keys);
      expect((await world.backend.status(keys)).get(keys[0]!)).toMatchObject({ state: 'ended', raw: 'canceled' });
      const own = (words: readonly string[]) =>
        words.some((word) => word.startsWith(`${world!.own}/gangadir/workspace`));
      // The next submit tidies: it leaves what has not ended yet.
      await submitted(world.backend, 1, ':');
      expect(processes(own).length).toBe(4);
      await world.backend.cancel(await world.backend.alive());
      await until('their end', async () => processes(own).length === 0 || undefined);
      expect(existsSync(lock)).toBe(false);
      expect(world.starts()).toEqual([]);
    } finally {
      process.env.HOME = usual;
    }
  });

  test('a wrapper that is killed: Ganga has it running for ever, its heartbeat has not', async () => {
    world = await gangaWorld({ beat: '1s', beatLimit: '4s' });
    const { keys } = await submitted(world.backend, 1, 'sleep 300');
    await world.backend.release(keys);
    await untilStarts(world, 1);
    await untilState(world.backend, keys, 'running');
    // Everything of the job at once, Ganga's own script, too: a node that went away.
    const mine = processes((words) => words.some((word) => word.includes(world!.folder)) && !words.includes(GANGA));
    const own = mine.filter((pid) => !drivers(world!).includes(pid));
    for (const pid of own) process.kill(pid, 'SIGKILL');
    await until(
      'the job to be missed',
      async () => (await world!.backend.status(keys)).get(keys[0]!)?.state === 'absent' || undefined,
      30,
    );
    expect((await world.backend.status(keys)).get(keys[0]!)).toMatchObject({ state: 'absent', raw: 'running' });
  });

  test('a job that Ganga forgot is missed once, then fenced: it can never start', async () => {
    world = await gangaWorld({ beatLimit: '3s' });
    const list = world.tasks(1, ':');
    const keys = keysOf(list);
    await world.backend.submit(keys[0]!.split('.')[0]!, list);
    // Its waiting start dies with its node, and Ganga's registry is wiped.
    await world.backend.close();
    for (const pid of processes((words) => words.includes(keys[0]!))) process.kill(pid, 'SIGKILL');
    const jobs = spawn('rm', ['-rf', join(world.own, 'gangadir/repository')]);
    await new Promise((resolve) => jobs.once('exit', resolve));
    await world.backend.release(keys);
    await sleep(3_500);
    expect((await world.backend.status(keys)).get(keys[0]!)?.state).toBe('absent');
    expect((await world.backend.status(keys)).get(keys[0]!)?.state).toBe('ended');
    expect(readFileSync(join(world.own, 'started', keys[0]!), 'utf8')).toMatch(/^lost\n/);
  });

  test("a person's own Ganga on the gangadir: said who, and until when; afterwards all goes on", async () => {
    world = await gangaWorld({ wait: '1s' });
    const { keys } = await submitted(world.backend, 1, ':');
    await world.backend.close();
    const script = join(world.folder, 'sit.py');
    writeFileSync(script, 'import time\ntime.sleep(300)\n');
    const rc = `--config=${join(world.own, 'ganga.rc')}`;
    const dir = `-o[Configuration]gangadir=${join(world.own, 'gangadir')}`;
    const person = spawn(GANGA, ['--quiet', '--no-prompt', rc, dir, script], { stdio: 'ignore' });
    try {
      const sessions = () => readdirSync(join(world!.own, 'gangadir/repository'), { recursive: true });
      await until(
        'their session',
        async () => sessions().some((name) => String(name).endsWith('.session')) || undefined,
      );
      await world.backend.release(keys);
      await until('the record', async () => (await world!.backend.records(10)).length > 0 || undefined);
      const list = world.tasks(1, ':');
      await expect(world.backend.submit('x', list)).rejects.toMatchObject({
        exit: 5,
        message: expect.stringContaining(`Ganga process ${person.pid} on `),
      });
    } finally {
      person.kill('SIGKILL');
    }
    const { ids } = await submitted(world.backend, 1, ':');
    expect(ids.size).toBe(1);
  });

  test('wrong attributes, a missing Ganga and an old one are said clearly', async () => {
    world = await gangaWorld();
    const list = world.tasks(1, ':');
    const wrong = await world.reopen({ viaOptions: { nicee: 3 } });
    await expect(wrong.submit('x', list)).rejects.toMatchObject({ exit: 2, hint: 'did you mean nice?' });
    const kind = await world.reopen({ viaOptions: { nice: 'three' } });
    await expect(kind.submit('x', list)).rejects.toMatchObject({ exit: 2, message: expect.stringContaining('nice') });
    const none = await world.reopen({ ganga: '/no/ganga' });
    await expect(none.submit('x', list)).rejects.toMatchObject({ exit: 5, message: 'there is no program /no/ganga' });
    const old = await world.reopen({ ganga: oldGanga(world.folder) });
    await expect(old.submit('x', list)).rejects.toMatchObject({
      exit: 5,
      message: expect.stringContaining('broken template'),
      hint: expect.stringContaining('2024-04-09'),
    });
  });

  test('an answer that does not come in time is unknown, and the next question gets a new Ganga', async () => {
    world = await gangaWorld();
    const impatient = await world.reopen({ timeout: '0.05s' });
    await expect(submitted(impatient, 1, ':')).rejects.toMatchObject({
      exit: 5,
      message: expect.stringContaining('did not answer within 0.05 s'),
    });
    await submitted(world.backend, 1, ':');
  });
});
