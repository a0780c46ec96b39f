// Ways in which farms, loops, holds and passes stand still, each with what stages and what clears it.
import { dataId, jobId } from '../../src/lib/domain/ids.ts';
import { MINUTE } from '../../src/lib/util/time.ts';
import { addPass, DAY, farmDoc, HOUR, MODULES, runIn, setSubjob } from './standing.ts';
import { type Case, failure, hold, lock, loop, plannedLoop, setReplica } from './standingcases.ts';

/** Farms, loops, holds and passes. */
export const OF_JOBS: readonly Case[] = [
  {
    way: 'farm-silent',
    stage: async (world) => {
      await setSubjob(world, { name: 'submitted', since: world.ago(HOUR), lock, backendId: '7' });
      await world.put(farmDoc(world, world.ago(2 * HOUR)));
    },
    why: 'here',
    next: 'dflow monitor --site here',
  },
  {
    way: 'farm-silent',
    what: 'a farm of an earlier configuration',
    stage: async (world) => {
      await setSubjob(world, {
        name: 'submitted',
        since: world.ago(HOUR),
        lock: { ...lock, site: 'old' },
        backendId: '7',
      });
      await world.put({ ...farmDoc(world, world.ago(2 * HOUR)), _id: 'farm:old', site: 'old' });
    },
    why: '1/Count',
    next: 'dflow farm unlock old --why TEXT',
    yes: true,
  },
  {
    way: 'clock',
    what: 'a retry that ends in a year',
    stage: (world) =>
      setSubjob(world, {
        name: 'held',
        since: world.ago(HOUR),
        reason: 'exit-3',
        until: world.ago(-300 * DAY),
        failure,
      }),
    why: '--all',
    next: 'dflow reset',
  },
  {
    way: 'clock',
    what: 'a copy that is claimed for a year',
    stage: (world) =>
      setReplica(world, 'a', {
        ...{ state: 'copying', attempt: 1, host: 'login9', nonce: 'n', since: world.ago(HOUR) },
        expires: world.ago(-300 * DAY),
      }),
    why: '1',
    next: 'dflow transfer --run 1',
  },
  { way: 'farm-never', parts: { farm: false }, stage: () => undefined, why: 'here', next: 'dflow submit --site here' },
  {
    way: 'loop-failed',
    stage: (world) => loop(world, 'reset', world.ago(HOUR / 60), 'no route'),
    why: '--all',
    next: 'dflow reset',
  },
  { way: 'loop-silent', stage: (world) => loop(world, 'reset', world.ago(3 * DAY)), why: '--all', next: 'dflow reset' },
  {
    way: 'loop-silent',
    what: 'one that says how often it runs',
    stage: (world) => plannedLoop(world, 'reset', world.ago(41 * MINUTE), 'ok'),
    why: '--all',
    next: /^on .*: dflow loop --every 1m -- reset \(gone for good: dflow loop --forget reset --host /,
    clear: async (world) => {
      await runIn(world, ['loop', '--forget', 'reset', '--host', world.host]);
      await loop(world, 'reset', world.ago(0));
    },
  },
  {
    way: 'loop-failed',
    what: 'a loop whose storage element is away',
    stage: (world) => plannedLoop(world, 'reset', world.ago(MINUTE), 'a: connection refused'),
    why: '--all',
    next: 'dflow reset',
  },
  {
    way: 'loop-stopped',
    parts: { loops: false },
    stage: (world) => plannedLoop(world, 'submit', world.ago(HOUR), 'ok', { stopped: world.ago(HOUR) }),
    why: '--all',
    next: /^on .*: dflow loop -- submit$/,
    clear: (world) => loop(world, 'submit', world.ago(0)),
  },
  {
    way: 'clock',
    what: 'a loop that says how often it runs',
    stage: (world) => plannedLoop(world, 'reset', world.ago(-300 * DAY), 'ok'),
    why: '--all',
    next: /dflow loop --every 1m -- reset/,
    clear: (world) => loop(world, 'reset', world.ago(0)),
  },
  {
    way: 'loop-never',
    stage: async (world) => {
      await world.store.update(`loop:${world.host}:transfer`, () => ({ remove: true }));
      await setReplica(world, 'b', {
        state: 'failed',
        attempt: 1,
        since: world.ago(DAY),
        why: 'x',
        retryAt: world.ago(DAY),
      });
    },
    why: '--all',
    next: 'dflow transfer',
  },
  {
    way: 'clock',
    what: 'a loop',
    stage: (world) => loop(world, 'reset', world.ago(-300 * DAY)),
    why: '--all',
    next: 'dflow reset',
  },
  {
    way: 'lease',
    stage: (world) =>
      world.put({
        ...{ _id: 'lease:submit:here', kind: 'lease', what: 'submit', host: 'login9', nonce: 'n', by: 'submit@login9' },
        ...{ since: world.ago(DAY), renewed: world.ago(HOUR) },
      }),
    why: '1/Count',
    next: 'dflow submit --site here',
  },
  {
    way: 'credentials',
    config: { more: 'credentials: {check: cat left}' },
    parts: { run: false },
    stage: (world) => {
      world.write('left', '0');
      const { host } = world;
      return world.put({
        _id: `credential:${host}`,
        kind: 'credential',
        host,
        at: world.ago(HOUR),
        state: 'expired',
        text: 'expired',
      });
    },
    why: 'a',
    next: 'voms-proxy-init',
    clear: async (world) => {
      world.write('left', '90000');
      await runIn(world, ['transfer']);
    },
  },
  {
    way: 'buffer',
    stage: (world) =>
      world.put({
        _id: 'buffer:b9:L1',
        kind: 'buffer',
        host: 'b9',
        level: 'L1',
        at: world.ago(0),
        total: 1e12,
        free: 1e9,
      }),
    why: 'buffer',
    next: 'dflow purge',
    clear: (world) =>
      world.put({
        _id: 'buffer:b9:L1',
        kind: 'buffer',
        host: 'b9',
        level: 'L1',
        at: world.ago(0),
        total: 1e12,
        free: 9e11,
      }),
  },
  { way: 'hold', what: 'everything', stage: (world) => hold(world, {}), why: '1/Count', next: 'dflow resume hold:x' },
  {
    way: 'hold',
    what: 'a drained farm',
    stage: (world) => hold(world, { what: 'drain', scope: { sites: ['here'] } }),
    why: '1/Count',
    next: 'dflow resume hold:x',
  },
  {
    way: 'hold',
    what: 'a disabled element',
    stage: (world) => hold(world, { what: 'storage', scope: { storages: ['b'] } }),
    why: 'b',
    next: 'dflow resume hold:x',
  },
  {
    way: 'hold',
    what: 'a canceled transfer',
    stage: (world) => hold(world, { what: 'transfer', scope: { runs: [[1, 1]] } }),
    why: '1',
    next: 'dflow resume hold:x',
  },
  {
    way: 'hold',
    what: 'a calibration',
    stage: (world) => hold(world, { what: 'calibration', scope: { automatic: true, runs: [[1, 99]] } }),
    why: '1/Count',
    next: 'dflow resume hold:x',
  },
  { way: 'hold-over', stage: (world) => hold(world, { until: world.ago(HOUR) }), why: '--all', next: 'dflow reset' },
  {
    way: 'failed',
    stage: (world) => setSubjob(world, { name: 'failed', since: world.ago(HOUR), lock, failure }),
    why: '1/Count',
    next: 'dflow retry 1/Count/1',
  },
  {
    way: 'held',
    stage: (world) => setSubjob(world, { name: 'held', since: world.ago(HOUR), reason: 'refused', failure }),
    why: '1/Count',
    next: 'dflow retry 1/Count/1',
  },
  {
    way: 'cooled',
    stage: (world) =>
      setSubjob(world, { name: 'held', since: world.ago(DAY), reason: 'exit-3', until: world.ago(2 * HOUR), failure }),
    why: '--all',
    next: 'dflow reset',
  },
  {
    way: 'unsatisfied',
    stage: async (world) => {
      await setSubjob(world, { name: 'canceled', since: world.ago(HOUR), why: 'by mistake' });
      const needs = [{ module: 'Count', pass: 1, job: jobId(1, 'Count', 1) }];
      await addPass(world, 'Plot', { needs });
      await setSubjob(
        world,
        { name: 'waiting', since: world.ago(HOUR), wake: { kind: 'on', id: jobId(1, 'Count', 1) } },
        { inputs: [] },
        'Plot',
      );
    },
    why: '1/Plot',
    next: 'dflow retry 1/Count/1',
  },
  {
    way: 'submitting',
    stage: (world) => setSubjob(world, { name: 'submitting', since: world.ago(HOUR), lock }),
    why: '1/Count',
    next: 'dflow reset --site here',
  },
  {
    way: 'module-gone',
    stage: async (world) => {
      await addPass(world, 'Gone', {});
      const wake = { kind: 'on', id: `config:${world.settings.hash}` } as const;
      await setSubjob(world, { name: 'waiting', since: world.ago(HOUR), wake }, {}, 'Gone');
    },
    why: '1/Gone',
    next: 'dflow cancel 1/Gone/1',
  },
  {
    way: 'module-file',
    stage: (world) => {
      world.write('modules/1.0.yaml', 'modules: {Count: {outputs: {n: n.txt}}}');
      return world.configure({});
    },
    why: '--all',
    next: 'dflow module check 1.0',
    clear: (world) => {
      world.write('modules/1.0.yaml', MODULES);
      return world.configure({});
    },
  },
  {
    way: 'version-nowhere',
    config: { farms: "farms: {here: {backend: local, slots: 2, versions: ['2.0']}}" },
    stage: (world) => {
      const wake = { kind: 'on', id: `installed:1.0:${world.settings.hash}` } as const;
      return setSubjob(world, { name: 'waiting', since: world.ago(HOUR), wake });
    },
    why: '1/Count',
    next: 'add 1.0 to farms.here.versions',
    clear: (world) => world.configure({ farms: "farms: {here: {backend: local, slots: 2, versions: ['1.0', '2.0']}}" }),
  },
  {
    way: 'inputs-nowhere',
    config: { copies: 'copies: {raw: 1, purgeAfter: 1}', farms: 'farms: {here: {backend: local, slots: 2, reads: b}}' },
    stage: (world) =>
      setSubjob(world, { name: 'waiting', since: world.ago(HOUR), wake: { kind: 'on', id: dataId('L1', 1) } }),
    why: '1/Count',
    next: 'dflow transfer --to b --run 1',
  },
];
