// What is at many paths of one server, by its tools: where many of one folder are asked for, one listing answers for all;
// a folder that holds far more than is asked for is not listed again. Knows paths on the server, no documents.

import { groupBy } from '../../util/values/group.ts';
import { have } from '../../util/values/have.ts';
import { RemoteFailure } from '../tools/meaning.ts';
import type { Each } from './batch.ts';
import { type Asked, asError } from './many.ts';
import type { Sessions } from './session.ts';

/** Paths of one folder from which on it is listed. */
const MANY = 16;
/** Entries of a listing that cost as much as one question. */
const ENTRIES = 64;

export class Presence {
  readonly #sessions: Pick<Sessions, 'ask'>;
  /** Entries of folders when they were last listed; Infinity for those that cannot be. */
  readonly #entries = new Map<string, number>();

  constructor(sessions: Pick<Sessions, 'ask'>) {
    this.#sessions = sessions;
  }

  /** Whether a file or a folder is at each of these paths. */
  async look(asked: readonly Asked[]): Promise<Each<boolean>> {
    const found = new Map<string, boolean | Error>();
    const folders = groupBy(asked, ({ serverPath }) => cut(serverPath)[0]);
    await Promise.all([...folders].map(([folder, mine]) => this.#inFolder(folder, mine, found)));
    return asked.map(({ serverPath }) => have(found, serverPath));
  }

  async #inFolder(folder: string, asked: readonly Asked[], found: Map<string, boolean | Error>): Promise<void> {
    const worth = asked.length >= MANY && (this.#entries.get(folder) ?? 0) <= asked.length * ENTRIES;
    const names = worth ? await this.#list(folder).catch(asError) : undefined;
    const one = async ({ serverPath, written }: Asked): Promise<boolean | Error> => {
      if (names instanceof Error) return names;
      // Of several servers behind one name, the one that listed may not have what another has.
      const believed = names !== undefined && (written === undefined || names.has(cut(written)[1]));
      return believed ? names.has(cut(serverPath)[1]) : this.#one(serverPath).catch(asError);
    };
    await Promise.all(asked.map(async (each) => found.set(each.serverPath, await one(each))));
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
