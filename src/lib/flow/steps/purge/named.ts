// Is a file that looks like junk named by a document of any level, or is it the same file as one that is? Then it is no
// junk, whatever its quarantine says: patterns change, levels are taken out, links lead to it. Reads every data document.

import { join } from 'node:path';
import type { DataDoc, RawFile } from '../../../domain/data/data.ts';
import type { Doc } from '../../../domain/doc.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { idsWith, pages } from '../../../store.ts';
import { mapLimit } from '../../../util/concurrency.ts';
import { addTo } from '../../../util/values/group.ts';
import { nth } from '../../../util/values/have.ts';
import { views } from '../../../views/index.ts';
import type { Ports } from '../../ports.ts';

/** A file of a buffer. */
export interface Suspect {
  readonly level: string;
  readonly path: string;
  readonly size: number;
}

interface Located extends Suspect {
  readonly absolute: string;
  readonly identity: string | undefined;
}

const PAGE = 500;
const AT_ONCE = 32;

/** Why each suspect is not junk: who names it. Suspects that nobody names are not in the answer. */
export async function namedBy(ports: Ports, suspects: readonly Suspect[]): Promise<Map<Suspect, string>> {
  const found = new Map<Suspect, string>();
  if (suspects.length === 0) return found;
  const search = await Search.over(ports, suspects, found);
  for await (const docs of pages<DataDoc>(ports.store, idsWith('data:'), PAGE))
    await mapLimit(docs, AT_ONCE, (doc) => search.inData(doc));
  for (const doc of await outputsElsewhere(ports)) search.inJob(doc);
  return found;
}

/** Jobs with outputs at elements that are no longer configured: where these are is not known. */
async function outputsElsewhere({ store, settings }: Ports): Promise<JobDoc[]> {
  const known = new Set(settings.storages.map(({ name }) => name));
  const names = (await store.count(views.checks, 1)).map(({ key }) => key[0]);
  const docs: JobDoc[] = [];
  for (const name of new Set(names.filter((one) => !known.has(one)))) {
    const rows = await store.view(views.checks, { prefix: [name, 'output'] });
    docs.push(...(await store.get<JobDoc>(rows.map(({ id }) => id))).values());
  }
  return docs;
}

class Search {
  readonly #ports: Ports;
  readonly #found: Map<Suspect, string>;
  readonly #paths = new Map<string, Located>();
  readonly #identities = new Map<string, Located>();
  readonly #sizes = new Set<number>();
  readonly #names = new Map<string, Located[]>();
  readonly #of = new Map<Located, Suspect>();
  /** Real folders of the buffers, by level. */
  readonly #folders: ReadonlyMap<string, string>;

  private constructor(ports: Ports, found: Map<Suspect, string>, folders: ReadonlyMap<string, string>) {
    this.#ports = ports;
    this.#found = found;
    this.#folders = folders;
  }

  static async over(ports: Ports, suspects: readonly Suspect[], found: Map<Suspect, string>): Promise<Search> {
    const { buffers } = ports.settings;
    const folders = await Promise.all(
      buffers.map(async ({ level, path }) => [level, (await ports.files.realPath(path)) ?? path] as const),
    );
    const search = new Search(ports, found, new Map(folders));
    const located = await mapLimit(suspects, AT_ONCE, (suspect) => search.#locate(suspect));
    for (const [index, one] of located.entries()) search.#add(nth(suspects, index), one);
    return search;
  }

  #add(suspect: Suspect, located: Located): void {
    this.#of.set(located, suspect);
    this.#paths.set(located.absolute, located);
    if (located.identity !== undefined) this.#identities.set(located.identity, located);
    this.#sizes.add(located.size);
    addTo(this.#names, baseOf(located.path), located);
  }

  async #locate(suspect: Suspect): Promise<Located> {
    const absolute = join(this.#folders.get(suspect.level) ?? '', suspect.path);
    return { ...suspect, absolute, identity: await this.#ports.files.identity(absolute) };
  }

  #note(located: Located | undefined, why: string): void {
    const suspect = located && this.#of.get(located);
    if (suspect && !this.#found.has(suspect)) this.#found.set(suspect, why);
  }

  async inData(doc: DataDoc): Promise<void> {
    const folder = this.#folders.get(doc.level);
    for (const file of doc.files) {
      if (folder === undefined) this.#bySuffix(file.path, doc);
      else {
        this.#note(this.#paths.get(join(folder, file.path)), `${doc._id} names it`);
        // The buffer's folder may be another one now than when it was registered.
        if (file.original.state === 'changed') this.#bySuffix(file.path, doc);
        if (doc.host === this.#ports.host) await this.#byIdentity(join(folder, file.path), file, doc);
      }
      await this.#inCopies(file, doc);
    }
  }

  /** The registered file is a link to it, a hard link, or lies in a folder that is mounted twice. */
  async #byIdentity(path: string, { size, original }: RawFile, { _id }: DataDoc): Promise<void> {
    if (original.state === 'purged' || (original.state !== 'changed' && !this.#sizes.has(size))) return;
    const identity = await this.#ports.files.identity(path);
    if (identity === undefined) return;
    this.#note(this.#identities.get(identity), `it is the same file as ${path}, which ${_id} names`);
  }

  /** Copies at elements of this machine may be links; where an element is that is no longer configured is not known. */
  async #inCopies(file: RawFile, doc: DataDoc): Promise<void> {
    for (const [name, replica] of Object.entries(file.replicas)) {
      if (!('path' in replica)) continue;
      const element = this.#ports.settings.storages.find((one) => one.name === name);
      if (!element) this.#bySuffix(replica.path, doc);
      else if (element.mounted && this.#sizes.has(file.size)) {
        const path = join(element.url, replica.path);
        const identity = await this.#ports.files.identity(path).catch(() => undefined);
        if (identity !== undefined)
          this.#note(this.#identities.get(identity), `it is the same file as the copy ${path}`);
      }
    }
  }

  inJob(doc: JobDoc): void {
    for (const { state } of doc.subjobs) {
      for (const { path } of state.name === 'completed' ? state.outputs : []) this.#bySuffix(path, doc);
    }
  }

  #bySuffix(path: string, { _id }: Doc): void {
    for (const one of this.#names.get(baseOf(path)) ?? [])
      if (one.absolute.endsWith(`/${path}`)) this.#note(one, `${_id} names it`);
  }
}

const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
