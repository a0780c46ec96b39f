// The composition root: opens the store, storage elements and batch systems of a configuration. Only the adapters that
// the configuration names are ever loaded, and only when they are used.
import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Backend, BackendModule } from '../backend.ts';
import type { Catalogue } from '../catalogue.ts';
import { noSuch, noSuchError } from '../domain/named.ts';
import type { BufferSettings, Settings, StorageSettings } from '../domain/settings.ts';
import type { Ports } from '../flow/ports.ts';
import type { Storage, StorageModule } from '../storage.ts';
import type { Store, StoreModule } from '../store.ts';
import { ConfigError, UnreachableError } from '../util/errors.ts';
import { stopping } from '../util/processes/stopping.ts';
import { remount, silence } from '../util/text/silence.ts';
import { LONGEST_TIMER } from '../util/time.ts';
import { given } from '../util/values/given.ts';
import { type Adapters, nameForScheme, schemesOf } from './adapter.ts';
import { BACKENDS, PROTOCOLS, STORES } from './adapters.ts';
import { openCatalogue } from './config/catalogue.ts';
import { refuseNesting } from './config/findings/nesting.ts';
import { noteStore, storesAt } from './formerstores.ts';
import { thisRound } from './loop/round.ts';
import { machine } from './machine.ts';
import { presenceIn } from './presence.ts';
import { lazyRatdb } from './ratdb.ts';
import { soundStore } from './soundstore.ts';
import { mailer } from './watching/mail.ts';

export interface OpenPorts extends Ports {
  /** The store with every document, also those that cannot be read. */
  readonly everything: Store;
  /** What is wrong with each unreadable document that was met, by id. */
  readonly unread: Map<string, string>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly write: boolean | 'setup';
  /** Name of the command, for histories. */
  readonly command: string;
  /** A word to a person, about what is waited for. */
  readonly say?: (text: string) => void;
  /** A store that is open, or opens when it is asked. */
  readonly store?: Store;
}

/**
 * Opens the store; everything else opens when it is first asked for.
 * @throws StoreError, ReadOnlyStoreError; ConfigError when an element shares a folder with a buffer
 */
export async function openPorts(settings: Settings, options: OpenOptions): Promise<OpenPorts> {
  const apart = new Map<string, Promise<ReadonlySet<string>>>();
  const compared = (): Promise<ReadonlySet<string>> => once(apart, 'apart', () => refuseNesting(settings));
  if (options.write === true) await compared();
  const everything = options.store ?? (await openStore(settings, options));
  const unread = new Map<string, string>();
  const store = soundStore(everything, unread);
  const storages = new Map<string, Promise<Storage>>();
  const backends = new Map<string, Promise<Backend>>();
  const ratdb = lazyRatdb(settings.tables, process.env);
  const catalogues = new Map<string, Promise<Catalogue>>();
  const { catalogue } = settings;
  const host = hostOf();
  // A command that only reads the store may look at an experiment with such an element.
  const openApart = async (storage: StorageSettings): Promise<Storage> => {
    const silent = storage.mounted ? await compared() : undefined;
    // The next opening compares the folders again.
    if (silent?.has(storage.url)) apart.clear();
    return openStorage(storage, silent);
  };
  return {
    ...machine,
    settings,
    store,
    ...given({ ratdb }),
    everything,
    unread,
    host,
    by: byOf(options.command),
    nonce,
    ...given({ loop: thisRound()?.of.name }),
    presence: presenceIn(join(settings.folder, '.dflow', 'present'), host),
    stopping,
    mail: mailer(settings),
    // Aborted is as good as over.
    sleep: (milliseconds, signal) =>
      wait(Math.min(milliseconds, LONGEST_TIMER), undefined, signal ? { signal } : {}).catch(() => undefined),
    storage: (name) => once(storages, name, () => openApart(storageOf(settings, name))),
    buffer: (level) => once(storages, `buffer ${level}`, () => openApart(asStorage(bufferOf(settings, level)))),
    backend: (farm, looking = false) =>
      once(backends, `${farm} ${looking}`, () => openBackend(settings, store, farm, looking)),
    formerBackends: async (farm) => {
      const former = await openFormer(settings, store, farm);
      return Promise.all([...former].map(([uuid, open]) => once(backends, `${farm} of ${uuid}`, open)));
    },
    ...(catalogue && { catalogue: () => once(catalogues, catalogue.kind, () => openCatalogue(catalogue)) }),
    close: async () => {
      const told = await Promise.allSettled(catalogues.values());
      for (const one of told) if (one.status === 'fulfilled') await one.value.end();
      const opened = await Promise.allSettled(backends.values());
      for (const backend of opened) if (backend.status === 'fulfilled') await backend.value.close();
      await ratdb?.close();
      await store.close();
    },
  };
}

