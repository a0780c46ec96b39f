// Many small things of one server at once, as one of two ways does them: XRootD's Python bindings (bindings.ts), or its
// command-line tools where there are none (bytools.ts).
import type { Checksum, CopyOptions } from '../../storage.ts';
import type { Each } from './batch.ts';

/** Bytes up to which a file is copied together with others. */
export const SMALL = 8 * 2 ** 20;
/** Batches of them at once. */
export const RUNS = 2;

export interface SmallFile extends Pick<CopyOptions, 'pace'> {
  readonly local: string;
  readonly serverPath: string;
  readonly expected: Checksum;
}

/** A path that is asked for, and one beside it that is there for certain: a listing without that one is not believed. */
export interface Asked {
  readonly serverPath: string;
  readonly written?: string;
}

/** Answers stand in the order of what was asked; an Error is a RemoteFailure of that one. */
export interface Many {
  /** Copies to paths of folders that are there, never over what is there; `true`: the server's own checksum is as expected. */
  put(files: readonly SmallFile[]): Promise<Each<true>>;
  /** Whether a file or a folder is at each path. */
  look(asked: readonly Asked[]): Promise<Each<boolean>>;
  /** Reads every byte; `undefined`: to be read by itself. */
  read(serverPaths: readonly string[]): Promise<Each<Checksum | undefined>>;
  move(pairs: readonly (readonly [from: string, to: string])[]): Promise<Each<true>>;
}

/** Each by itself, at once: what fails is the answer for that one. */
export function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<Each<R>> {
  return Promise.all(items.map((item) => work(item).catch(asError)));
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

export function folderOf(serverPath: string): string {
  return serverPath.slice(0, serverPath.lastIndexOf('/'));
}
