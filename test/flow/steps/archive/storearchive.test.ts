// Runs leave the store for a file, and come back: nothing is lost or doubled, wherever a call is killed and whoever writes
// meanwhile.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DataDoc } from '../../../../src/lib/domain/data/data.ts';
import type { Doc } from '../../../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import { type ArchivedDoc, archivedId } from '../../../../src/lib/domain/runs/archived.ts';
import { exportStore } from '../../../../src/lib/flow/steps/archive/archive.ts';
import type { ArchiveFile } from '../../../../src/lib/flow/steps/archive/archivefile.ts';
import { archiveEntries, planArchive, unfinishedMoves } from '../../../../src/lib/flow/steps/archive/archiveplan.ts';
import { backupLines, readBackup } from '../../../../src/lib/flow/steps/archive/backuplines.ts';
import { moveBack } from '../../../../src/lib/flow/steps/archive/moveback.ts';
import { moveOut } from '../../../../src/lib/flow/steps/archive/moveout.ts';
import { checkStore } from '../../../../src/lib/flow/steps/keeping/check.ts';
import { idsWith, type Store } from '../../../../src/lib/store.ts';
import { views } from '../../../../src/lib/views/index.ts';
import { job, T0 } from '../../../support/docs.ts';
import { eachStore } from '../../../support/eachstore.ts';
import { endedRun, ids, runDoc, storedData } from '../../../support/ended.ts';
import { collect, type Seen } from '../../../support/items.ts';
import { closeWorlds, replacing, type TestPorts, world } from '../../../support/ports.ts';

const STORES = eachStore();
const RUNS = [11, 12, 13];
const BEFORE = '2026-08-01T00:00:00.000Z';

afterEach(closeWorlds);

const put = (store: Store, docs: readonly Doc[]) =>
  store.bulk(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));