/** This host's name in the store: `DFLOW_HOST`, where the machine's own says too little (two of one name, a container). */
export function hostOf(): string {
  const name = process.env.DFLOW_HOST || hostname();
  // It becomes part of ids and of file names.
  if (/^[\w][\w.-]*$/.test(name)) return name;
  throw new ConfigError(`'${name}' is not a name of a host: letters, digits, '.', '_' and '-'`, {
    where: process.env.DFLOW_HOST ? '$DFLOW_HOST' : 'hostname',
    hint: 'DFLOW_HOST=buffer1 dflow ...',
  });
}

/** Who changes something, for histories: `anna@login1 (pause)`. */
export function byOf(command: string): string {
  return `${userOf()}@${hostOf()} (${command})`;
}

/** Whoever types: `DFLOW_USER`, where many share one login; else the login name. */
function userOf(): string {
  const name = process.env.DFLOW_USER || loginName();
  // A line of a history has `@` and brackets of its own.
  // Letters of all alphabets cost 10 ms to compile: only a name that needs them pays.
  if (/^\w[\w.\\+-]*$/.test(name) || /^[\p{L}\p{N}_][\p{L}\p{N}_.\\+-]*$/u.test(name)) return name;
  throw new ConfigError(`'${name}' is not a name of a person: letters, digits, '.', '_', '+' and '-'`, {
    where: process.env.DFLOW_USER ? '$DFLOW_USER' : 'login name',
    hint: 'DFLOW_USER=anna dflow ...',
  });
}

