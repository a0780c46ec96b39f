// What flow is given: the contracts of the outside world, the settings, and who is asking. No clock, no random source,
// no file system of its own: a step that needs one gets it here, so that the simulator can be the world.
import type { Backend } from '../backend.ts';
import type { Item } from '../domain/results/items.ts';
import type { Settings } from '../domain/settings.ts';
import type { Storage } from '../storage.ts';
import type { ReadStore, Store } from '../store.ts';

/** What of a storage element and of a batch system has no effect there. */
export type ReadStorage = Omit<Storage, 'copyIn' | 'copyOut' | 'copyFrom' | 'rename' | 'renameNew' | 'remove'>;
export type ReadBackend = Pick<Backend, 'identity' | 'status' | 'alive' | 'records' | 'logs'>;

/** What reports are given: all of it can be looked at, nothing can be changed. */
export interface ReadPorts {
  readonly settings: Settings;
  readonly store: ReadStore;
  /** A storage element by its name. Opened at the first call. */
  storage(name: string): Promise<ReadStorage>;
  /** The buffer of a level, as a storage element whose paths are relative to its folder. */
  buffer(level: string): Promise<ReadStorage>;
  /** The batch system of a farm. */
  backend(farm: string): Promise<ReadBackend>;
  /** `command@host`, for histories. */
  readonly by: string;
  readonly host: string;
}

export interface Ports extends ReadPorts {
  readonly store: Store;
  storage(name: string): Promise<Storage>;
  buffer(level: string): Promise<Storage>;
  backend(farm: string): Promise<Backend>;
  /** A dry run: nothing of this has an effect, and whoever would have one of its own leaves it. */
  readonly dry?: true;
  /** A fresh unguessable id, lower-case letters and digits. */
  nonce(): string;
  /** Waits, or until `signal` is aborted (no error); the simulator's virtual clock passes instead. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Who of this host still lives. Absent: nobody can tell, and what the dead hold ends with its time. */
  readonly presence?: Presence;
  /** Aborted when this process shall end: what is under way is stopped and given back. */
  readonly stopping?: AbortSignal;
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
