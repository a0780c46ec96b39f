// What flow is given: the contracts of the outside world, the settings, and who is asking. No clock, no random source,
// no file system of its own: a step that needs one gets it here, so that the simulator can be the world.
import type { Backend } from '../backend.ts';
import type { Catalogue } from '../catalogue.ts';
import type { Item } from '../domain/results/items.ts';
import type { FarmSettings, Settings } from '../domain/settings.ts';
import type { Ratdb, ReadRatdb } from '../runtables.ts';
import type { Storage } from '../storage.ts';
import type { ReadStore, Store } from '../store.ts';
import type { Space } from '../util/files/disk.ts';
import type { NamedFolder } from '../util/files/folders.ts';
import type { LeftReceipt, Receipt } from '../util/files/receipt.ts';
import type { ExecOptions, ExecResult, OutputFiles } from '../util/processes/exec.ts';
import type { Lock } from '../util/processes/lock.ts';
import type { Iso } from '../util/time.ts';
import type { ProgressEvent } from './progress.ts';

/** What changes something: reports do not have it, and a dry run stops it. */
export const STORAGE_EFFECTS = ['copyIn', 'copyOut', 'copyFrom', 'rename', 'renameNew', 'remove'] as const;
export const BACKEND_EFFECTS = ['submit', 'release', 'cancel', 'acknowledge', 'ensure'] as const;

export const CATALOGUE_EFFECTS = [
  ...(['addCopies', 'makeDatasets', 'attach', 'close', 'pin', 'unpin'] as const),
  ...(['declareBad', 'declareGood', 'dropCopies', 'setGuid'] as const),
] as const;

type ReadStorage = Omit<Storage, (typeof STORAGE_EFFECTS)[number]>;
type ReadCatalogue = Omit<Catalogue, (typeof CATALOGUE_EFFECTS)[number]>;
type ReadBackend = Omit<Backend, (typeof BACKEND_EFFECTS)[number] | 'close'>;

/** What reports are given: all of it can be looked at, nothing can be changed. */
export interface ReadPorts {
  readonly files: ReadFiles;
  readonly settings: Settings;
  readonly store: ReadStore;
  /** The database of run tables; absent: the store has them. */
  readonly ratdb?: ReadRatdb;
  /** A storage element by its name. Opened at the first call. */
  storage(name: string): Promise<ReadStorage>;
  /** The buffer of a level, as a storage element whose paths are relative to its folder. */
  buffer(level: string): Promise<ReadStorage>;
  /** The batch system of a farm. */
  backend(farm: string): Promise<ReadBackend>;
  /** The catalogue of the collaboration; absent where none is configured. */
  readonly catalogue?: () => Promise<ReadCatalogue>;
  /** `person@host (command)`, for histories. */
  readonly by: string;
  readonly host: string;
}

export interface Ports extends ReadPorts, Machine {
  readonly files: Files;
  readonly store: Store;
  readonly ratdb?: Ratdb;
  storage(name: string): Promise<Storage>;
  buffer(level: string): Promise<Storage>;
  /** `looking`: opening it has no effect either. */
  backend(farm: string, looking?: boolean): Promise<Backend>;
  /** The farm by the job names of earlier stores of this experiment, read-only. Absent: earlier stores are not known. */
  formerBackends?(farm: string): Promise<ReadBackend[]>;
  /**
   * Sends a mail by the server of the configuration; absent where none can be sent. The answer is what the server said
   * of addresses that it refused, while it took others.
   */
  readonly mail?: (mail: Mail) => Promise<readonly string[]>;
  readonly catalogue?: () => Promise<Catalogue>;
  /** A dry run: nothing of this has an effect, and whoever would have one of its own leaves it. */
  readonly dry?: true;
  /** A fresh unguessable id, lower-case letters and digits. */
  nonce(): string;
  /** Waits, or until `signal` is aborted (no error); the simulator's virtual clock passes instead. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Who of this host still lives. Absent: nobody can tell, and what the dead hold ends with its time. */
  readonly presence?: Presence;
  /** Of the chain whose step this is. Absent: the step is called alone. */
  readonly round?: Round;
  /** The loop whose round this process is: it tells its own sign of life. */
  readonly loop?: string;
  /** Gets the progress of a step. Absent: progress is not shown. */
  readonly progress?: (event: ProgressEvent) => void;
  /** Aborted when this process shall end: what is under way is stopped and given back. */
  readonly stopping?: AbortSignal;
}

