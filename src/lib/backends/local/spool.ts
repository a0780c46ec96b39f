// The spool folder of the local backend: its layout and the moves between its folders. A key only moves forward:
//
//   hold/KEY -> ready/SEQ~KEY -> run/KEY -> gone, with the mark started/KEY and a record in result/new
//
// Every move is one rename, so that a reader who looks in this order never misses a key. Starts no process.
import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../util/errors.ts';

const FOLDERS = [
  'hold',
  'ready',
  'run',
  'started',
  'cancel',
  'logs',
  'tmp',
  'scratch',
  'result/tmp',
  'result/new',
  'result/cur',
];

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
  /** Taken in the wrapper's place so that it can never start: `canceled`, or `lost`. */
  | { readonly kind: 'fenced'; readonly why: string }
  /** The mark was made and its writer died, or is just writing. */
  | { readonly kind: 'unknown' };

/** `undefined` where the file or folder is not there; other errors pass. */
export function ifThere<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The mark's text, as wrapper.sh writes it: `started PID STARTTIME BOOT EXECUTION`, later perhaps a line `canceled`. */
export function parseMark(text: string): Mark {
  const fenced = /^(canceled|lost)\n/.exec(text)?.[1];
  if (fenced) return { kind: 'fenced', why: fenced };
  const match = /^started (\d+) (\S+) (\S+) (\S+)\n/.exec(text);
  if (!match) return { kind: 'unknown' };
  const [, pid = '', startTime = '', boot = '', execution = ''] = match;
  return { kind: 'started', pid: Number(pid), startTime, boot, execution, canceled: text.includes('\ncanceled') };
}

/** `SEQ~KEY` -> `KEY` */
export function keyOf(readyName: string): string {
  return readyName.slice(readyName.indexOf('~') + 1);
}

/** `CLAIM.INDEX` -> claim and index. */
export function partsOf(key: string): { claim: string; index: string } {
  const dot = key.lastIndexOf('.');
  return { claim: key.slice(0, dot), index: key.slice(dot + 1) };
}

export class Spool {
  readonly folder: string;
  #released = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes the folders. Idempotent. */
  create(): void {
    for (const name of FOLDERS) mkdirSync(join(this.folder, name), { recursive: true });
  }

  /** The spool's own id, made once: two spools on one host are two batch systems. */
  id(nonce: () => string): string {
    const found = ifThere(() => readFileSync(this.path('id'), 'utf8'));
    if (found) return found;
    try {
      // Linked into place, so that of two first users one wins and no reader sees half an id.
      const temporary = this.path('tmp', `${process.pid}-id`);
      writeFileSync(temporary, nonce());
      linkSync(temporary, this.path('id'));
      unlinkSync(temporary);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    return readFileSync(this.path('id'), 'utf8');
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  logPath(key: string): string {
    const { claim, index } = partsOf(key);
    return this.path('logs', claim, `${index}.log`);
  }

  list(folder: 'hold' | 'run' | 'cancel' | 'started' | 'result/new' | 'result/cur'): string[] {
    return ifThere(() => readdirSync(this.path(folder))) ?? [];
  }

  /** Whether the spool has anything that a supervisor must do. */
  hasWork(): boolean {
    return ['ready', 'run', 'cancel'].some((folder) => readdirSync(this.path(folder)).length > 0);
  }

  /** Names in ready/, first released first. */
  ready(): string[] {
    return (ifThere(() => readdirSync(this.path('ready'))) ?? []).sort();
  }

  /** Replaces a file in one step: a reader sees the old or the new text. */
  write(path: string, text: string): void {
    const temporary = this.path('tmp', `${process.pid}-${path.slice(path.lastIndexOf('/') + 1)}`);
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  }

  hold(key: string, text: string): void {
    this.write(this.path('hold', key), text);
  }

  /** hold -> ready; false when the key is not held. The name sorts by the moment of release. */
  release(key: string): boolean {
    this.#released += 1;
    const order = `${String(Date.now()).padStart(15, '0')}-${String(this.#released).padStart(8, '0')}`;
    return this.#move(this.path('hold', key), this.path('ready', `${order}~${key}`));
  }

  /** ready -> run; false when it is no longer there (canceled). */
  take(readyName: string): boolean {
    return this.#move(this.path('ready', readyName), this.path('run', keyOf(readyName)));
  }

  /** Its job file is in run/. */
  isTaken(key: string): boolean {
    return existsSync(this.path('run', key));
  }

  #move(from: string, to: string): boolean {
    return (
      ifThere(() => {
        renameSync(from, to);
        return true;
      }) ?? false
    );
  }

  /** What the start fence of `key` says; `undefined`: it never started and was not canceled. */
  mark(key: string): Mark | undefined {
    const path = this.path('started', key);
    const text = existsSync(path) ? ifThere(() => readFileSync(path, 'latin1')) : undefined;
    return text === undefined ? undefined : parseMark(text);
  }

  /** Age of the mark, seconds; 0 without one. */
  secondsSinceStart(key: string): number {
    const made = ifThere(() => statSync(this.path('started', key)).mtimeMs);
    return made === undefined ? 0 : Math.max(0, Math.round(Date.now() - made) / 1_000);
  }

  /** Takes the start fence in the wrapper's place, so that the key can never start; false when it has started. */
  fence(key: string, why: 'canceled' | 'lost'): boolean {
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
    if (existsSync(path)) ifThere(() => unlinkSync(path));
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
    this.#move(this.path('result/new', key), this.path('result/cur', key));
  }

  /** Scratch folders that a killed wrapper left. */
  removeScratch(base: string, key: string): void {
    for (const name of ifThere(() => readdirSync(base)) ?? []) {
      if (name.startsWith(`${key}.`)) rmSync(join(base, name), { recursive: true, force: true });
    }
  }

  /** What the supervisor needs to know; it reads them again while it lives. */
  readSettings(): SpoolSettings | undefined {
    const text = ifThere(() => readFileSync(this.path('settings.json'), 'utf8'));
    return text === undefined ? undefined : (JSON.parse(text) as SpoolSettings);
  }

  writeSettings(settings: SpoolSettings): void {
    const text = `${JSON.stringify(settings)}\n`;
    if (ifThere(() => readFileSync(this.path('settings.json'), 'utf8')) === text) return;
    this.write(this.path('settings.json'), text);
  }
}

export interface SpoolSettings {
  /** Jobs running at most. */
  readonly slots: number;
  /** Parent of the jobs' scratch folders. */
  readonly scratch: string;
  /** Milliseconds that marks, acknowledged records and logs are kept. */
  readonly keep: number;
}
