// 200 files to three storage elements (a mounted folder, root://, http://) by two transfer hosts at once, while dflow is
// killed 20 times and one server is killed and started again: everything arrives, byte for byte, and nothing is left.
// DFLOW_SEED=n repeats a course of events.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  type FSWatcher,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { chown } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import { bytesOf } from '../contracts/storage.ts';
import { random } from '../support/chaos.ts';
import { BIN, environment, must } from '../support/cli.ts';
import { documents, filesBelow, sha } from '../support/picture.ts';
import { C, D, down, freshFolder, httpUrl, kill, owner, removeFolders, rootUrl, up } from './servers.ts';

const FILES = 200;
const KILLS = 20;
/** Copies that one death can waste: those with a lane, and the small ones that are given to a tool together. */
const AT_ONCE = 8;
const BATCH = 512;
const HOSTS = ['buffer1', 'buffer2'] as const;
const seed = Number(process.env.DFLOW_SEED ?? Date.now() % 100_000);
const next = random(seed);

let folder: string;
let places: Record<'disk' | 'grid' | 'web', string>;
/** Temporary names seen at each place: each is one copy that was begun. */
const begun = new Map<string, Set<string>>();
const watchers: FSWatcher[] = [];

beforeAll(async () => {
  for (const server of [C, D]) up(server);
  folder = mkdtempSync(join(tmpdir(), 'dflow-fanout-'));
  for (const name of ['raw', 'disk', 'tmp', 'modules']) mkdirSync(join(folder, name));
  const grid = freshFolder(C);
  const web = freshFolder(D);
  places = { disk: join(folder, 'disk'), grid: join(C.data, grid), web: join(D.data, web) };
  writeFileSync(join(folder, 'dflow.yaml'), configuration(rootUrl(C, grid), httpUrl(D, web)));
  const old = new Date(Date.now() - 3_600_000);
  for (let index = 0; index < FILES; index++) {
    const size = index % 20 === 0 ? 4_000_000 + index : 1 + Math.floor(next() * 200_000);
    const path = join(folder, 'raw', `run${1 + Math.floor(index / 4)}_${index % 4}.dat`);
    writeFileSync(path, bytesOf(`file ${index}`, size));
    utimesSync(path, old, old);
  }
  for (const [name, root] of Object.entries(places)) await follow(name, root);
  must(folder, ['store', 'setup']);
  must(folder, ['register']);
});

afterAll(async () => {
  for (const watcher of watchers) watcher.close();
  for (const server of [C, D]) {
    await removeFolders(server);
    down(server);
  }
  rmSync(folder, { recursive: true, force: true });
});

const configuration = (grid: string, web: string): string => `
buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}
storage:
  disk: ./disk
  grid: {protocol: xrootd, url: '${grid}', options: {timeout: 20s}}
  web: {protocol: gfal, url: '${web}', options: {timeout: 20s}}
copies: {raw: 3}
runs: {quiet: 0s}
transfer: {parallel: 4, perStorage: ${AT_ONCE}, lease: 4s, retry: 1s}
breaker: {failures: 3, aside: 1s}
`;

/** Every file name that appears where the copies go; the folders are there before. */
async function follow(place: string, root: string): Promise<void> {
  const seen = new Set<string>();
  begun.set(place, seen);
  const where = join(root, 'L1', '0');
  mkdirSync(where, { recursive: true });
  const [uid, gid] = owner();
  for (const path of [join(root, 'L1'), where]) if (place !== 'disk') await chown(path, uid, gid);
  watchers.push(watch(where, (_, name) => void (name?.includes('.dflow-') && seen.add(name))));
}

const alive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;
const ended = (child: ChildProcess): Promise<unknown> =>
  alive(child) ? new Promise((resolve) => child.once('exit', resolve)) : Promise.resolve();

function transfer(host: string, args: readonly string[] = []): ChildProcess {
  const env = environment({ DFLOW_HOST: host, TMPDIR: join(folder, 'tmp') }, folder);
  return spawn(process.execPath, [BIN, 'transfer', '--quiet', ...args], { cwd: folder, env, stdio: 'ignore' });
}

let kills = 0;
let serverKills = 0;

/** Kills that fell while temporary files lay somewhere. */
let halfway = 0;

