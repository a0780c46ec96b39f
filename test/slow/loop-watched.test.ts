// A loop and what is around it: another build on disk, the configuration, what is away, signals, and people who ask.
// Takes long, since each case runs several rounds as processes.
import { cpSync, existsSync, mkdirSync, renameSync, rmdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { LoopDoc } from '../../src/lib/domain/farms/farm.ts';
import { BIN, dflow, folder, lines, must, removeFolders } from '../support/cli.ts';
import { isRound, killLoops, type Line, loop, type Running, speaking } from '../support/loop.ts';

afterEach(killLoops);
afterAll(removeFolders);

const CONFIG = `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}
storage: {disk: ./store}
breaker: {aside: 1s}
farms: {local: {}}
credentials: {check: cat left}
`;
const ON = { DFLOW_HOST: 'login1' };

function experiment(more = ''): string {
  const place = folder();
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(place, name));
  writeFileSync(join(place, 'left'), '90000');
  writeFileSync(join(place, 'dflow.yaml'), CONFIG + more);
  must(place, ['store', 'setup']);
  return place;
}

const later = (one: Running, fits: (line: Line) => boolean): Promise<Line> => {
  const from = one.said.length;
  return one.until((line) => one.said.indexOf(line) >= from && fits(line));
};

/** Begins rounds until one of them fits, since a loop that fails rests. */
async function hurried(one: Running, fits: (line: Line) => boolean): Promise<Line> {
  let found: Line | undefined;
  const looking = later(one, fits).then((line) => {
    found = line;
  });
  while (!found) {
    one.child.kill('SIGUSR2');
    await Promise.race([looking, wait(200)]);
  }
  return found;
}

test('another build on disk ends the loop with 75, and its watcher starts the new one', async () => {
  const place = experiment();
  const root = join(folder(), 'program');
  const from = resolve(dirname(BIN), '..');
  for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
    if (existsSync(join(from, name))) cpSync(join(from, name), join(root, name), { recursive: true });
  symlinkSync(join(from, 'node_modules'), join(root, 'node_modules'));
  const watch = resolve(import.meta.dirname, '../../src/lib/flow/steps/screens/watch.sh');
  const program = [process.execPath, join(root, 'bin/run.js'), 'loop', '--json', '--every', '100ms'];
  const one = speaking('sh', [watch, 'register', place, ...program, '--', 'register', '--no-wait'], place);
  await one.until(isRound);
  writeFileSync(join(root, 'dist/build-id'), 'another build\n');
  expect((await one.until(({ did }) => did === 'stopped')).text).toContain('another build of dflow is installed');
  await one.until(({ text }) => /ended with 75 .*starts again|started again: another build/.test(text));
  await later(one, ({ did }) => did === 'started');
  await later(one, isRound);
  // It was no death: nobody is alarmed.
  const rows = lines<LoopDoc>(must(place, ['list', 'loops', '--json']));
  expect(JSON.stringify(rows)).not.toContain('"deaths"');
  process.kill(-one.child.pid!, 'SIGTERM');
  expect(await one.ended).toBe(0);
});

test('on: false, set while the loop runs, ends it after its round', async () => {
  const hosts = (on: boolean): string => `hosts: {login1: {loops: {register: {every: 100ms, on: ${on}}}}}\n`;
  const place = experiment(hosts(true));
  const one = loop(place, ['--name', 'register'], ON);
  await one.until(isRound);
  writeFileSync(join(place, 'dflow.yaml'), CONFIG + hosts(false));
  expect(await one.ended).toBe(0);
  expect(one.said.at(-1)).toMatchObject({ did: 'stopped', text: expect.stringContaining('on: false') });
  expect(dflow(place, ['status', '--check']).out).not.toMatch(/silent|register on login1/);
});

