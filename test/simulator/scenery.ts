// The small experiment that the simulator plays with: settings, complete runs and their raw files, made straight into
// the database. Everything random is drawn from the seed.
import type { DataDoc, RawFile, Replica } from '../../src/lib/domain/data/data.ts';
import { SCHEMA } from '../../src/lib/domain/doc.ts';
import type { FarmDoc } from '../../src/lib/domain/farms/farm.ts';
import { dataId, farmId, pad, runId, runPad } from '../../src/lib/domain/ids.ts';
import type { ModuleDef, ModuleFile } from '../../src/lib/domain/modules/modules.ts';
import type { RunDoc } from '../../src/lib/domain/runs/run.ts';
import type { Settings } from '../../src/lib/domain/settings.ts';
import { iso } from '../../src/lib/util/time.ts';
import { type Config, settingsIn } from '../support/settings.ts';
import type { Database } from './database.ts';
import { adler32, type Disks } from './fake-storage.ts';
import type { Random } from './random.ts';

export const VERSION = '1.0';
const LEVEL = 'L1';
export const STORAGES = ['se1', 'se2'] as const;
export const BUFFER = 'buffer';

/** What differs from seed to seed. */
export interface Scenery {
  readonly runs: readonly number[];
  readonly subruns: number;
  readonly sites: readonly string[];
  readonly analysis: 'sub_run' | 'run';
  readonly tries: number;
  readonly coolingOff: boolean;
  readonly slots: number;
  /** Raw files are at the storage elements from the beginning, so that there is nothing to transfer. */
  readonly transferred: boolean;
}

export function drawScenery(random: Random): Scenery {
  const first = 100;
  return {
    runs: Array.from({ length: random.whole(1, 4) }, (_, index) => first + index),
    subruns: random.whole(1, 3),
    sites: random.chance(0.6) ? ['alpha', 'beta'] : ['alpha'],
    analysis: random.chance(0.5) ? 'run' : 'sub_run',
    tries: random.whole(2, 5),
    coolingOff: random.chance(0.5),
    slots: random.whole(1, 6),
    transferred: random.chance(0.4),
  };
}

function moduleOf(name: string, more: Partial<ModuleDef>): ModuleDef {
  return {
    name,
    run: name,
    level: 'sub_run',
    outputs: { data: 'dat' },
    needs: [],
    raw: false,
    inputs: 'stream',
    files: [],
    cpus: 1,
    tries: 3,
    env: {},
    ...more,
  };
}

function moduleFile({ analysis, tries }: Scenery): ModuleFile {
  const modules = {
    Processing: moduleOf('Processing', { raw: true, tries, outputs: { data: 'dat', summary: 'txt' } }),
    Analysis: moduleOf('Analysis', { needs: ['Processing'], level: analysis, tries }),
    Plot: moduleOf('Plot', { needs: ['Analysis'], level: 'run', tries }),
  };
  return { version: VERSION, path: 'modules/1.0.yaml', modules, runTypes: { any: ['Processing', 'Analysis', 'Plot'] } };
}

const made = new Map<string, Settings>();

/** The settings as a host of `site` reads them; each kind of scenery is read once. */
export function settingsFor(site: string, scenery: Scenery): Settings {
  const { sites, analysis, tries, coolingOff, slots } = scenery;
  const key = JSON.stringify([site, sites, analysis, tries, coolingOff, slots]);
  const settings = made.get(key) ?? settingsOf(site, scenery);
  made.set(key, settings);
  return settings;
}

