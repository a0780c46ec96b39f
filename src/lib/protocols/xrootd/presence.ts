// What is at paths of one server, asked for many at once: where many of one folder are asked for, one listing answers for
// all; a folder that holds far more than is asked for is not listed again. Knows paths on the server, no documents.
import { groupBy } from '../../util/group.ts';
import { RemoteFailure } from '../tools/meaning.ts';
import type { Sessions } from './session.ts';

/** Paths of one folder from which on it is listed. */
const MANY = 16;
/** Entries of a listing that cost as much as one question. */
const ENTRIES = 64;

interface Asked {
  readonly serverPath: string;
  readonly resolve: (there: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class Presence {
  readonly #sessions: Pick<Sessions, 'ask'>;
  #asked: Asked[] = [];
  /** Entries of folders when they were last listed; Infinity for those that cannot be. */
  readonly #entries = new Map<string, number>();

  constructor(sessions: Pick<Sessions, 'ask'>) {
    this.#sessions = sessions;
  }

  /** True when a file or a folder is there. @throws RemoteFailure */
  has(serverPath: string): Promise<boolean> {
    const answer = new Promise<boolean>((resolve, reject) => this.#asked.push({ serverPath, resolve, reject }));
    // Those who ask in the same moment are answered together.
    if (this.#asked.length === 1) setImmediate(() => setImmediate(() => this.#answer()));
    return answer;
  }

  #answer(): void {
    const folders = groupBy(this.#asked.splice(0), ({ serverPath }) => cut(serverPath)[0]);
    for (const [folder, asked] of folders) {
      this.#inFolder(folder, asked).catch((error: unknown) => {
        for (const { reject } of asked) reject(error);
      });
    }
  }

  async #inFolder(folder: string, asked: readonly Asked[]): Promise<void> {
    const worth = asked.length >= MANY && (this.#entries.get(folder) ?? 0) <= asked.length * ENTRIES;
    const names = worth ? await this.#list(folder) : undefined;
    for (const { serverPath, resolve, reject } of asked) {
      if (names) resolve(names.has(cut(serverPath)[1]));
      else this.#one(serverPath).then(resolve, reject);
    }
  }

  /** Names in a folder; `undefined` where it cannot be listed. */
  async #list(folder: string): Promise<Set<string> | undefined> {
    try {
      const answer = await this.#sessions.ask(['ls'], [folder || '/']);
      const lines = answer.split('\n').filter((line) => line.startsWith('/'));
      this.#entries.set(folder, lines.length);
      return new Set(lines.map((line) => cut(line)[1]));
    } catch (error) {
      if (!(error instanceof RemoteFailure) || error.meaning === 'down' || error.meaning === 'credentials') throw error;
      if (error.meaning === 'missing') return new Set();
      this.#entries.set(folder, Infinity);
      return undefined;
    }
  }

  async #one(serverPath: string): Promise<boolean> {
    return (await this.#sessions.ask(['stat'], [serverPath], { orMissing: true })) !== '';
  }
}

/** Folder and name. */
function cut(serverPath: string): [string, string] {
  const at = serverPath.lastIndexOf('/');
  return [serverPath.slice(0, at), serverPath.slice(at + 1)];
}
