// A real Ganga that is slow, forgets, is somebody else's or an old one: seen at the backend alone.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/lib/backend.ts';
import { until, untilState } from '../contracts/backend.ts';
import { drivers, processes } from './ganga-experiment.ts';
import { GANGA, type GangaWorld, gangaWorld, keysOf, untilStarts } from './ganga-world.ts';

let world: GangaWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

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
    await expect(wrong.submit('x', list)).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('did you mean nice?'),
    });
    const kind = await world.reopen({ viaOptions: { nice: 'three' } });
    await expect(kind.submit('x', list)).rejects.toMatchObject({ exit: 2, message: expect.stringContaining('nice') });
    const none = await world.reopen({ ganga: '/no/ganga' });
    await expect(none.submit('x', list)).rejects.toMatchObject({ exit: 5, message: "program '/no/ganga' not found" });
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
