// Outputs by rule: copied, moved, continued after a death, kept away from what changes meanwhile; and which copy a job
// reads. Real store, real folders.

import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import type { Ports } from '../../../../src/lib/flow/ports.ts';
import { type TransferOptions, transfer } from '../../../../src/lib/flow/steps/transfer/transfer.ts';
import { HOUR } from '../../../../src/lib/util/time.ts';
import type { Seen } from '../../../support/items.ts';
import {
  closeWorlds,
  collect,
  type PortsOptions,
  replacing,
  T0,
  type TestPorts,
  world,
} from '../../../support/ports.ts';
import type { Config } from '../../../support/settings.ts';
import { outputPath, outputsOf, readJob, storedPass } from '../../../support/stored.ts';

const withRules = (outputs: NonNullable<Config['outputs']>, options: PortsOptions = {}): Promise<TestPorts> =>
  world({ ...options, config: { outputs, ...options.config } });
afterEach(closeWorlds);

const copiesOf = (doc: JobDoc): string[] =>
  outputsOf(doc)
    .map(({ name, storage }) => `${storage} ${name}`)
    .sort();

function onDisk(ports: TestPorts, storage: string): string[] {
  const root = join(ports.folder, 'se', storage);
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

const run = (ports: Ports, options: TransferOptions = {}): Promise<Seen[]> => collect(transfer(ports, options));

test('outputs of a type are copied to the named elements; the catalogue has both; a second call does nothing', async () => {
  const ports = await withRules([{ type: 'root', to: ['fnal', 'ral'], keep: true }]);
  const doc = await storedPass(ports);
  const roots = doc.subjobs.map(({ index }) => `Count_s${index}.root`);
  const dry = await run(ports, { dryRun: true });
  expect(dry.map(({ file, storage, did }) => [file, storage, did])).toHaveLength(roots.length * 2);
  expect(onDisk(ports, 'fnal')).toEqual([]);
  const items = await run(ports);
  expect(items.every(({ did }) => did === 'verified')).toBe(true);
  expect(items).toHaveLength(roots.length * 2);
  for (const name of ['fnal', 'ral']) expect(onDisk(ports, name)).toEqual(roots);
  const after = await readJob(ports, doc);
  expect(copiesOf(after)).toEqual(
    [...copiesOf(doc), ...roots.map((name) => `fnal ${name}`), ...roots.map((name) => `ral ${name}`)].sort(),
  );
  expect(after.copies).toEqual({});
  expect(await run(ports)).toEqual([]);
});

test('moved: what is elsewhere goes once every copy was read again, and a receipt says so', async () => {
  const ports = await withRules([{ module: 'Count', to: ['fnal'], keep: false }]);
  const doc = await storedPass(ports);
  const names = doc.subjobs.flatMap(({ index }) => [`Count_s${index}.root`, `Count_s${index}.soc`]).sort();
  const items = await run(ports);
  expect(items.filter(({ did }) => did === 'removed')).toHaveLength(names.length);
  expect(onDisk(ports, 'sfu')).toEqual([]);
  expect(onDisk(ports, 'fnal')).toEqual(names);
  expect(copiesOf(await readJob(ports, doc))).toEqual(names.map((name) => `fnal ${name}`));
  const [receipt] = readdirSync(join(ports.folder, '.dflow', 'receipts'));
  const lines = readFileSync(join(ports.folder, '.dflow', 'receipts', receipt!), 'utf8')
    .trim()
    .split('\n');
  expect(lines.map((line) => JSON.parse(line).storage)).toEqual(names.map(() => 'sfu'));
});

test('a copy that rots between copying and removing keeps the source', async () => {
  const ports = await withRules([{ to: ['fnal'], keep: false }], {
    wrap: (storage) =>
      replacing(storage, {
        readChecksum: async (path) => ({ ...(await storage.readChecksum(path)), adler32: '00000bad' }),
      }),
  });
  const doc = await storedPass(ports);
  const items = await run(ports);
  expect(items.filter(({ did }) => did === 'removed')).toEqual([]);
  expect(onDisk(ports, 'sfu')).toEqual(onDisk(ports, 'fnal'));
  expect(copiesOf(await readJob(ports, doc)).filter((one) => one.startsWith('sfu'))).toHaveLength(
    doc.subjobs.length * 2,
  );
  expect(existsSync(join(ports.folder, '.dflow', 'receipts'))).toBe(false);
});

test('outputs that are deleted while they are copied come back nowhere', async () => {
  let ports: TestPorts | undefined;
  let doc: JobDoc | undefined;
  ports = await withRules([{ to: ['fnal'], keep: true }], {
    wrap: (storage) =>
      replacing(storage, {
        rename: async (from, to) => {
          await storage.rename(from, to);
          await ports!.store.update<JobDoc>(doc!._id, (now) => ({
            write: {
              ...now!,
              subjobs: now!.subjobs.map((subjob) => ({
                ...subjob,
                state: subjob.state.name === 'completed' ? { ...subjob.state, outputs: [] } : subjob.state,
              })),
            },
          }));
        },
      }),
  });
  doc = await storedPass(ports);
  const items = await run(ports);
  expect(items.length).toBeGreaterThan(0);
  expect(items.every(({ did }) => did === 'skipped')).toBe(true);
  expect(copiesOf(await readJob(ports, doc))).toEqual([]);
});

test("another host's claim is left alone until it expires; then its rest is removed and the copy made", async () => {
  let clock = Date.parse(T0);
  const ports = await withRules([{ type: 'soc', to: ['fnal'], keep: true }], { now: () => clock });
  const doc = await storedPass(ports);
  const claim = { attempt: 1, nonce: 'theirs', host: 'dead', expires: new Date(clock + HOUR).toISOString() };
  await ports.store.update<JobDoc>(doc._id, (now) => ({ write: { ...now!, copies: { fnal: claim } } }));
  const { path } = outputsOf(doc).find(({ name }) => name === 'Count_s0.soc')!;
  const rest = join(dirname(outputPath(ports, { storage: 'fnal', path })), '.Count_s0.soc.dflow-1-theirs');
  await mkdir(dirname(rest), { recursive: true });
  await writeFile(rest, 'half');
  expect(await run(ports)).toEqual([]);
  clock += 2 * HOUR;
  expect((await run(ports)).map(({ did }) => did)).toEqual(doc.subjobs.map(() => 'verified'));
  expect(onDisk(ports, 'fnal')).toEqual(doc.subjobs.map(({ index }) => `Count_s${index}.soc`));
});

test('a destination that fails cools off and says why', async () => {
  const ports = await withRules([{ type: 'soc', to: ['fnal'], keep: true }]);
  const doc = await storedPass(ports);
  await writeFile(join(ports.folder, 'se', 'fnal', 'outputs'), 'a file where the folder should be');
  const items = await run(ports);
  expect(items.every(({ failed }) => failed === true)).toBe(true);
  expect((await readJob(ports, doc)).copies?.fnal).toMatchObject({
    attempt: 1,
    why: expect.stringContaining('outputs'),
  });
  expect(await run(ports)).toEqual([]);
});

describe('two names of one place', () => {
  const moving = { config: { outputs: [{ to: ['fnal'], keep: false }] } };

  test('a linked folder at the other element: nothing is removed, and it is said once', async () => {
    const ports = await world(moving);
    const doc = await storedPass(ports);
    symlinkSync(join(ports.folder, 'se', 'sfu', 'outputs'), join(ports.folder, 'se', 'fnal', 'outputs'));
    const items = await run(ports);
    expect(items.filter(({ did }) => did === 'removed')).toEqual([]);
    expect(items.filter(({ did }) => did === 'kept')).toMatchObject([
      { ref: 'sfu', failed: true, next: expect.stringContaining('one place') },
    ]);
    expect(onDisk(ports, 'sfu')).toHaveLength(outputsOf(doc).length);
    expect(copiesOf(await readJob(ports, doc)).filter((one) => one.startsWith('sfu'))).toHaveLength(
      outputsOf(doc).length,
    );
  });

  test('what no probe tells is found when it is renamed away: it comes back, also into the catalogue', async () => {
    const ports: TestPorts = await world({
      ...moving,
      // A door of sfu that keeps what is put there as a probe to itself: only what is known by name is seen.
      wrap: (storage) => {
        if (storage.name !== 'fnal') return storage;
        const real = () => ports.storage('sfu');
        const seen = (path: string) => !path.includes('.probe.');
        return replacing(storage, {
          localPath: () => undefined,
          stat: async (paths) =>
            new Map([
              ...(await (await real()).stat(paths.filter(seen))),
              ...(await storage.stat(paths.filter((path) => !seen(path)))),
            ]),
          checksum: async (path) => (await real()).checksum(path),
          readChecksum: async (path) => (await real()).readChecksum(path),
        });
      },
    });
    const doc = await storedPass(ports);
    const before = outputsOf(doc).length;
    const items = await run(ports);
    expect(items.filter(({ did }) => did === 'removed')).toEqual([]);
    expect(items.filter(({ did, text }) => did === 'kept' && String(text).includes('one place'))).toHaveLength(before);
    expect(onDisk(ports, 'sfu')).toHaveLength(before);
    expect(copiesOf(await readJob(ports, doc)).filter((one) => one.startsWith('sfu'))).toHaveLength(before);
  });
});

describe('stopped between the steps', () => {
  class Killed extends Error {}

  /** Runs a move that dies at its `last`-th call of sfu; false when it ended before. */
  async function dies(ports: TestPorts, last: number, after: boolean): Promise<boolean> {
    let count = 0;
    const storage = async (name: string) => {
      const real = await ports.storage(name);
      if (name !== 'sfu') return real;
      const mortal = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
        return async (...args: A): Promise<R> => {
          count++;
          if (count > last || (count === last && !after)) throw new Killed();
          const result = await call.apply(real, args);
          if (count >= last) throw new Killed();
          return result;
        };
      };
      const { stat, rename, renameNew, remove } = real;
      return replacing(real, {
        stat: mortal(stat),
        rename: mortal(rename),
        remove: mortal(remove),
        ...(renameNew ? { renameNew: mortal(renameNew) } : {}),
      });
    };
    return run({ ...ports, storage }).then(
      () => false,
      (error: unknown) => {
        if (error instanceof Killed) return true;
        throw error;
      },
    );
  }

  test.each([
    false,
    true,
  ])('at every call, its effect there or not (%s): the next transfer settles it', async (after) => {
    let kills = 0;
    for (let last = 1; ; last += 1) {
      const ports = await withRules([{ to: ['fnal'], keep: false }]);
      const doc = await storedPass(ports);
      const names = [...new Set(outputsOf(doc).map(({ name }) => name))].sort();
      const died = await dies(ports, last, after);
      await run(ports);
      await run(ports);
      expect(onDisk(ports, 'fnal')).toEqual(names);
      expect(onDisk(ports, 'sfu')).toEqual([]);
      expect(copiesOf(await readJob(ports, doc))).toEqual(names.map((name) => `fnal ${name}`));
      expect(readdirSync(join(ports.folder, '.dflow', 'removing'))).toEqual([]);
      await closeWorlds();
      if (!died) break;
      kills++;
    }
    expect(kills).toBeGreaterThan(8);
  });
});