test.each([
  {
    exit: 3,
    run: 'enqueue',
    // A folder where the store was: the store cannot be opened.
    away: (place: string) => {
      renameSync(join(place, 'dflow.db'), join(place, 'kept.db'));
      mkdirSync(join(place, 'dflow.db'));
    },
    back: (place: string) => {
      rmdirSync(join(place, 'dflow.db'));
      renameSync(join(place, 'kept.db'), join(place, 'dflow.db'));
    },
  },
  {
    exit: 4,
    run: 'submit',
    away: (place: string) => writeFileSync(join(place, 'left'), '0'),
    back: (place: string) => writeFileSync(join(place, 'left'), '90000'),
  },
  {
    exit: 5,
    run: 'transfer',
    away: (place: string) => renameSync(join(place, 'store'), join(place, 'away')),
    back: (place: string) => renameSync(join(place, 'away'), join(place, 'store')),
  },
])('exit $exit: rounds become rarer, and come again when it is back', async ({ exit, run, away, back }) => {
  const place = experiment();
  const raw = join(place, 'raw', 'run1_0.dat');
  writeFileSync(raw, 'one');
  // Long finished, so that one call registers it, however fast the machine is.
  utimesSync(raw, new Date(0), new Date(Date.now() - 60_000));
  expect(must(place, ['register'])).toContain('registered');
  away(place);
  const one = loop(place, ['--every', '1s', '--jitter', '0%', '--', run], ON);
  const rest = ({ began, until }: Line): number => Date.parse(until ?? '') - Date.parse(began ?? '');
  const failed = await one.until((line) => line.exit === exit);
  const next = await hurried(one, (line) => line.exit === exit);
  expect([rest(failed), rest(next)]).toEqual([2000, 4000]);
  if (exit !== 3) {
    expect(dflow(place, ['why', 'login1']).out).toContain(`${run} on login1 failed`);
    expect(must(place, ['status', '--check'], [1])).toContain(`${run} on login1 failed`);
  }
  back(place);
  const good = await hurried(one, (line) => line.exit === 0);
  expect(rest(good)).toBe(1000);
  one.child.kill('SIGTERM');
  expect(await one.ended).toBe(0);
  expect(dflow(place, ['why', 'login1']).out).not.toContain('failed');
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s ends after the item in hand, the second one at once', async (signal, code) => {
  const place = experiment();
  writeFileSync(join(place, 'dflow.yaml'), CONFIG.replace('cat left', `touch '${place}/begun'; exec sleep 600`));
  const one = loop(place, ['--', 'submit'], ON);
  while (!existsSync(join(place, 'begun'))) await wait(50);
  one.child.kill(signal);
  await one.until(({ text }) => text.includes('a second signal stops at once'));
  one.child.kill(signal);
  expect(await one.ended).toBe(code);
});

test('a loop that lives is not forgotten, one that was stopped is', async () => {
  const place = experiment();
  const one = loop(place, ['--every', '100ms', '--', 'register', '--no-wait'], ON);
  await one.until(isRound);
  const kept = dflow(place, ['loop', '--forget', 'register', '--host', 'login1']);
  expect([kept.code, kept.out]).toEqual([1, expect.stringContaining('stop it first')]);
  expect(`${kept.out}${kept.err}`).toContain(`kill ${one.child.pid}`);
  one.child.kill('SIGTERM');
  expect(await one.ended).toBe(0);
  must(place, ['loop', '--forget', 'register', '--host', 'login1']);
  const again = dflow(place, ['loop', '--forget', 'register', '--host', 'login1']);
  expect(again.code).toBe(2);
});

test('a single round of an exclusive loop, as cron starts it, waits for its turn', async () => {
  const place = experiment();
  const slow = CONFIG.replace('cat left', `touch '${place}/begun'; until cat left; do sleep 0.1; done`);
  writeFileSync(join(place, 'dflow.yaml'), slow);
  renameSync(join(place, 'left'), join(place, 'right'));
  const words = ['--every', '1h', '--exclusive', 'jobs', '--', 'submit'];
  const holder = loop(place, words, { DFLOW_HOST: 'login2' });
  while (!existsSync(join(place, 'begun'))) await wait(50);
  const one = loop(place, ['--once', ...words], ON);
  expect((await one.until(isRound)).text).toContain('has the turn');
  renameSync(join(place, 'right'), join(place, 'left'));
  await holder.until(({ exit }) => exit === 0);
  await hurried(one, ({ exit }) => exit === 0);
  expect(await one.ended).toBe(0);
  holder.child.kill('SIGTERM');
  expect(await holder.ended).toBe(0);
});
