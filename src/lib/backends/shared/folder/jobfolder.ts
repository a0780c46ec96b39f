// The folder that a backend shares with its jobs: start marks, result records (maildir: tmp, new, cur) and logs, by key.
// The wrapper writes marks and records; whoever creates a key's mark first decides whether it may ever start.
// Starts no process, knows no batch system.
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ItemError } from '../../../util/errors.ts';
import { removeFileSync } from '../../../util/files/remove.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { shown } from '../../../util/text/names.ts';
import { ifThere, makeFolder, privateMode } from './files.ts';

const FOLDERS = ['started', 'logs', 'tmp', 'result/tmp', 'result/new', 'result/cur'];

/** Who started, as the mark says: written by the wrapper itself before anything else happens. */
export type Mark =
  | {
      readonly kind: 'started';
      readonly pid: number;
      readonly startTime: string;
      readonly boot: string;
      readonly execution: string;
      readonly canceled: boolean;
    }
  /** Taken in the wrapper's place so that it can never start: `canceled`, `lost`, or `refused` with words. */
  | { readonly kind: 'fenced'; readonly why: string }
  /** The mark was made and its writer died, or is just writing. */
  | { readonly kind: 'unknown' };

/** The mark's text, as wrapper.sh writes it: `started PID STARTTIME BOOT EXECUTION`, later perhaps a line `canceled`. */
export function parseMark(text: string): Mark {
  const fenced = /^(canceled|lost|refused.*)\n/.exec(text)?.[1];
  if (fenced) return { kind: 'fenced', why: fenced };
  const match = /^started (\d+) (\S+) (\S+) (\S+)\n/.exec(text);
  if (!match) return { kind: 'unknown' };
  const [, pid = '', startTime = '', boot = '', execution = ''] = match;
  return { kind: 'started', pid: Number(pid), startTime, boot, execution, canceled: text.includes('\ncanceled') };
}

/** `CLAIM.INDEX` -> claim and index. */
export function partsOf(key: string): { claim: string; index: string } {
  const dot = key.lastIndexOf('.');
  return { claim: key.slice(0, dot), index: key.slice(dot + 1) };
}

/** Of somebody else's folder (a shared account's) the mode stays as it is. */
function ifOurs(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (codeOf(error) !== 'EPERM' && codeOf(error) !== 'EROFS') throw error;
  }
}

export class JobFolder {
  readonly folder: string;
  readonly #folders: readonly string[];

  /** `more`: folders that a backend keeps besides the common ones. */
  constructor(folder: string, more: readonly string[] = []) {
    this.folder = folder;
    this.#folders = [...FOLDERS, ...more];
  }

  /** Makes the folders. Idempotent. */
  create(): void {
    const mode = privateMode(0o700);
    makeFolder(this.folder, mode);
    for (const name of this.#folders) makeFolder(join(this.folder, name), mode);
    // One of an earlier version is open to all.
    if ((statSync(this.folder).mode & 0o777 & ~mode) !== 0) ifOurs(() => chmodSync(this.folder, mode));
  }

  /** A path below. @throws ItemError a part of it, which may come from a document, would lead elsewhere */
  path(...parts: string[]): string {
    const below = parts.join('/');
    if (below.includes('..') && below.split('/').includes('..'))
      throw new ItemError(`'${shown(below)}' lies outside the folder of the jobs`, { where: this.folder });
    return join(this.folder, below);
  }

  /** Names in a folder; none where there is no such folder. */
  list(folder: string): string[] {
    return ifThere(() => readdirSync(this.path(folder))) ?? [];
  }

  /** Replaces a file in one step: a reader sees the old or the new text. */
  write(path: string, text: string): void {
    const temporary = this.path('tmp', `${process.pid}-${path.slice(path.lastIndexOf('/') + 1)}`);
    writeFileSync(temporary, text, { mode: privateMode(0o600) });
    renameSync(temporary, path);
  }

  /** What the start fence of `key` says; `undefined`: it never started and was not canceled. */
  mark(key: string): Mark | undefined {
    const path = this.path('started', key);
    const text = existsSync(path) ? ifThere(() => readFileSync(path, 'latin1')) : undefined;
    return text === undefined ? undefined : parseMark(text);
  }

  /** Age of the mark, seconds; 0 without one. */
  secondsSinceStart(key: string): number {
    return this.#age('started', key);
  }

  /** Age of the unacknowledged record, seconds; 0 without one. */
  secondsSinceRecord(key: string): number {
    return this.#age('result/new', key);
  }

  #age(...parts: string[]): number {
    const made = ifThere(() => statSync(this.path(...parts)).mtimeMs);
    return made === undefined ? 0 : Math.max(0, Math.round(Date.now() - made) / 1_000);
  }

  /** Takes the start fence in the wrapper's place, so that the key can never start; false when it has started. */
  fence(key: string, why: 'canceled' | 'lost' | `refused ${string}`): boolean {
    let file: number;
    try {
      file = openSync(this.path('started', key), 'wx');
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
    writeSync(file, `${why}\n`);
    closeSync(file);
    return true;
  }

  /** Notes in the mark that a cancel is why it ends. */
  noteCancel(key: string): void {
    appendFileSync(this.path('started', key), 'canceled\n');
  }

  remove(...parts: string[]): void {
    const path = this.path(...parts);
    // Asked first, since most often it is not there and an exception costs more than the question.
    if (existsSync(path)) removeFileSync(path);
  }

  /** Now, by the clock of the file server: ages of files are read by it, whatever this host's clock says. */
  clock(): number {
    const path = this.path('tmp', `clock-${process.pid}`);
    writeFileSync(path, '\n');
    const now = statSync(path).mtimeMs;
    this.remove('tmp', `clock-${process.pid}`);
    return now;
  }

  /** A record exists, acknowledged or not. */
  hasRecord(key: string): boolean {
    return existsSync(this.path('result/new', key)) || existsSync(this.path('result/cur', key));
  }

  writeRecord(key: string, text: string): void {
    this.write(this.path('result/new', key), text);
  }

  /** new -> cur; idempotent. */
  archive(key: string): void {
    this.move(this.path('result/new', key), this.path('result/cur', key));
  }

  /** One rename; false when the file is not there (any more). */
  protected move(from: string, to: string): boolean {
    return (
      ifThere(() => {
        renameSync(from, to);
        return true;
      }) ?? false
    );
  }
}