function settingsOf(site: string, scenery: Scenery): Settings {
  const { slots } = scenery;
  const farm = (first: boolean) => {
    const [output, failover] = first ? STORAGES : [...STORAGES].reverse();
    return { backend: 'sim', slots, pending: slots, output, failover };
  };
  const config: Config = {
    experiment: 'sim',
    store: 'memory:',
    buffer: { level: LEVEL, path: BUFFER, pattern: 'r{run}_{subrun}' },
    storage: Object.fromEntries(
      STORAGES.map((name) => [name, { protocol: 'sim', url: `/sim/${name}`, template: '{level}/{run}/{name}' }]),
    ),
    copies: { raw: 2 },
    runs: { maxJump: 1000, first: 1, types: [], calibration: [] },
    transfer: { parallel: 3, lease: '15 min', retry: '10 min' },
    farms: Object.fromEntries(scenery.sites.map((name, index) => [name, farm(index === 0)])),
    siteFault: { share: 0.6, minimum: 4, window: '6 h' },
    automatic: { from: 1 },
    policy: scenery.coolingOff ? [{ cause: 'crash', exit: 2, action: 'later', wait: '20 min' }] : [],
    limits: { grace: '5 min', submitting: '15 min', vanish: 1 },
    hosts: { '*': { farm: site, loops: ['transfer', 'enqueue', 'submit', 'monitor', 'reset'] } },
  };
  return settingsIn('/sim', config, { modules: { [VERSION]: moduleFile(scenery) } });
}

/** Puts runs, raw files and farms into the world, as register and a first heartbeat would have. */
export function furnish(database: Database, disks: Disks, scenery: Scenery, start: number): void {
  database.local.experiment = 'sim';
  database.local.uuid = 'u0';
  const at = iso(start);
  for (const site of scenery.sites) {
    const farmDoc: FarmDoc = {
      _id: farmId(site),
      kind: 'farm',
      v: SCHEMA,
      site,
      backend: 'sim',
      epoch: 1,
      host: site,
      slots: scenery.slots,
      identity: { cluster: `cluster-${site}`, user: 'prod' },
      heartbeat: at,
    };
    database.write([{ id: farmDoc._id, rev: undefined, doc: farmDoc }]);
  }
  for (const run of scenery.runs) {
    const data = dataDoc(run, scenery, disks, at);
    const docs = [runDoc(run, scenery, at), data];
    database.write(docs.map((doc) => ({ id: doc._id, rev: undefined, doc })));
  }
}

function runDoc(run: number, { subruns }: Scenery, at: string): RunDoc {
  const numbers = Array.from({ length: subruns }, (_, subrun) => subrun);
  const complete = { at, subruns: numbers, evidence: `${run + 1} seen` };
  const levels = { [LEVEL]: { complete, lastFile: at, late: [], files: subruns } };
  return { _id: runId(run), kind: 'run', v: SCHEMA, run, levels, firstSeen: at, history: [] };
}

function dataDoc(run: number, scenery: Scenery, disks: Disks, at: string): DataDoc {
  const files = Array.from({ length: scenery.subruns }, (_, subrun) => rawFile(run, subrun, scenery, disks, at));
  const done = scenery.transferred ? [...STORAGES] : [];
  const keep = { kept: true, rule: 'all' };
  const head = { _id: dataId(LEVEL, run), kind: 'data', v: SCHEMA, level: LEVEL, run } as const;
  return { ...head, files, keep, done, host: 'buffer1', history: [] };
}

function rawFile(run: number, subrun: number, { transferred }: Scenery, disks: Disks, at: string): RawFile {
  const name = `r${runPad(run)}_${pad(subrun, 3)}`;
  const bytes = `raw data of run ${run}, subrun ${subrun}`;
  disks.byName.get(BUFFER)!.write(name, bytes);
  const path = `${LEVEL}/${run}/${name}`;
  const replica: Replica = { state: 'verified', attempt: 1, path, since: at, checkedAt: at };
  if (transferred) for (const storage of STORAGES) disks.byName.get(storage)!.write(path, bytes);
  return {
    name,
    path: name,
    subrun,
    size: bytes.length,
    adler32: adler32(bytes),
    guid: `guid-${name}`,
    lfn: `lfn-${name}`,
    modified: at,
    registered: at,
    late: false,
    original: { state: 'present' },
    replicas: transferred ? Object.fromEntries(STORAGES.map((storage) => [storage, replica])) : {},
  };
}
