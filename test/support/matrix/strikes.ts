// One round of the matrix: two or three commands on two hosts at once, each struck in its own way at a random moment.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killSupervisor } from '../chaos.ts';
import { BIN, environment, lines } from '../cli.ts';
import { DISKS, environmentOf, HOSTS, type Host, takeRun, type World } from './world.ts';

type How = 'kill' | 'stop' | 'term' | 'full' | 'clock' | 'supervisor';

export interface Strike {
  readonly host: Host;
  readonly command: string;
  readonly how: How;
  /** False when the command had ended before the blow fell. */
  readonly hit: boolean;
  readonly code: number | null;
  /** The last words of a command that ended in a way that no fault excuses. */
  readonly wrong?: string;
}

const FAKETIME = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib']
  .map((folder) => join(folder, 'faketime/libfaketime.so.1'))
  .find(existsSync);

/** Only the wall clock: timers and file times stay as they are. */
const CLOCK = { FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' };

export const hasClock = FAKETIME !== undefined;

type Next = () => number;
const pick = <T>(next: Next, from: readonly T[]): T => from[Math.floor(next() * from.length)]!;

/** What each host's loops and its operator type. */
function commandOf(host: Host, next: Next, round: number, lastRun: number): readonly string[] {
  const run = String(1 + Math.floor(next() * lastRun));
  const everywhere = [
    ...[['chain'], ['submit'], ['monitor'], ['reset'], ['enqueue']],
    ['reprocess', '-m', 'Count', '-r', run, '--request', `r${round}-${host}`],
    ['retry', '--all', '-s', 'failed,partFail,canceled,held'],
    ['cancel', run, '--why', 'matrix', '--yes'],
  ];
  const buffer = [
    ...[['register'], ['register'], ['transfer'], ['transfer'], ['purge', '--yes'], ['purge', '--yes']],
    ...[
      ['purge', '--junk', '--yes'],
      ['verify', '--read', '--repair'],
      ['verify', '--repair'],
    ],
    ['delete', '-m', 'Sum', '-r', run, '--why', 'matrix', '--yes'],
  ];
  return pick(next, host === 'buffer1' ? [...everywhere, ...buffer, ...buffer] : everywhere);
}

function howOf(world: World, next: Next): How {
  const dice = next();
  if (dice < 0.4) return 'kill';
  if (dice < 0.55) return 'stop';
  if (dice < 0.7) return 'term';
  if (dice < 0.85) return world.mounted ? 'full' : 'kill';
  return dice < 0.93 ? (hasClock ? 'clock' : 'kill') : 'supervisor';
}

function begin(world: World, host: Host, args: readonly string[], how: How, next: Next): ChildProcess {
  const jump = next() < 0.5 ? '+1d' : '-1d';
  const clock = how === 'clock' ? { LD_PRELOAD: FAKETIME ?? '', FAKETIME: jump, ...CLOCK } : {};
  const env = environment({ ...environmentOf(host), ...clock });
  return spawn(process.execPath, [BIN, ...args], {
    cwd: join(world.folder, host),
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** A command may take so long once nothing stops it any more. */
const PATIENCE = 120_000;

async function strike(world: World, host: Host, args: readonly string[], how: How, next: Next): Promise<Strike> {
  const after = 120 + next() ** 2 * 2_200;
  const pause = 200 + next() * 4_000;
  const child = begin(world, host, args, how, next);
  const alive = (): boolean => child.exitCode === null && child.signalCode === null;
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-1500);
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await Promise.race([ended, sleep(after)]);
  const hit = alive();
  if (how === 'supervisor') killSupervisor(join(world.folder, host));
  if (hit && how === 'kill') child.kill('SIGKILL');
  if (hit && how === 'term') child.kill('SIGTERM');
  if (hit && how === 'stop') {
    child.kill('SIGSTOP');
    await sleep(pause);
    child.kill('SIGCONT');
  }
  const patience = new AbortController();
  const late = await Promise.race([ended.then(() => false), sleep(PATIENCE, true, { signal: patience.signal })]);
  patience.abort();
  if (late) child.kill('SIGKILL');
  const code = child.exitCode;
  const wrong = late ? `still running after ${PATIENCE / 1000} s` : code === 70 ? `exit 70: ${said}` : undefined;
  return { host, command: args.join(' '), how, hit, code, ...(wrong ? { wrong } : {}) };
}

/** Fills a disk to its last byte. */
function fill(world: World, disk: string): void {
  const file = openSync(join(world.folder, disk, 'filler'), 'w');
  for (const size of [1 << 20, 1 << 12, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size));
    } catch {
      // Full for this size.
    }
  }
  closeSync(file);
}

export function empty(world: World): void {
  for (const disk of DISKS) rmSync(join(world.folder, disk, 'filler'), { force: true });
}

/** Copies that were damaged on purpose, each file once: there is always another good one. */
const damaged = new WeakMap<World, Set<string>>();

function damage(world: World, next: Next): void {
  const done = damaged.get(world) ?? new Set();
  damaged.set(world, done);
  const exported = world.run('buffer1', ['store', 'export', '--kind', 'data']);
  if (exported.code !== 0) return;
  // biome-ignore lint/suspicious/noExplicitAny: documents are read as plain JSON here, on purpose
  const files = lines<any>(exported.out).flatMap((doc) => doc.files);
  const good = files.filter((file) => {
    const replicas = Object.values(file.replicas) as { state: string }[];
    return !done.has(file.name) && replicas.length === 2 && replicas.every(({ state }) => state === 'verified');
  });
  const file = good.length > 0 ? pick(next, good) : undefined;
  if (!file) return;
  done.add(file.name);
  const path = join(world.folder, 'se/fnal', file.replicas.fnal.path);
  if (existsSync(path)) writeFileSync(path, 'x'.repeat(file.size));
}

/** What the detector, its builder and the disks do between two rounds. */
function happen(world: World, next: Next, runs: { last: number }): void {
  if (next() < 0.3) takeRun(world, ++runs.last, 1 + Math.floor(next() * 3));
  if (next() < 0.06) writeFileSync(join(world.folder, 'buffer', `odd name ${Math.floor(next() * 1e6)}.dat`), 'x');
  if (next() < 0.06) damage(world, next);
}

export async function round(world: World, next: Next, number: number, runs: { last: number }): Promise<Strike[]> {
  happen(world, next, runs);
  const parts = Array.from({ length: next() < 0.5 ? 2 : 3 }, (_, i) => {
    const host = i < 2 ? HOSTS[i]! : pick(next, HOSTS);
    return { host, args: commandOf(host, next, number, runs.last), how: howOf(world, next) };
  });
  if (parts.some(({ how }) => how === 'full')) fill(world, pick(next, DISKS));
  const struck = await Promise.all(parts.map(({ host, args, how }) => strike(world, host, args, how, next)));
  empty(world);
  return struck;
}
