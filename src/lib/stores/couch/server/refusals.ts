// Logins that a server refused lately, in a file of this host: five wrong passwords within five minutes lock the account
// for everybody behind the same address, so loops with an old password must not go on asking.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LoginError } from '../../../util/errors.ts';
import { removeFileSync } from '../../../util/files/remove.ts';
import { humanDuration } from '../../../util/time.ts';
import type { Login } from '../../shared/server/credentials.ts';
import type { Place } from './credentials.ts';
import { LockedError } from './meaning.ts';

/** Milliseconds for which a wrong password is not sent again: at most three of them within five minutes. */
const WRONG = 120_000;
/** CouchDB unlocks an account five minutes after the first wrong password. */
const LOCKED = 300_000;

export class Refusals {
  readonly #path: string | undefined;
  readonly #place: Place;
  readonly #login: Login | undefined;

  /** `folder`: where this host keeps its state; without it nothing is remembered. */
  constructor(folder: string | undefined, place: Place, login: Login | undefined) {
    this.#place = place;
    this.#login = login;
    // The name follows the password: another one is asked at once.
    const key = createHash('sha256').update(`${place.where}\0${login?.user}\0${login?.password}`).digest('hex');
    this.#path = folder === undefined || !login ? undefined : join(folder, `refused-${key.slice(0, 16)}`);
  }

  /** @throws LoginError while the server would only count one more wrong password */
  assertMayAsk(now: number): void {
    const since = this.#since();
    if (since === undefined) return;
    const { at, locked } = since;
    const left = at + (locked ? LOCKED : WRONG) - now;
    if (left <= 0 || at > now) return;
    const why = locked ? 'found the account locked' : 'refused this password';
    throw new LoginError(
      `the store ${why} ${humanDuration(now - at)} ago; user '${this.#login?.user}' is not tried for another ${humanDuration(left)}, since wrong passwords lock the account`,
      {
        where: this.#place.where,
        hint: `another password is tried at once; to try this one again now: rm ${this.#path}`,
      },
    );
  }

  /** Remembers what the server has said of this login. */
  note(error: LoginError, now: number): void {
    if (this.#path === undefined) return;
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true });
      writeFileSync(this.#path, JSON.stringify({ at: now, locked: error instanceof LockedError }));
    } catch {
      // Who may not write there asks again.
    }
  }

  /** The login was taken. */
  clear(): void {
    if (this.#since() === undefined || this.#path === undefined) return;
    removeFileSync(this.#path);
  }

  #since(): { readonly at: number; readonly locked: boolean } | undefined {
    if (this.#path === undefined) return undefined;
    try {
      const { at, locked }: { at?: unknown; locked?: unknown } = JSON.parse(readFileSync(this.#path, 'utf8'));
      return typeof at === 'number' ? { at, locked: locked === true } : undefined;
    } catch {
      return undefined;
    }
  }
}