/** A container may run under a number that has no name. */
function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid${process.getuid?.() ?? ''}`;
  }
}

function once<T>(cache: Map<string, Promise<T>>, name: string, open: () => Promise<T>): Promise<T> {
  const found = cache.get(name);
  if (found) return found;
  const opened = open();
  cache.set(name, opened);
  // What could not be opened is tried again when it is next asked for: a loop outlives an unmounted disk.
  opened.catch(() => cache.delete(name));
  return opened;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** Sixteen base32 characters, 80 bits. */
export function nonce(): string {
  return Array.from(randomBytes(16), (byte) => ALPHABET[byte % 32]).join('');
}

/** What opens the store of the configuration, and its address; a relative SQLite path counts from the configuration's folder. */
export async function storeModule(settings: Settings): Promise<{ readonly module: StoreModule; readonly url: string }> {
  const scheme = settings.store.split(':', 1)[0] ?? '';
  const name = nameForScheme(STORES, scheme);
  if (!name)
    throw new ConfigError(noSuch('store', scheme, schemesOf(STORES)), {
      hint: 'store: sqlite:PATH, https://host/db or postgres://host/db',
    });
  const module = await loaded('store', STORES, name);
  const url = scheme === 'sqlite' ? `sqlite:${resolve(settings.folder, settings.store.slice(7))}` : settings.store;
  return { module, url };
}

export async function openStore(settings: Settings, { write, say }: OpenOptions): Promise<Store> {
  const { module, url } = await storeModule(settings);
  const { experiment, folder } = settings;
  return module.open(url, { write, experiment, folder: join(folder, '.dflow'), ...(say && { say }) });
}

/** A folder of this machine that no configuration names, as a storage element: where a person wants files. */
export function ownFolder(path: string): Promise<Storage> {
  const settings = { name: 'folder', protocol: 'posix', mounted: true, url: path, tape: false, template: '{name}' };
  return openStorage({ ...settings, options: {} });
}

/** @throws UnreachableError its folder is one of the `silent` ones */
async function openStorage(settings: StorageSettings, silent?: ReadonlySet<string>): Promise<Storage> {
  const { name, url } = settings;
  if (silent?.has(url)) {
    const label = name.startsWith('buffer ') ? name : `storage ${name}`;
    throw new UnreachableError(`${label}: ${silence(url)}`, { hint: remount(url) });
  }
  const { open } = await protocolModule(settings.protocol);
  return open(settings);
}

const protocolModule = (name: string): Promise<StorageModule> => loaded('storage protocol', PROTOCOLS, name);

export const backendModule = (name: string): Promise<BackendModule> => loaded('backend', BACKENDS, name);

/** What is wrong with a storage element or a farm, as its own protocol or backend sees it. */
export interface Wrong {
  readonly path: readonly ['storage' | 'farms', string];
  readonly error: unknown;
}

/** Asks every protocol and backend that the configuration names what it thinks of its settings; calls no server. */
export async function* checkAdapters(
  settings: Settings,
  silent?: ReadonlySet<string>,
): AsyncGenerator<Wrong, void, void> {
  for (const storage of settings.storages) {
    try {
      await openStorage(storage, silent);
    } catch (error) {
      yield { path: ['storage', storage.name], error };
    }
  }
  for (const farm of settings.farms) {
    try {
      (await backendModule(farm.backend)).check(farm, { folder: folderOf(settings, farm.name) });
    } catch (error) {
      yield { path: ['farms', farm.name], error };
    }
  }
}

const folderOf = (settings: Settings, farm: string): string => join(settings.folder, '.dflow', farm);

async function openBackend(settings: Settings, store: Store, name: string, looking: boolean): Promise<Backend> {
  const farm = settings.farms.find((candidate) => candidate.name === name);
  if (!farm) {
    const known = settings.farms.map((one) => one.name);
    throw noSuchError('farm', name, known, { where: settings.file });
  }
  const { open } = await backendModule(farm.backend);
  const { uuid = '' } = await store.identity();
  const folder = folderOf(settings, name);
  if (!looking && uuid !== '') noteStore(folder, uuid);
  return open(farm, { folder, uuid, nonce, looking });
}

/** What opens the farm with the job names of a former store, by the id of that store. */
async function openFormer(
  settings: Settings,
  store: Store,
  name: string,
): Promise<Map<string, () => Promise<Backend>>> {
  const farm = settings.farms.find((candidate) => candidate.name === name);
  if (!farm) return new Map();
  const { open } = await backendModule(farm.backend);
  const { uuid: own } = await store.identity();
  const folder = folderOf(settings, name);
  const former = storesAt(folder).filter((uuid) => uuid !== own);
  return new Map(former.map((uuid) => [uuid, () => open(farm, { folder, uuid, nonce, looking: true })]));
}

/** @throws ConfigError that says which name was probably meant */
async function loaded<Module>(what: string, adapters: Adapters<Module>, name: string): Promise<Module> {
  const adapter = Object.hasOwn(adapters, name) ? adapters[name] : undefined;
  if (adapter) return adapter.load();
  throw new ConfigError(noSuch(what, name, Object.keys(adapters)));
}

function storageOf(settings: Settings, name: string): StorageSettings {
  const found = settings.storages.find((storage) => storage.name === name);
  if (found) return found;
  const names = settings.storages.map((storage) => storage.name);
  throw noSuchError('storage element', name, names, { where: settings.file });
}

function bufferOf(settings: Settings, level: string): BufferSettings {
  const found = settings.buffers.find((buffer) => buffer.level === level);
  if (found) return found;
  const levels = settings.buffers.map((buffer) => buffer.level);
  throw noSuchError('level', level, levels, { where: settings.file });
}

function asStorage(buffer: BufferSettings): StorageSettings {
  const name = `buffer ${buffer.level}`;
  return { name, protocol: 'posix', mounted: true, url: buffer.path, tape: false, template: '{name}', options: {} };
}