const copiesBegun = (): number => [...begun.values()].reduce((sum, seen) => sum + seen.size, 0);
const partial = (): number =>
  Object.values(places).reduce(
    (sum, root) => sum + filesBelow(root).filter((path) => path.includes('.dflow-')).length,
    0,
  );

/** One host: call after call, most of them killed a moment after a copy has begun, some at any moment. */
async function life(host: string): Promise<void> {
  for (let turn = 0; turn < 400 && kills < KILLS; turn++) {
    const before = copiesBegun();
    const anywhen = next() < 0.25;
    const moment = anywhen ? 200 + next() * 2500 : next() ** 2 * 400;
    const child = transfer(host, ['--limit', '25']);
    for (let look = 0; !anywhen && look < 3000 && alive(child) && copiesBegun() === before; look++) await sleep(5);
    await Promise.race([ended(child), sleep(moment)]);
    if (alive(child) && kills < KILLS && child.kill('SIGKILL')) {
      kills++;
      if (partial() > 0) halfway++;
    }
    await ended(child);
  }
}

/** A server goes down hard while copies to it are under way, and comes back. */
async function outage(): Promise<void> {
  const seen = begun.get('web')!;
  for (let turn = 0; turn < 3000 && seen.size < 10; turn++) await sleep(20);
  kill(D);
  serverKills++;
  await sleep(1500);
  up(D);
}

function data(): DataDoc[] {
  return documents(folder).filter((doc) => doc.kind === 'data') as unknown as DataDoc[];
}

const lacking = (docs: readonly DataDoc[]): number => docs.filter(({ done }) => done.length < 3).length;

test(`${FILES} files, three elements, two hosts, ${KILLS} kills, one dead server (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  expect(data().flatMap(({ files }) => files)).toHaveLength(FILES);
  await Promise.all([...HOSTS.map(life), outage()]);
  expect(kills).toBe(KILLS);
  const left = lacking(data());
  for (let round = 0; round < 40 && lacking(data()) > 0; round++) {
    await Promise.all(HOSTS.map((host) => ended(transfer(host))));
    await sleep(500);
  }

  const docs = data();
  const files = docs.flatMap((doc) => doc.files);
  const wanted = files.map(({ name }) => `L1/0/${name}`).sort();
  for (const file of files) {
    for (const name of Object.keys(places))
      expect([file.name, name, file.replicas[name]?.state]).toEqual([file.name, name, 'verified']);
  }
  for (const root of Object.values(places)) {
    expect(filesBelow(root)).toEqual(wanted);
    for (const { name } of files) expect(sha(join(root, 'L1/0', name))).toBe(sha(join(folder, 'raw', name)));
  }
  // Nothing of the dead on this machine either: their scratch folders are removed by who comes after.
  const own = readdirSync(join(folder, 'tmp'));
  expect(own.flatMap((name) => readdirSync(join(folder, 'tmp', name)))).toEqual([]);

  const deaths = kills + serverKills;
  const copies = [...begun.values()].map((seen) => seen.size);
  const all = copies.reduce((a, b) => a + b, 0);
  expect(all).toBeGreaterThan(FILES * 2);
  expect(all).toBeLessThanOrEqual(FILES * 3 + deaths * (AT_ONCE + Math.min(BATCH, 25)));
  for (const [place, seen] of begun) {
    for (const { name, size } of files) {
      const times = [...seen].filter((one) => one.startsWith(`.${name}.dflow-`)).length;
      expect(times, `${name} at ${place}`).toBeLessThanOrEqual(1 + deaths);
      if (place === 'disk' && size > 0) expect(times, `${name} at ${place}`).toBeGreaterThanOrEqual(1);
    }
  }
  const attempts = files.flatMap(({ replicas }) => Object.values(replicas).map(({ attempt }) => attempt));
  const most = Math.max(...attempts);
  expect(most).toBeLessThanOrEqual(1 + deaths);
  const bytes = files.reduce((sum, { name }) => sum + statSync(join(folder, 'raw', name)).size, 0);
  process.stdout.write(
    `fan-out seed ${seed}: ${files.length} files, ${bytes} bytes, 3 elements, ${kills} kills of dflow, ${serverKills} of a server; ` +
      `${halfway} of them with copies half made, ${left} runs were left for the quiet rounds; copies begun ${JSON.stringify(Object.fromEntries([...begun].map(([k, v]) => [k, v.size])))} of 200 each, ` +
      `attempts at most ${most}\n`,
  );
});
