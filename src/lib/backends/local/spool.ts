// The spool folder of the local backend: its layout and the moves between its folders. A key only moves forward:
//
//   hold/KEY -> ready/SEQ~KEY -> run/KEY -> gone, with the mark started/KEY and a record in result/new
//
// Every move is one rename, so that a reader who looks in this order never misses a key. Starts no process.
import { existsSync, linkSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeFileSync, removeFolderSync } from '../../util/files/remove.ts';
import { codeOf } from '../../util/systemerrors.ts';
import { ifThere } from '../shared/folder/files.ts';
import { JobFolder, partsOf } from '../shared/folder/jobfolder.ts';

const FOLDERS = ['hold', 'ready', 'run', 'cancel', 'scratch'];

/** `SEQ~KEY` -> `KEY` */
export function keyOf(readyName: string): string {
  return readyName.slice(readyName.indexOf('~') + 1);
}

export class Spool extends JobFolder {
  #released = 0;

  constructor(folder: string) {
    super(folder, FOLDERS);
  }

  /** Its id; `undefined` where it has not been made. */
  ownId(): string | undefined {
    return ifThere(() => readFileSync(this.path('id'), 'utf8'));
  }

  /** The spool's own id, made once: two spools on one host are two batch systems. */
  id(nonce: () => string): string {
    const found = this.ownId();
    if (found) return found;
    try {
      // Linked into place, so that of two first users one wins and no reader sees half an id.
      const temporary = this.path('tmp', `${process.pid}-id`);
      writeFileSync(temporary, nonce());
      linkSync(temporary, this.path('id'));
      removeFileSync(temporary);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    return readFileSync(this.path('id'), 'utf8');
  }

  logPath(key: string): string {
    const { claim, index } = partsOf(key);
    return this.path('logs', claim, `${index}.log`);
  }

  /** Whether the spool has anything that a supervisor must do. */
  hasWork(): boolean {
    return ['ready', 'run', 'cancel'].some((folder) => readdirSync(this.path(folder)).length > 0);
  }

  /** Names in ready/, first released first. */
  ready(): string[] {
    return (ifThere(() => readdirSync(this.path('ready'))) ?? []).sort();
  }

  hold(key: string, text: string): void {
    this.write(this.path('hold', key), text);
  }

  /** hold -> ready; false when the key is not held. The name sorts by the moment of release. */
  release(key: string): boolean {
    this.#released += 1;
    const order = `${String(Date.now()).padStart(15, '0')}-${String(this.#released).padStart(8, '0')}`;
    return this.move(this.path('hold', key), this.path('ready', `${order}~${key}`));
  }

  /** ready -> run; false when it is no longer there (canceled). */
  take(readyName: string): boolean {
    return this.move(this.path('ready', readyName), this.path('run', keyOf(readyName)));
  }

  /** Its job file is in run/. */
  isTaken(key: string): boolean {
    return existsSync(this.path('run', key));
  }

  /** Scratch folders that a killed wrapper left. */
  removeScratch(base: string, key: string): void {
    for (const name of ifThere(() => readdirSync(base)) ?? []) {
      if (name.startsWith(`${key}.`)) removeFolderSync(join(base, name));
    }
  }

  /** What the supervisor needs to know; it reads them again while it lives. */
  readSettings(): SpoolSettings | undefined {
    const text = ifThere(() => readFileSync(this.path('settings.json'), 'utf8'));
    return text === undefined ? undefined : JSON.parse(text);
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
