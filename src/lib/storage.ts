// Storage elements: contract. Implementations are the folders of protocols/; one suite tests them all.
// A path is relative to the storage element's url, with `/` between its parts; any characters but NUL, no `..` part.
import type { StorageSettings } from './domain/settings.ts';
import type { ItemError } from './util/errors.ts';
import type { Space } from './util/files/disk.ts';
import type { Iso } from './util/time.ts';

export interface Capabilities {
  /** Can copy from another storage element of the same protocol without passing through this machine. */
  readonly thirdParty: boolean;
  readonly tape: boolean;
  /** Checksum types the destination computes itself. */
  readonly checksums: readonly string[];
  readonly rename: boolean;
  /** `copyIn` and `copyFrom` with `expect` succeed only after asking the destination's own checksum: no need to ask again. */
  readonly confirms?: boolean;
  /** Small files that it likes to be given at once: it makes few calls for many of them. Absent: no more than others. */
  readonly batch?: number;
  /**
   * A file is at its path only once all of it is there and its checksum was compared: a copy needs no temporary name.
   * `copyIn` with `fresh` then writes over nothing.
   */
  readonly whole?: true;
  /** `read` of a part reads no more than that part; a server may send a file from its beginning each time. */
  readonly ranges?: true;
}

export interface Stat {
  /** Bytes. */
  readonly size: number;
  readonly modified: Iso;
  /** When its content, name or rights last changed (ctime), by the clock of the file server; where the element knows. */
  readonly changed?: Iso;
}

export interface Checksum {
  /** Eight lower-case hex digits. */
  readonly adler32: string;
  readonly size: number;
  /** Lower-case hex, where it was asked for and the element can. */
  readonly md5?: string;
}

/** What a reading may do beside. */
export interface ReadingOptions {
  readonly md5?: boolean;
  /** Called with bytes read since the last call, where the element reads them here. */
  readonly progress?: ((bytes: number) => void) | undefined;
}

export interface CopyOptions {
  /** Called with bytes written since the last call. */
  readonly progress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
  /** A cap that all copies of a call share: whoever moves the bytes itself asks `take`; a tool is told `rate / ways`. */
  readonly pace?: {
    readonly rate: number;
    /** Copies that may be under way at once. */
    readonly ways: number;
    take(bytes: number, signal?: AbortSignal): Promise<void>;
  };
  /**
   * What the source is registered to have. An element may then leave out a reading of its own: it succeeds only when the
   * destination's checksum is equal to this, else it returns the checksum that the source has now, or throws.
   */
  readonly expect?: Checksum;
  /** Where the element is `whole`: what is at the path already stays, and a TakenError says so. */
  readonly fresh?: boolean;
  /** Folders of which the local file must really lie in one, whatever links say: who writes there may swap it for one. */
  readonly below?: readonly string[];
}

export interface Entry extends Stat {
  readonly path: string;
  /**
   * The name's bytes are not UTF-8: `path` is a text for people (bytes beyond ASCII as `%XX`) that opens nothing. Such a
   * file can only be shown and quarantined.
   */
  readonly raw?: true;
}

/** Told of a file or folder that a listing could not look at. */
export type Unreadable = (path: string, why: ItemError) => void;

