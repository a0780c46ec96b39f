// Folders of a WebDAV server: what is at a path, what a folder has in it, and folders made where they are missing.

import { WebFailure } from '../tools/http/web.ts';
import { means, RemoteFailure } from '../tools/meaning.ts';
import type { WebdavClient } from './client.ts';
import { ASK_FILES, type Resource, resourcesOf } from './properties.ts';

export class Folders {
  readonly #client: WebdavClient;
  readonly #made = new Set<string>();

  constructor(client: WebdavClient) {
    this.#client = client;
  }

  /** What is at a path; `undefined`: nothing is. @throws WebFailure */
  async look(path: string): Promise<Resource | undefined> {
    return (await this.#propfind(path, '0', path === ''))?.find((one) => one.path === path);
  }

  /** What is in a folder; `undefined`: there is no such folder. @throws WebFailure */
  async list(path: string): Promise<readonly Resource[] | undefined> {
    return (await this.#propfind(path, '1', true))?.filter((one) => one.path !== path);
  }

  /** Makes a folder and those above it, down from the element's own, which must be there. `anew`: it was there once. */
  async make(path: string, anew = false): Promise<void> {
    if (path === '' || (this.#made.has(path) && !anew)) return;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    try {
      await this.#mkcol(path);
    } catch (error) {
      if (!means(error, 'missing')) throw error;
      if (parent === '') throw new RemoteFailure('down', `folder ${this.#client.address.shownUrl('')} does not exist`);
      await this.make(parent, true);
      await this.#mkcol(path);
    }
    this.#made.add(path);
  }

  /** 405: something is there already. What it is, the next request finds out. */
  async #mkcol(path: string): Promise<void> {
    await this.#client.send({ method: 'MKCOL', path, folder: true }).catch((error: unknown) => {
      if (!means(error, 'unable')) throw error;
    });
  }

  /** Servers have many words for a path that goes through a file; it means that there is nothing. */
  async #isBelowFile(path: string, failure: unknown): Promise<boolean> {
    const slash = path.lastIndexOf('/');
    if (slash < 0 || !(failure instanceof WebFailure) || !['failed', 'busy'].includes(failure.meaning)) return false;
    const parent = await this.look(path.slice(0, slash));
    return parent === undefined || !parent.folder;
  }

  async #propfind(path: string, depth: '0' | '1', folder: boolean): Promise<Resource[] | undefined> {
    const headers = { depth, 'content-type': 'application/xml; charset=utf-8' };
    try {
      const { text } = await this.#client.send({ method: 'PROPFIND', path, folder, headers, body: ASK_FILES });
      const { address } = this.#client;
      return resourcesOf(text).map((one) => ({ ...one, path: address.below(one.path) }));
    } catch (error) {
      if (means(error, 'missing') || (await this.#isBelowFile(path, error))) return undefined;
      throw error;
    }
  }
}
