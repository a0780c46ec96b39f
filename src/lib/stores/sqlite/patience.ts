// Waiting for the lock of the file: bounded, said to a person after a moment, and never asleep inside SQLite for long, so
// that signals are heard.
import { setTimeout as pause } from 'node:timers/promises';
import { SqlError } from '../../util/sqlite.ts';
import { field } from '../../util/values/field.ts';
import { storeError } from './file.ts';

/** How long the lock is waited for, all in all, in ms. */
const PATIENCE = 120_000;
/** Who waits longer is told so. */
const SILENT = 2_000;

export class Patience {
  readonly #path: string;
  readonly #say: ((text: string) => void) | undefined;
  #said = false;

  constructor(path: string, say?: (text: string) => void) {
    this.#path = path;
    this.#say = say;
  }

  /** Runs `work`, again and again while others hold the lock. @throws StoreError, also where SQLite says anything else */
  async wait<T>(work: () => T | Promise<T>): Promise<T> {
    const began = performance.now();
    for (let wait = 5; ; wait = Math.min(wait * 2, 250)) {
      try {
        return await work();
      } catch (error) {
        const waited = performance.now() - began;
        if (!isBusy(error) || waited > PATIENCE) throw storeError(error, this.#path);
        if (waited > SILENT) this.#tell();
      }
      await pause(wait * (0.5 + Math.random()));
    }
  }

  #tell(): void {
    if (this.#said) return;
    this.#said = true;
    this.#say?.(`waiting for the store: another process is using ${this.#path} (up to ${PATIENCE / 1000} s)`);
  }
}

function isBusy(error: unknown): boolean {
  const said = error instanceof SqlError ? error : field(error, 'cause');
  return said instanceof SqlError && (said.code === 'BUSY' || said.code === 'LOCKED');
}
