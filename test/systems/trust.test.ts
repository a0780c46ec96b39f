// What verify and purge make of damaged copies on real XRootD servers, which remember checksums by name and mtime: 1,000
// copies of which 25 are damaged in five ways, then a site that is broken as a whole; originals whose copies were changed.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, expect, test } from 'vitest';
import { dflow, lines, must } from '../support/cli.ts';
import { DAMAGES, type Damage } from '../support/stored.ts';
import { A, B, freshFolder, removeFolders, rootUrl, type SystemServer } from './servers.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
afterAll(async () => {
  for (const server of [A, B]) await removeFolders(server);
});

interface World {
  readonly folder: string;
  /** Where the copies are on this machine, by storage element. */
  readonly places: Readonly<Record<string, string>>;
  file(run: number, subrun: number): string;
}

/** `runs` runs of `each` files, registered and copied to all `sites`. */
function world(runs: number, each: number, sites: Readonly<Record<string, SystemServer>>, more = ''): World {
  const folder = mkdtempSync(join(tmpdir(), 'dflow-trust-'));
  folders.push(folder);
  for (const name of ['raw', 'modules']) mkdirSync(join(folder, name));
  const places = Object.entries(sites).map(([name, server]) => {
    const own = freshFolder(server);
    return { name, path: join(server.data, own), url: rootUrl(server, own) };
  });
  const storage = places.map(({ name, url }) => `  ${name}: {protocol: xrootd, url: '${url}', template: '{name}'}`);
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:3}_{subrun:3}.dat', settle: 1s}\nruns: {quiet: 0s}\nstorage:\n${storage.join('\n')}\n${more}`,
  );
  const file = (run: number, subrun: number): string =>
    `run${String(run).padStart(3, '0')}_${String(subrun).padStart(3, '0')}.dat`;
  // Older than the days for which purge keeps a file.
  const old = new Date(Date.now() - 90 * 86_400_000);
  for (let run = 1; run <= runs; run++) {
    for (let subrun = 0; subrun < each; subrun++) {
      const path = join(folder, 'raw', file(run, subrun));
      writeFileSync(path, `${run} ${subrun} `.repeat(50));
      utimesSync(path, old, old);
    }
  }
  must(folder, ['store', 'setup']);
  must(folder, ['register', '--quiet']);
  must(folder, ['transfer', '--quiet']);
  return { folder, places: Object.fromEntries(places.map(({ name, path }) => [name, path])), file };
}

const damages = Object.keys(DAMAGES) as Damage[];
/** Files that verify called bad. */
function bad(out: string): string[] {
  return lines(out)
    .filter(({ did }) => did === 'bad')
    .map(({ file }) => String(file))
    .sort();
}

test('1,000 copies, 25 damaged in five ways: found, mended; 60 % damaged: a site fault', {
  timeout: 900_000,
}, async () => {
  const { folder, places, file } = world(50, 20, { grid: A });
  // The server remembers by name and second: what changes within the second of its copy looks the same.
  await sleep(1_500);
  const damaged = Array.from({ length: 25 }, (_, index) => ({ name: file(1 + 2 * index, index % 20), index }));
  for (const { name, index } of damaged) await DAMAGES[damages[index % 5]!](join(places.grid!, name));
  const loud = damaged.filter(({ index }) => damages[index % 5] !== 'silent').map(({ name }) => name);
  // The server remembers what it said about those that look the same.
  const asked = dflow(folder, ['verify', '--json']);
  expect(asked.code).toBe(1);
  expect(bad(asked.out)).toEqual(loud);
  const read = dflow(folder, ['verify', '--read', '--json']);
  expect([...bad(asked.out), ...bad(read.out)].sort()).toEqual(damaged.map(({ name }) => name));
  const mended = lines(dflow(folder, ['verify', '--repair', '--json']).out).filter(({ did }) => did === 'repaired');
  expect(mended.map((item) => item.file).sort()).toEqual(damaged.map(({ name }) => name));
  for (const name of readdirSync(join(folder, 'raw')))
    expect(readFileSync(join(places.grid!, name))).toEqual(readFileSync(join(folder, 'raw', name)));
  expect(bad(must(folder, ['verify', '--read', '--json']))).toEqual([]);

  for (let run = 1; run <= 50; run++)
    for (let subrun = 0; subrun < 12; subrun++) await DAMAGES.missing(join(places.grid!, file(run, subrun)));
  const fault = dflow(folder, ['verify', '--repair', '--json']);
  expect(fault.code).toBe(1);
  expect(lines(fault.out).filter(({ did }) => did === 'bad' || did === 'repaired')).toEqual([]);
  expect(lines(fault.out)).toContainEqual(
    expect.objectContaining({ ref: 'grid', did: 'site-fault', bad: 300, checked: 500 }),
  );
  const listed = lines(must(folder, ['list', 'replicas', '--storage', 'grid', '--json']));
  expect(listed.filter(({ state }) => state === 'verified')).toHaveLength(1000);
});

test('purge keeps what has one changed copy, whatever the servers remember', { timeout: 300_000 }, async () => {
  const { folder, places, file } = world(4, 5, { grid: A, far: B }, 'copies: {raw: 2, purgeAfter: 2}\n');
  // As servers remember them: asked once, so that each has noted its answer.
  must(folder, ['verify', '--quiet']);
  const changed = [file(1, 0), file(2, 3), file(4, 4)];
  await DAMAGES.silent(join(places.grid!, changed[0]!));
  await DAMAGES.silent(join(places.far!, changed[1]!));
  await DAMAGES.silent(join(places.grid!, changed[2]!));
  expect(bad(must(folder, ['verify', '--json']))).toEqual([]);
  const purged = dflow(folder, ['purge', '--yes', '--json']);
  expect(readdirSync(join(folder, 'raw')).sort()).toEqual(changed);
  expect(
    lines(purged.out)
      .filter(({ did }) => did === 'kept')
      .map((item) => item.file)
      .sort(),
  ).toEqual(changed);
});