/** Errors: UnreachableError (site down), ItemError (this path: missing, no space, no permission, corrupt). */
export interface Storage {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** What exists among `paths`; a missing one is absent from the map; anything but "not there" throws. */
  stat(paths: readonly string[]): Promise<Map<string, Stat>>;
  /**
   * Which of `paths` something is at, a folder or a file: cheaper than `stat` where many of one folder are asked for.
   * `written`: a path that is there for certain. An element that lists folders may ask one of several servers: it believes
   * no listing of that folder without it.
   */
  there?(paths: readonly string[], written?: string): Promise<ReadonlySet<string>>;
  /** The destination's own checksum of what is stored now (posix: reads every byte). Throws ItemError if missing. */
  checksum(path: string, also?: ReadingOptions): Promise<Checksum>;
  /**
   * Checksum of every byte as it is fetched now, by our own adler32. Servers remember checksums by name and mtime: only
   * this finds bit rot that left the mtime as it was.
   */
  readChecksum(path: string, also?: Pick<ReadingOptions, 'progress'>): Promise<Checksum>;
  /** Bytes of the file from `offset`, at most `length`. */
  read(path: string, offset: number, length: number): Promise<Buffer>;
  /** Writes a local file to `path`, making folders, replacing what is there; synced. Returns the checksum of the bytes read. */
  copyIn(local: string, path: string, options?: CopyOptions): Promise<Checksum>;
  /** Copies to a local file, making its folder; returns the checksum of the bytes written. */
  copyOut(path: string, local: string, options?: CopyOptions): Promise<Checksum>;
  /**
   * Third-party copy of `from` at `source`, both ends verified by checksum against `options.expect`. `false`: these two
   * cannot do it between them; the copy goes through this machine.
   */
  copyFrom?(
    source: Storage,
    from: string,
    path: string,
    options: CopyOptions & { readonly expect: Checksum },
  ): Promise<boolean>;
  /**
   * Atomic where `capabilities.rename`; replaces the destination; makes its folder. Where the element is `whole` the new
   * name is there before the old one goes: killed in between, both are.
   */
  rename(from: string, to: string): Promise<void>;
  /**
   * The same, but never over something that is at `to` already: then an ItemError, and nothing has changed. `from` must
   * be a name that nobody else writes. Absent where the element cannot promise that.
   */
  renameNew?(from: string, to: string): Promise<void>;
  /** Idempotent: a missing path is not an error. */
  remove(paths: readonly string[]): Promise<void>;
  /** A folder that is missing, or holds something, stays as it is. Absent where a server may remove what is in it, too. */
  removeEmptyFolder?(path: string): Promise<void>;
  /**
   * Files below `prefix`, recursively, in no order. A missing prefix has none; a missing root is an UnreachableError.
   * A file or folder that cannot be looked at is told to `unreadable`; without it the first such error is thrown once
   * everything else was listed, so that nobody takes what was not seen for absent.
   */
  list(prefix: string, unreadable?: Unreadable): AsyncIterable<Entry>;
  /** How full it is; `undefined`: its server does not tell. @throws UnreachableError it does not answer */
  space(): Promise<Space | undefined>;
  /** Address for people and catalogues, without credentials. */
  url(path: string): string;
  /** How jobs on worker nodes reach it. Absent where files are reached by `localPath`: the job wrapper copies those. */
  readonly worker?: WorkerSide;
  /** Of files that jobs write where there is a `localPath`, as `chmod` takes it; absent: what the umask leaves. */
  readonly mode?: string;
  /** Absolute local path where the element is a mounted folder: jobs read it in place. */
  localPath(path: string): string | undefined;
}

/** The part of a protocol that runs on worker nodes: shell, and tools that the site has. */
export interface WorkerSide {
  /** The functions `fetch`, `send`, `sum` and `drop`; wrapper/remote.sh says what each is given. */
  readonly script: string;
  /** Address for them, odd characters in the writing that they take, without credentials: a job has its own. */
  url(path: string): string;
  /** One more word for `send`: an option of its tool. */
  readonly option?: string;
  /**
   * Addresses by which a job that has no credentials may do just this, for a while, in the order of `errands`. They are
   * secrets: they go into the job's own file and nowhere else.
   */
  lend?(errands: readonly Errand[]): Promise<string[]>;
}

/** What a job will do at a storage element; `address` as `WorkerSide.url` makes it. */
export interface Errand {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly address: string;
}

/** What `protocols/NAME/NAME.ts` exports. It validates its own options. */
export interface StorageModule {
  open(settings: StorageSettings): Promise<Storage>;
}