async function* these(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

/** The documents of these runs in a file, as it is read back. */
async function fileOf(ports: TestPorts): Promise<ArchiveFile> {
  const { runs } = await planArchive(ports, BEFORE);
  const head = { dflow: 'archive', format: 1, experiment: 'demo', schema: 1, at: BEFORE } as const;
  const lines: string[] = [];
  for await (const line of backupLines(head, archiveEntries(ports, BEFORE, runs))) lines.push(line.trimEnd());
  const backup = await readBackup('a.jsonl', () => these(lines), 'archive');
  return { file: '/a.jsonl', host: ports.host, sha256: backup.digest, at: BEFORE, by: ports.by, backup };
}

/** What the store has of runs, besides leases. */
async function all(store: Store): Promise<string[]> {
  const texts: string[] = [];
  for await (const doc of exportStore(store)) texts.push(JSON.stringify(doc));
  return texts.sort();
}

const lateFile: DataDoc = { ...endedRun(12)[1], history: [] };

const briefly = (items: readonly Seen[]): string[] => items.map(({ did, ref }) => `${did} ${ref}`);

class Killed extends Error {}

/** Ports whose store is struck at its `n`th write: `late` after it was done. */
function struckAt(ports: TestPorts, n: number, late: boolean): TestPorts {
  let writes = 0;
  const strike = async <T>(write: () => Promise<T>): Promise<T> => {
    if (++writes < n) return write();
    if (writes === n && late) await write();
    throw new Killed();
  };
  const { store } = ports;
  const struck = replacing<Store>(store, {
    bulk: (changes) => strike(() => store.bulk(changes)),
    update: (id, change) => strike(() => store.update(id, change)),
  });
  return { ...ports, store: struck };
}

describe.each(Object.entries(STORES))('on %s', (_, make) => {
  let ports: TestPorts;
  let store: Store;
  let docs: Doc[];

  beforeEach(async () => {
    store = await make();
    ports = { ...(await world({ storages: ['disk'] })), store };
    // The newest run, and the newest with data, stay.
    docs = [...RUNS.flatMap((run) => endedRun(run)), runDoc(14), runDoc(15), storedData(15)];
    await put(store, docs);
  });

  const markOf = async (run: number): Promise<ArchivedDoc | undefined> =>
    (await store.get<ArchivedDoc>([archivedId(run)])).get(archivedId(run));
  const back = async (file: ArchiveFile): Promise<Seen[]> => {
    const marks = await store.range<ArchivedDoc>(idsWith('archived:'));
    return collect(moveBack(ports, file, marks));
  };

  test('runs leave and come back as they were; the newest stays, and what is requested, and counts go on', async () => {
    const requested = endedRun(16, { request: 'spring' });
    await put(store, [...requested, runDoc(17), storedData(17)]);
    const before = await all(store);
    const counts = await store.count(views.jobsByRequest, 2);
    const file = await fileOf(ports);
    expect(briefly(await collect(moveOut(ports, file)))).toEqual([...RUNS, 14, 15, 16].map((run) => `archived ${run}`));
    expect(ids(await store.range(idsWith('job:')))).toEqual([]);
    expect(ids(await store.range(idsWith('run:')))).toEqual(['run:0000000017']);
    expect(await markOf(11)).toMatchObject({ state: 'archived', documents: 4, file: '/a.jsonl' });
    expect(await store.count(views.jobsByRequest, 2)).toEqual(counts);
    expect((await collect(checkStore(store))).filter(({ failed }) => failed)).toEqual([]);
    // A second call has nothing to do, and says whose they are.
    expect(briefly(await collect(moveOut(ports, file)))).toContain('skipped 11');
    expect(briefly(await back(file))).toContain('restored 11');
    expect(await all(store)).toEqual(before);
  });

  test.each([false, true])('killed at each write (after it: %s), a repeated call ends the move', async (late) => {
    const before = await all(store);
    const file = await fileOf(ports);
    for (let n = 1; ; n++) {
      const ended = await collect(moveOut(struckAt(ports, n, late), file)).catch((error: unknown) => error);
      // Whatever was struck: each document is in the store, or its run is marked and the file has it.
      const there = new Set(ids(await store.range(idsWith(''))));
      for (const { _id, run } of docs as (Doc & { run: number })[])
        expect(there.has(_id) || (await markOf(run))?.sha256 === file.sha256, `${n} ${_id}`).toBe(true);
      if (!(ended instanceof Killed)) {
        expect(n).toBeGreaterThan(3);
        break;
      }
      expect(briefly(await collect(moveOut(ports, file)))).not.toContain('kept 11');
      expect(await unfinishedMoves(ports)).toEqual([]);
      expect((await markOf(11))?.state).toBe('archived');
      await back(file);
      expect(await all(store)).toEqual(before);
    }
  });

  test('killed at each write on the way back, a repeated call brings all back', async () => {
    const before = await all(store);
    const file = await fileOf(ports);
    for (let n = 1, killed = true; killed; n++) {
      await collect(moveOut(ports, file));
      const marks = await store.range<ArchivedDoc>(idsWith('archived:'));
      const ended = await collect(moveBack(struckAt(ports, n, n % 2 === 0), file, marks)).catch(
        (error: unknown) => error,
      );
      killed = ended instanceof Killed;
      await back(file);
      expect(await all(store)).toEqual(before);
      expect(await store.range(idsWith('archived:'))).toEqual([]);
    }
  });

  test('a document that changes meanwhile keeps its whole run in the store, as it is now', async () => {
    const before = await all(store);
    const file = await fileOf(ports);
    const id = 'job:0000000012:Count:001';
    const change = (doc: JobDoc | undefined) => ({ write: { ...doc!, priority: 7 } });
    await store.update<JobDoc>(id, change);
    const items = await collect(moveOut(ports, file));
    expect(items.find(({ ref }) => ref === '12')).toMatchObject({ did: 'kept', failed: true, next: 'dflow why 12' });
    expect(briefly(items)).toContain('archived 13');
    expect(await markOf(12)).toBeUndefined();
    await back(file);
    const expected = before.map((text) =>
      JSON.parse(text)._id === id ? text.replace('"priority":0', '"priority":7') : text,
    );
    expect(await all(store)).toEqual(expected);
  });

  test.each<[string, (store: Store) => Promise<unknown>]>([
    ['a pass', (on) => put(on, [job({ run: 12, pass: 2 })])],
    ['a pass of an archived number', (on) => put(on, [job({ run: 12 })])],
    ['a late file', (on) => put(on, [lateFile])],
    [
      'a request',
      (on) => {
        const plan = [{ run: 12, module: 'Count', pass: 2, needs: [] }];
        const request = {
          _id: 'request:r',
          kind: 'request',
          v: 1,
          name: 'r',
          version: '1.0',
          level: 'L1',
          modules: ['Count'],
        };
        const more = { priority: 0, labels: [], prerequisite: 'latest', plan, by: 'x', created: T0, history: [] };
        return put(on, [{ ...request, ...more } as Doc]);
      },
    ],
  ])('%s that somebody writes during the move keeps the run in the store', async (_what, write) => {
    const before = await all(store);
    const file = await fileOf(ports);
    let bulks = 0;
    // After the documents are gone, before anybody looks whether they still are.
    const raced = replacing<Store>(store, {
      bulk: async (changes) => {
        const outcomes = await store.bulk(changes);
        if (++bulks === 2) await write(store);
        return outcomes;
      },
    });
    const items = await collect(moveOut({ ...ports, store: raced }, file));
    expect(items.find(({ ref }) => ref === '12')).toMatchObject({ did: 'kept', failed: true });
    expect(await markOf(12)).toBeUndefined();
    expect(await markOf(13)).toMatchObject({ state: 'archived' });
    const now = await all(store);
    for (const text of before.filter((one) => one.includes('"run":12'))) expect(now).toContain(text);
  });

  test('brought back by another call in the middle of the move, the run is in the store and has no mark', async () => {
    const before = await all(store);
    const file = await fileOf(ports);
    let bulks = 0;
    const raced = replacing<Store>(store, {
      bulk: async (changes) => {
        // The other call believes that this process is dead.
        if (++bulks === 2) await back(file);
        return store.bulk(changes);
      },
    });
    await collect(moveOut({ ...ports, store: raced }, file));
    expect(await store.range(idsWith('archived:'))).toEqual([]);
    expect(await all(store)).toEqual(before);
  });

  test('store check names a move that was stopped, a file that is gone, and documents beside a mark', async () => {
    const file = await fileOf(ports);
    await collect(moveOut(struckAt(ports, 3, true), file)).catch(() => undefined);
    const findings = async () =>
      (await collect(checkStore(store, { isThere: async () => false }))).filter(({ failed }) => failed);
    expect(await findings()).toContainEqual(
      expect.objectContaining({ did: 'abandoned', ref: archivedId(11), next: 'dflow store archive /a.jsonl' }),
    );
    await collect(moveOut(ports, file));
    await put(store, [job({ run: 12 })]);
    const found = await findings();
    expect(found).toContainEqual(expect.objectContaining({ did: 'dangling', ref: archivedId(11) }));
    expect(found).toContainEqual(expect.objectContaining({ did: 'impossible', ref: archivedId(12) }));
  });
});
