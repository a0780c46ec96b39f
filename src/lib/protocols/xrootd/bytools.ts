// Many small things of one server at once, by xrdcp and xrdfs: one xrdcp for all files of a folder.
import type { Checksum, CopyOptions } from '../../storage.ts';
import { groupBy } from '../../util/values/group.ts';
import { withLinks } from '../tools/local.ts';
import type { Each } from './batch.ts';
import { type Asked, eachOf, folderOf, type Many, RUNS, SMALL, type SmallFile } from './many.ts';
import { Presence } from './presence.ts';
import type { Sessions } from './session.ts';

/** Copies at once in one xrdcp. */
const PARALLEL = 4;

/** What it needs of the server, beside its sessions. */
export interface ToolServer extends Pick<Sessions, 'ask' | 'tool' | 'url'> {
  limit(bytes: number): number;
  confirm(serverPath: string, expected: Checksum): Promise<void>;
}

export class ByTools implements Many {
  readonly #server: ToolServer;
  readonly #presence: Presence;

  constructor(server: ToolServer) {
    this.#server = server;
    this.#presence = new Presence(server);
  }

  /** @throws RemoteFailure of an xrdcp, for all */
  async put(files: readonly SmallFile[]): Promise<Each<true>> {
    for (const [folder, mine] of groupBy(files, ({ serverPath }) => folderOf(serverPath))) {
      const links = mine.map(({ local, serverPath }) => ({ name: serverPath.slice(folder.length + 1), local }));
      await withLinks(links, async (from) => {
        const sources = links.map(({ name }) => `${from}/${name}`);
        // Not forced: what is there already is replaced by itself, and not while others are copied.
        // Nor persistent only when closed: each of them costs the server a note on its disk, and what is left of one that
        // was cut off has a temporary name, by which the next attempt knows it.
        const args = ['--silent', '--parallel', String(PARALLEL)];
        args.push(...rateOf(mine[0]?.pace, RUNS * PARALLEL));
        const timeout = this.#server.limit(mine.length * SMALL);
        await this.#server.tool('xrdcp', [...args, ...sources, this.#server.url(`${folder}/`)], { timeout });
      });
    }
    // xrdcp compares no checksum of an empty file, and none in a batch.
    return eachOf(files, async ({ serverPath, expected }) => {
      await this.#server.confirm(serverPath, expected);
      return true as const;
    });
  }

  look(asked: readonly Asked[]): Promise<Each<boolean>> {
    return this.#presence.look(asked);
  }

  /** Each needs an xrdcp of its own. */
  async read(serverPaths: readonly string[]): Promise<Each<undefined>> {
    return serverPaths.map(() => undefined);
  }

  move(pairs: readonly (readonly [from: string, to: string])[]): Promise<Each<true>> {
    return eachOf(pairs, async (pair) => {
      await this.#server.ask(['mv'], pair);
      return true as const;
    });
  }
}

/** xrdcp limits each file for itself: a share of the whole. */
export function rateOf(pace: CopyOptions['pace'], ways = 1): string[] {
  return pace ? ['--xrate', String(Math.max(1024, Math.floor(pace.rate / ways)))] : [];
}