/** A farm whose backend answers as the one that the store knows, and whose heartbeat has been renewed. */
export interface OpenFarm {
  readonly farm: FarmSettings;
  readonly backend: Backend;
  readonly epoch: number;
}

/** What the steps of one round share, so that none asks again what another has just asked. */
export interface Round {
  readonly farms: Map<string, { readonly at: Iso; readonly open: OpenFarm }>;
  /** What ends beside the next steps, and before the round. Never rejects. */
  readonly after: Promise<void>[];
}

/** A mail in plain text. */
export interface Mail {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
}

/** What flow does on this machine itself, rather than by a storage element or a batch system. */
export interface Machine {
  readonly files: Files;
  readonly receipts: Receipts;
  readonly locks: Locks;
  readonly processes: Processes;
}

/** Files and folders of this machine, to look at. */
interface ReadFiles {
  /** Device and inode, links followed; `undefined` where nothing is. */
  identity(path: string): Promise<string | undefined>;
  /** The path without links; `undefined` where nothing is. */
  realPath(path: string): Promise<string | undefined>;
  /** Of the path itself, not of where a link leads; `undefined` where nothing is. */
  isFolder(path: string): Promise<boolean | undefined>;
  /** @throws ConfigError naming two that are one folder */
  refuseSame(folders: readonly NamedFolder[], where?: string): Promise<void>;
  /** @throws UnreachableError it does not say */
  space(folder: string): Promise<Space>;
  /** @throws ItemError it has more than `limit` bytes, or is no ordinary file */
  read(path: string, limit: number): Promise<Buffer>;
  readPart(path: string, offset: number, length: number): Promise<Buffer>;
  /** The last bytes as text; `undefined` where no file is. */
  readEnd(path: string, bytes: number): Promise<string | undefined>;
}

/** The same, with what has an effect there. */
export interface Files extends ReadFiles {
  write(path: string, text: string): Promise<void>;
  /** Whole at any moment: written beside, then renamed; its folder is made if need be. `mode`: 0600 without it. */
  replace(path: string, text: string, mode?: number): Promise<void>;
  /** In place, on the blocks that the file has: a full disk takes no new ones. */
  overwrite(path: string, text: string): Promise<void>;
  /** A folder that goes when `use` ends; `light`: for what has next to no bytes. */
  withScratch<T>(use: (folder: string) => Promise<T>, light?: boolean): Promise<T>;
  /** Takes away folders that have nothing left in them, from `folder` up to `top`. */
  removeEmptyFolders(top: string, folder: string): Promise<void>;
}

/** Receipts of what is destroyed, in a folder of dflow's own. */
interface Receipts {
  make(folder: string, what: string, at: string, nonce: string): Receipt;
  left(folder: string): AsyncIterable<LeftReceipt>;
  read(folder: string, name: string): Promise<Record<string, unknown>[]>;
}

/** Locks that the kernel releases when a process ends; `undefined`: somebody holds it. */
export interface Locks {
  take(path: string): Promise<Lock | undefined>;
  /** In a folder of others: its file goes with the lock. */
  takePassing(path: string): Lock | undefined;
}

/** Other programs. */
interface Processes {
  /** Runs a shell command; `args` are its `"$@"`. */
  shell(command: string, args: readonly string[], options: ExecOptions): Promise<ExecResult>;
  /** The same with output to files; nothing that the command starts outlives this process, even if that is killed. */
  shellToFiles(
    command: string,
    args: readonly string[],
    output: OutputFiles,
    options: ExecOptions,
  ): Promise<ExecResult>;
}

/** Who has a claim, as its document says. */
export interface Claimed {
  readonly nonce: string;
  readonly host: string;
  readonly holder?: string;
}

/** Which claims are of living processes, as far as the kernel of this host can tell. */
export interface Presence {
  /** This process, for its claims; absent where the system does not tell. */
  readonly holder?: string;
  /** Says that this process has the claim; the answer says that it has let go. */
  enter(nonce: string): Promise<() => Promise<void>>;
  /** True only where it is certain that the process of this claim has ended, or has let go of it. */
  ended(claim: Claimed): Promise<boolean>;
}

export type { About, Item, ItemOf } from '../domain/results/items.ts';

/** Every step is a generator of items, in the order in which they happen. */
export type Step = AsyncGenerator<Item, void, void>;

export interface StepOptions {
  readonly dryRun?: boolean;
  readonly limit?: number;
}
