// The parts of the Ganga backend that need no Ganga: what a job's state is by two witnesses, options, sessions, and the
// script that waits for a ticket.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GangaJobs } from '../../src/lib/backends/ganga/jobs.ts';
import { judge, type Look, settled } from '../../src/lib/backends/ganga/judge.ts';
import { parseOptions } from '../../src/lib/backends/ganga/options.ts';
import { answerOf, type Word } from '../../src/lib/backends/ganga/protocol.ts';
import { otherSession, parseSession, SESSION } from '../../src/lib/backends/ganga/sessions.ts';
import type { FarmSettings } from '../../src/lib/domain/settings.ts';
import { renderSpec } from '../../src/lib/wrapper/spec.ts';
import { nonce, simpleSpec, until } from '../contracts/backend.ts';

const LIMITS = { beat: 60_000, dead: 600_000 };
const started = { kind: 'started', pid: 1, startTime: '1', boot: 'b', execution: 'e', canceled: false } as const;
const look = (more: Partial<Look> = {}): Look => ({ open: true, record: false, ...more });
const word = (status: string, exit: number | null = null): Word => ({ status, id: '7', exit });

test("the driver's answer: what it says, why it cannot, or that something else was printed into it", () => {
  const jobs = { k: word('failed', 3) };
  expect(answerOf('status', JSON.stringify({ jobs }))).toEqual({ answer: { jobs } });
  expect(answerOf('kill', '{"refused":"bad-option","text":"x"}').failure?.refused).toBe('bad-option');
  for (const line of ['null', 'Traceback', '{"jobs":{"k":null}}', '{}', '[]']) {
    expect(answerOf('status', line).failure?.error).toContain('something unexpected to status');
  }
});

describe('judge', () => {
  test('the files alone settle what is held, fenced, recorded or unknown', () => {
    expect(settled(look())).toEqual({ state: 'held' });
    expect(settled(look({ ticket: 1 }))).toBeUndefined();
    expect(settled(look({ mark: { kind: 'fenced', why: 'canceled' }, ticket: 1 }))?.raw).toBe('canceled');
    expect(settled(look({ record: true, mark: started, ticket: 1 }))).toEqual({ state: 'ended' });
    expect(settled(look({ open: false }))).toEqual({ state: 'absent' });
    expect(settled(look({ open: false, mark: started }))).toEqual({ state: 'ended' });
  });

  const cases: [string, Look, Word | undefined, string, string?][] = [
    [
      'a record wins over running',
      look({ ticket: 1, mark: started, record: true }),
      word('running'),
      'ended',
      'running',
    ],
    ['queued', look({ ticket: 9e9 }), word('submitted'), 'pending', 'submitted'],
    ['waiting wrapper, Ganga says running', look({ ticket: 1, beat: 5 }), word('running'), 'pending', 'running'],
    ['started', look({ ticket: 1, mark: started, beat: 5 }), word('submitted'), 'running', 'submitted'],
    [
      'killed wrapper, running for ever',
      look({ ticket: 9e5, mark: started, beat: 7e5 }),
      word('running'),
      'absent',
      'running',
    ],
    ['killed while it waited', look({ ticket: 9e5, beat: 7e5 }), word('running'), 'absent', 'running'],
    ['running and no sign of life yet', look({ ticket: 1_000 }), word('running'), 'pending', 'running'],
    ['running and never a sign of life', look({ ticket: 7e5 }), word('running'), 'absent', 'running'],
    [
      'failed with its exit code',
      look({ ticket: 1, mark: started, beat: 1 }),
      word('failed', 74),
      'ended',
      'failed, exit 74',
    ],
    [
      'failed by a guess, but alive',
      look({ ticket: 1, mark: started, beat: 90_000 }),
      word('failed'),
      'running',
      'failed',
    ],
    [
      'failed by a guess, and silent',
      look({ ticket: 1, mark: started, beat: 200_000 }),
      word('failed'),
      'ended',
      'failed',
    ],
    ['killed', look({ ticket: 1, mark: started, beat: 1 }), word('killed'), 'ended', 'killed'],
    [
      'completed without a record',
      look({ ticket: 1, mark: started, beat: 1 }),
      word('completed', 0),
      'ended',
      'completed, exit 0',
    ],
    [
      'forgotten by Ganga, alive',
      look({ ticket: 1, mark: started, beat: 1 }),
      undefined,
      'running',
      'not known to Ganga',
    ],
    ['forgotten by Ganga, silent', look({ ticket: 1, mark: started, beat: 7e5 }), undefined, 'absent'],
    ['never submitted', look({ ticket: 1 }), word('new'), 'absent'],
  ];
  test.each(cases)('%s', (_, seen, said, state, raw) => {
    const status = judge(seen, said, LIMITS);
    expect(status.state).toBe(state);
    if (raw !== undefined) expect(status.raw).toBe(raw);
    if (said && state !== 'absent') expect(status.backendId).toBe('7');
  });
});

