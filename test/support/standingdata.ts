// Ways in which runs, requests, storage elements and files stand still, each with what stages and what clears it.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import type { Doc } from '../../src/lib/domain/doc.ts';
import { dataId, jobId, runId } from '../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { archivedDoc } from '../../src/lib/domain/runs/archived.ts';
import type { RunDoc } from '../../src/lib/domain/runs/run.ts';
import { idsWith } from '../../src/lib/store.ts';
import { noteDamage } from '../../src/lib/stores/sqlite/whole/damage.ts';
import { archiveText } from './ended.ts';
import { DAY, HOUR, runIn, setSubjob, type World } from './standing.ts';
import { breaker, type Case, getReplica, lock, setOriginal, setReplica } from './standingcases.ts';
import { completeRun, rawName } from './stored.ts';

const RUCIO = "catalogue: {url: 'http://127.0.0.1:1', account: a, auth: {user: u}, scope: s, rses: {a: A}}";

const refuse = (world: World, refused: NonNullable<NonNullable<DataDoc['catalogue']>['refused']>): Promise<unknown> =>
  world.store.update<DataDoc>(dataId('L1', 1), (doc) => ({ write: { ...doc!, catalogue: { refused } } }));

/** Runs, requests, storage elements and files. */
export const OF_DATA: readonly Case[] = [
  {
    way: 'unreadable',
    stage: async (world) => {
      await world.put({ _id: jobId(1, 'Count', 1), kind: 'job', run: 1, module: 'Count', pass: 1 });
      await runIn(world, ['retry', '1/Count/1']);
    },
    why: '--all',
    next: 'dflow store drop job:0000000001:Count:001 --why',
  },
  {
    way: 'damaged',
    stage: (world) => noteDamage(join(world.folder, 'dflow.db'), 'database disk image is malformed'),
    why: '--all',
    next: 'dflow store restore FILE',
    // The file is sound: whoever has put one in its place looks.
    clear: (world) => runIn(world, ['store', 'info', '--check']),
  },
  {
    way: 'no-version',
    config: { automatic: '' },
    parts: { run: false },
    stage: async (world) => {
      world.write('modules/2.0.yaml', readFileSync(join(world.folder, 'modules/1.0.yaml'), 'utf8'));
      await completeRun(world, 1, 1);
      return world.configure({ automatic: '' });
    },
    why: '1',
    next: /set automatic\.version in .*dflow\.yaml/,
    clear: async (world) => {
      const now = await world.configure({});
      await runIn(now, ['enqueue']);
      return now;
    },
  },
  {
    way: 'todo',
    config: { more: 'tables: {required: RUN}' },
    stage: () => undefined,
    why: '1',
    next: 'dflow tables load FILE',
    clear: async (world) => {
      world.write('t.ratdb', '{ name: "RUN", run_range: [1, 1], runtype: 4 }');
      await runIn(world, ['tables', 'load', join(world.folder, 't.ratdb')]);
      await runIn(world, ['enqueue']);
    },
  },
  {
    way: 'blocked',
    parts: { run: false },
    stage: async (world) => {
      await completeRun(world, 1, 1);
      await world.store.update<RunDoc>(runId(1), (doc) => ({
        write: {
          ...doc!,
          levels: { L1: { lastFile: world.ago(DAY), late: [], files: 1, blocked: 'subrun 001 missing' } },
        },
      }));
    },
    why: '1',
    next: 'dflow enqueue --complete 1',
  },
  {
    way: 'first-pass',
    config: { more: `tables: {required: RUN, command: 'sh ./first.sh'}` },
    stage: (world) => {
      world.write('first.sh', `echo '{ name: "RUN", run_range: [1, 1], runtype: 4 }'`);
      const doc = { run: 1, state: 'failed', nonce: 'n', tries: 1, until: world.ago(HOUR), why: 'exit 1' };
      return world.put({ _id: 'firstpass:0000000001', kind: 'firstpass', ...doc });
    },
    why: '1',
    next: 'dflow tables',
  },
  {
    way: 'request',
    stage: (world) =>
      world.put({
        ...{
          _id: 'request:q',
          kind: 'request',
          name: 'q',
          version: '1.0',
          level: 'L1',
          modules: ['Count'],
          priority: 0,
        },
        ...{ labels: [], prerequisite: 'latest', by: 'x', created: world.ago(HOUR), history: [] },
        plan: [{ run: 1, module: 'Count', pass: 2, needs: [] }],
      }),
    why: '--all',
    next: 'dflow reprocess --request q --version 1.0 --module Count --level L1 --run 1',
  },
  {
    way: 'archiving',
    stage: async (world) => {
      const docs: Doc[] = [];
      for (const kind of ['run:', 'data:', 'job:']) docs.push(...(await world.store.range(idsWith(kind))));
      const { uuid = '' } = await world.store.info();
      const head = { dflow: 'archive', format: 1, experiment: 'test', uuid, schema: 1, at: world.ago(HOUR) } as const;
      const text = await archiveText(head, docs);
      const file = join(world.folder, 'old.archive.jsonl');
      writeFileSync(file, text);
      const sha256 = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '').sha256;
      await world.put({ ...archivedDoc(1, docs, { file, host: 'x', sha256, at: world.ago(HOUR), by: 'x' }) });
    },
    why: '1',
    next: /^dflow store archive .*old\.archive\.jsonl$/,
    yes: true,
  },
  {
    way: 'catalogue',
    config: { more: RUCIO },
    stage: (world) => {
      const away = { since: world.ago(HOUR), why: 'Rucio cannot be reached' };
      return world.put({ _id: 'catalogue:rucio', kind: 'catalogue', name: 'rucio', at: world.ago(0), away });
    },
    why: '1',
    next: 'dflow catalogue sync',
    // No server can be asked here: it answers again.
    clear: (world) => world.put({ _id: 'catalogue:rucio', kind: 'catalogue', name: 'rucio', at: world.ago(0) }),
  },
  {
    way: 'catalogue-refused',
    config: { more: RUCIO },
    stage: (world) => refuse(world, { [rawName(1)]: { why: 'the catalogue has size 1', since: world.ago(HOUR) } }),
    why: '1',
    next: 'dflow verify --catalogue --repair --run 1',
    clear: (world) => refuse(world, {}),
  },
  { way: 'element-fails', stage: (world) => breaker(world), why: 'b', next: 'dflow transfer --to b' },
  { way: 'element-aside', stage: (world) => breaker(world, world.ago(-HOUR)), why: 'b', next: 'dflow transfer --to b' },
  {
    way: 'element-unknown',
    stage: async (world) => setReplica(world, 'old', await getReplica(world)),
    why: '--all',
    next: 'dflow list replicas --storage old',
    clear: async (world) => setReplica(world, 'old', undefined as never),
  },
  {
    way: 'copies-failed',
    stage: (world) =>
      setReplica(world, 'b', {
        state: 'failed',
        attempt: 1,
        since: world.ago(HOUR),
        why: '501',
        retryAt: world.ago(HOUR),
      }),
    why: 'b',
    next: 'dflow transfer --to b',
  },
  {
    way: 'copies-bad',
    stage: (world) =>
      setReplica(world, 'b', {
        state: 'bad',
        attempt: 1,
        path: `L1/0/${rawName(1)}`,
        since: world.ago(HOUR),
        why: 'differs',
      }),
    why: '1',
    next: 'dflow verify --repair --run 1',
  },
  {
    way: 'output-copy',
    config: { more: 'outputs: [{to: b}]' },
    stage: async (world) => {
      await setSubjob(world, {
        name: 'completed',
        since: world.ago(HOUR),
        lock,
        execution: 'e',
        outputs: [],
        usage: {},
      });
      const copies = { b: { attempt: 1, why: 'no route', retryAt: world.ago(HOUR) } };
      await world.store.update<JobDoc>(jobId(1, 'Count', 1), (job) => ({ write: { ...job!, copies } }));
    },
    why: '1/Count',
    next: 'dflow transfer --to b',
    clear: (world) =>
      world.store
        .update<JobDoc>(jobId(1, 'Count', 1), (job) => {
          const { copies: _, ...rest } = job!;
          return { write: rest };
        })
        .then(() => undefined),
  },
  {
    way: 'copying',
    stage: async (world) => {
      const claim = { attempt: 1, host: 'b9', nonce: 'n', since: world.ago(DAY), expires: world.ago(HOUR) };
      rmSync(join(world.folder, 'se/b/L1'), { recursive: true });
      await setReplica(world, 'b', { state: 'copying', ...claim });
    },
    why: '1',
    next: 'dflow transfer --run 1',
  },
  {
    way: 'changed',
    stage: (world) => setOriginal(world, { state: 'changed', since: world.ago(HOUR), why: 'grew' }),
    why: '1',
    next: /^dflow /,
    clear: (world) => setOriginal(world, { state: 'present' }),
  },
  {
    way: 'lost',
    stage: (world) => setOriginal(world, { state: 'purged', since: world.ago(HOUR), receipt: 'r' }, {}),
    why: '1',
    next: 'put the file on the buffer again',
    clear: (world) => setOriginal(world, { state: 'present' }),
  },
  {
    way: 'purging',
    stage: (world) => setOriginal(world, { state: 'purging', nonce: 'n', host: world.host, since: world.ago(DAY) }),
    why: '1',
    next: 'dflow purge --run 1',
    yes: true,
  },
  {
    way: 'quarantine',
    stage: (world) =>
      world.put({
        ...{ _id: 'quarantine:L1:odd', kind: 'quarantine', level: 'L1', name: 'odd', run: 1, reason: 'empty' },
        ...{ detail: 'x', at: world.ago(HOUR) },
      }),
    why: '1',
    next: 'dflow purge --junk',
    clear: (world) => world.store.update('quarantine:L1:odd', () => ({ remove: true })).then(() => undefined),
  },
  {
    way: 'new-version',
    stage: (world) =>
      world.put({
        ...{
          _id: 'quarantine:L1:grown',
          kind: 'quarantine',
          level: 'L1',
          name: 'grown',
          run: 1,
          reason: 'new-version',
        },
        ...{ detail: 'grew', at: world.ago(HOUR) },
      }),
    why: '1',
    next: "dflow register --accept 'quarantine:L1:grown'",
    clear: (world) => world.store.update('quarantine:L1:grown', () => ({ remove: true })).then(() => undefined),
  },
  {
    way: 'stale-tables',
    stage: (world) =>
      world.put({
        ...{ _id: 'notice:0000000001:stale-tables:Count/1', kind: 'notice', what: 'stale-tables', run: 1 },
        ...{ name: 'Count/1', text: '1/Count/1 was made with run tables that have changed', since: world.ago(HOUR) },
      }),
    why: '1',
    next: 'dflow reprocess --stale-tables --request',
    clear: (world) =>
      world.store.update('notice:0000000001:stale-tables:Count/1', () => ({ remove: true })).then(() => undefined),
  },
  ...(['stale', 'interrupted'] as const).map(
    (what): Case => ({
      way: what,
      stage: (world) =>
        world.put({
          ...{ _id: `notice:0000000001:${what}:x`, kind: 'notice', what, run: 1, name: 'x', text: 'x was accepted' },
          since: world.ago(-HOUR),
        }),
      why: '1',
      next: what === 'stale' ? 'dflow reprocess --request' : 'dflow register --accept',
      clear: (world) =>
        world.store.update(`notice:0000000001:${what}:x`, () => ({ remove: true })).then(() => undefined),
    }),
  ),
];
