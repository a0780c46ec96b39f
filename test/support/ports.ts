// Real ports in a temporary folder: a SQLite store, posix storage elements, one buffer folder per level.
// Nothing here is faked; `wrap` may put a fault in front of a storage element.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Surroundings } from '../../src/lib/cli/config/settings.ts';
import { machine } from '../../src/lib/cli/machine.ts';
import { type DataDoc, type RawFile, withDone } from '../../src/lib/domain/data/data.ts';
import { SCHEMA } from '../../src/lib/domain/doc.ts';
import { dataId } from '../../src/lib/domain/ids.ts';
import type { Settings, StorageSettings } from '../../src/lib/domain/settings.ts';
import type { Ports } from '../../src/lib/flow/ports.ts';
import { open as openPosix } from '../../src/lib/protocols/posix/posix.ts';
import type { Storage } from '../../src/lib/storage.ts';
import type { Store } from '../../src/lib/store.ts';
import { open as openSqlite } from '../../src/lib/stores/sqlite/sqlite.ts';
import { adler32 } from '../contracts/storage.ts';
import { type Config, settingsIn } from './settings.ts';

const HOST = 'buffer1';
export const T0 = '2026-07-14T06:00:00.000Z';

export interface PortsOptions {
  /** An existing world's folder: a second host, or the same one in another process. A new one without it. */
  readonly folder?: string;
  /** Names of storage elements, the primary first. Default: sfu, fnal, ral. */
  readonly storages?: readonly string[];
  readonly levels?: readonly string[];
  readonly host?: string;
  /** What the configuration says otherwise. */
  readonly config?: Partial<Config>;
  /** What is around the configuration: modules, this host's farm. */
  readonly around?: Partial<Surroundings>;
  /** Milliseconds of the store's clock; the real one without it. */
  readonly now?: () => number;
  readonly wrap?: (storage: Storage) => Storage;
}

export interface TestPorts extends Ports {
  readonly folder: string;
  readonly store: Store;
  /** Closes the store; the folder stays. */
  close(): Promise<void>;
  /** Closes, and removes the folder. */
  remove(): Promise<void>;
}

/** Everything under `folder`: `dflow.db`, `buffer/<level>/`, `se/<name>/`. */
export async function makePorts(options: PortsOptions = {}): Promise<TestPorts> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'dflow-ports-')));
  const settings = makeSettings(folder, options);
  for (const { path } of settings.buffers) await mkdir(path, { recursive: true });
  if (options.folder === undefined) for (const { url } of settings.storages) await mkdir(url, { recursive: true });
  const clock = options.now ? { now: options.now } : {};
  const store = await openSqlite(settings.store, { write: options.folder === undefined ? 'setup' : true, ...clock });
  if (options.folder === undefined) await store.setup(settings.experiment);
  const host = options.host ?? HOST;
  const opened = new Map<string, Promise<Storage>>();
  const once = (site: StorageSettings, wrap: (storage: Storage) => Storage = (storage) => storage) => {
    const found = opened.get(site.name) ?? openPosix(site).then(wrap);
    opened.set(site.name, found);
    return found;
  };
  return {
    ...machine,
    folder,
    settings,
    store,
    host,
    by: `test@${host}`,
    nonce: () => randomBytes(8).toString('hex'),
    sleep: (milliseconds, signal) => wait(milliseconds, undefined, signal ? { signal } : {}).catch(() => undefined),
    storage: (name) => once(settings.storages.find((one) => one.name === name)!, options.wrap),
    buffer: (level) => {
      const { path } = settings.buffers.find((one) => one.level === level)!;
      const site = {
        name: `buffer ${level}`,
        protocol: 'posix',
        mounted: true,
        url: path,
        tape: false,
        template: '{name}',
        options: {},
      };
      return once(site);
    },
    backend: (farm) => Promise.reject(new Error(`these ports have no batch system (${farm})`)),
    close: () => store.close(),
    remove: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const worlds: TestPorts[] = [];

/** Ports that `afterEach(closeWorlds)` removes. */
export async function world(options: PortsOptions = {}): Promise<TestPorts> {
  const ports = await makePorts(options);
  worlds.push(ports);
  return ports;
}

export async function closeWorlds(): Promise<void> {
  for (const ports of worlds.splice(0)) await ports.remove();
}

function makeSettings(folder: string, options: PortsOptions): Settings {
  const names = options.storages ?? ['sfu', 'fnal', 'ral'];
  const buffers = (options.levels ?? ['L1']).map((level) => ({
    level,
    path: `buffer/${level}`,
    pattern: 'SNOP_{run:10}_{subrun:3}.dat',
  }));
  const config: Config = {
    experiment: 'test',
    store: `sqlite:${join(folder, 'dflow.db')}`,
    buffer: buffers,
    storage: Object.fromEntries(names.map((name) => [name, `se/${name}`])),
    copies: { raw: names.length },
    transfer: { parallel: 8 },
    farms: {},
    ...options.config,
  };
  return settingsIn(folder, config, { host: options.host ?? HOST, ...options.around });
}

export interface TestFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Writes files to the buffer and their data document as register would. */
export async function addRun(
  ports: TestPorts,
  run: number,
  files: readonly TestFile[],
  level = 'L1',
): Promise<DataDoc> {
  const { path: folder } = ports.settings.buffers.find((buffer) => buffer.level === level)!;
  const raw: RawFile[] = [];
  for (const [subrun, { name, bytes }] of files.entries()) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
    raw.push(rawFile(name, subrun, bytes));
  }
  const doc = dataDoc(run, raw, level, ports.host);
  await ports.store.update(doc._id, () => ({ write: doc }));
  return doc;
}

export function rawFile(name: string, subrun: number, bytes: Uint8Array): RawFile {
  return {
    name,
    path: name,
    subrun,
    size: bytes.length,
    adler32: adler32(bytes),
    guid: `00000000-0000-5000-8000-${String(subrun).padStart(12, '0')}`,
    lfn: `/test/raw/${name}`,
    modified: T0,
    registered: T0,
    late: false,
    original: { state: 'present' },
    replicas: {},
  };
}

export function dataDoc(run: number, files: readonly RawFile[], level = 'L1', host = 'buffer1'): DataDoc {
  const keep = { kept: true, rule: 'all' };
  return withDone({
    _id: dataId(level, run),
    kind: 'data',
    v: SCHEMA,
    level,
    run,
    files,
    keep,
    done: [],
    host,
    history: [],
  });
}

/** The data document of a run as it is now. */
export async function readRun(ports: Ports, run: number, level = 'L1'): Promise<DataDoc> {
  const id = dataId(level, run);
  return (await ports.store.get<DataDoc>([id])).get(id)!;
}

export { collect } from './items.ts';

/** A storage element, a store, a batch system with some calls replaced: how a fault is put in front of a real one. */
export function replacing<T extends object>(real: T, calls: Partial<T>): T {
  return new Proxy(real, {
    get(target, key) {
      const own = Reflect.get(calls, key) as unknown;
      const value = own ?? (Reflect.get(target, key) as unknown);
      return typeof value === 'function' ? value.bind(own ? calls : target) : value;
    },
  });
}