const farm = (options: Record<string, unknown>): FarmSettings => ({
  name: 'here',
  backend: 'ganga',
  slots: 1,
  pending: 0,
  output: [],
  reads: [],
  setup: {},
  env: {},
  options,
});

describe('options', () => {
  test('defaults', () => {
    expect(parseOptions(farm({}), '/f')).toMatchObject({
      via: 'Local',
      program: 'ganga',
      gangadir: '/f/gangadir',
      viaOptions: {},
    });
  });
  test.each<[Record<string, unknown>, string, string?]>([
    [{ vai: 'Local' }, "no option 'vai' in backend ganga; did you mean via?"],
    [{ via: 'slurm' }, "no batch system 'slurm' in option via; did you mean Slurm?"],
    [{ viaOptions: ['queue'] }, 'must be a map'],
    [{ viaOptions: { queue: {} } }, 'viaOptions.queue'],
    [{ gangadir: 'x' }, 'not an absolute path'],
    [{ via: 'Slurm', gangadir: '/a b' }, 'this name: /a b'],
    [{ settings: 'Slurm.x=1' }, 'is not a setting of Ganga'],
    [{ settings: '[Configuration]gangadir=/x' }, 'gangadir must be an option'],
    [{ beat: '10ms' }, 'at least 1s'],
    [{ beat: '5m' }, 'three times'],
  ])('%j is refused', (options, text, hint) => {
    let error: unknown;
    try {
      parseOptions(farm(options), '/f');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      exit: 2,
      where: 'farms.here',
      message: expect.stringContaining(text),
      ...(hint && { hint }),
    });
  });
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow ganga-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

describe('sessions', () => {
  const sessions = () => join(folder, 'repository/me/LocalXML/6.0/sessions');
  function session(host: string, pid: number, age = 0): string {
    mkdirSync(sessions(), { recursive: true });
    const name = `${host}.16.02_Sunday_22_November_2026.PID.${pid}.session`;
    for (const file of [name, `${name}.jobs.locks`]) writeFileSync(join(sessions(), file), '');
    const then = new Date(Date.now() - age);
    utimesSync(join(sessions(), name), then, then);
    return name;
  }

  test('names', () => {
    expect(parseSession('a.b.org.16.02_Sunday_22_November_2026.PID.12.session')).toEqual({ host: 'a.b.org', pid: 12 });
    expect(parseSession('global_lock')).toBeUndefined();
  });

  test('of a dead process of this host: removed with its locks; of another host: only when it is silent', () => {
    expect(otherSession(folder, Date.now())).toBeUndefined();
    const dead = spawnSync('true').pid;
    session(hostname(), dead);
    session('elsewhere', 1, SESSION + 1_000);
    expect(otherSession(folder, Date.now())).toBeUndefined();
    expect(readdirSync(sessions())).toEqual([]);
    const name = session('elsewhere', 1, 20_000);
    const found = otherSession(folder, Date.now());
    expect(found).toMatchObject({ host: 'elsewhere', pid: 1 });
    expect(Math.round(found!.until - statSync(join(sessions(), name)).mtimeMs)).toBe(SESSION);
    expect(readdirSync(sessions())).toContain(`${name}.jobs.locks`);
  });

  test('of a living process that is not Ganga: its number was given to somebody else', () => {
    const other = spawn('sleep', ['60']);
    session(hostname(), other.pid!);
    expect(otherSession(folder, Date.now())).toBeUndefined();
    const child = spawn('sh', ['-c', 'read x', 'ganga']);
    session(hostname(), child.pid!);
    expect(otherSession(folder, Date.now())).toMatchObject({ pid: child.pid });
    child.kill();
    other.kill();
  });
});

describe('start.sh', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  function waiting(command: string, hold = 30, beat = 1) {
    const jobs = new GangaJobs(join(folder, 'farm'));
    jobs.create();
    const key = `${nonce()}.0`;
    jobs.add(key.split('.')[0]!, [[key, renderSpec(simpleSpec(key, command, folder, { outputs: [] }))]]);
    const child = spawn('sh', [jobs.start, jobs.folder, key, jobs.wrapper, String(hold), String(beat), 'yes']);
    children.push(child);
    const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return { jobs, key, child, exit };
  }

  test('waits with a heartbeat, runs once its ticket is there, and leaves nothing behind', async () => {
    const { jobs, key, exit } = waiting(`echo ran >> '${join(folder, 'ran')}'`);
    await until('a heartbeat', async () => existsSync(jobs.path('beats', key)) || undefined);
    expect(jobs.alive()).toEqual([key]);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
    jobs.release(key);
    jobs.release(key);
    expect(await exit).toBe(0);
    expect(jobs.hasRecord(key)).toBe(true);
    expect(readFileSync(join(folder, 'ran'), 'utf8')).toBe('ran\n');
    const left = () => spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout.includes(key);
    await until('the end of its heartbeat', async () => !left() || undefined);
  });

  test('a ticket that is there before it starts is as good', async () => {
    const { jobs, key, exit } = waiting(':');
    jobs.release(key);
    expect(await exit).toBe(0);
    expect(jobs.hasRecord(key)).toBe(true);
  });

  test('canceled while it waits: nothing runs', async () => {
    const { jobs, key, exit } = waiting(':');
    await until('a heartbeat', async () => existsSync(jobs.path('beats', key)) || undefined);
    jobs.fence(key, 'canceled');
    jobs.release(key);
    expect(await exit).toBe(75);
    expect(jobs.hasRecord(key)).toBe(false);
  });

  test('no ticket: it gives up, and a ticket that comes later finds the fence', async () => {
    const { jobs, key, exit } = waiting(':', 1);
    expect(await exit).toBe(75);
    expect(jobs.mark(key)).toEqual({ kind: 'fenced', why: 'lost' });
    expect(jobs.fencedBecause(key)).toBe('no ticket within 1 s: nothing was run');
    expect(jobs.alive()).toEqual([]);
  });

  test('asked to end while it runs, on a node that no signal of ours reaches: its heartbeat sees it', async () => {
    const { jobs, key, exit } = waiting(`echo $$ > '${join(folder, 'pid')}'; sleep 300`);
    jobs.release(key);
    await until('the payload', async () => existsSync(join(folder, 'pid')) || undefined);
    jobs.askToEnd(key);
    expect(await exit).toBe(0);
    expect(readFileSync(jobs.path('result/new', key), 'utf8')).toContain('phase killed');
  });

  test('a wrapper that is killed has no heartbeat any more', async () => {
    const { jobs, key, child } = waiting('sleep 2');
    jobs.release(key);
    await until('the start', async () => jobs.mark(key)?.kind === 'started' || undefined);
    child.kill('SIGKILL');
    await until('a silent heartbeat', async () => (jobs.look(key, jobs.clock()).beat ?? 0) > 2_500 || undefined);
  });
});
