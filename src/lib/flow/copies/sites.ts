// The storage elements and buffers of one call of transfer: opened when first used, set aside when they cannot be
// reached or are full, which is said once. The rest goes on without them.

import type { CopyTask } from '../../domain/data/replicas.ts';
import type { BreakerCause } from '../../domain/storage/breaker.ts';
import type { Storage } from '../../storage.ts';
import { ItemError, UnreachableError } from '../../util/errors.ts';
import { codeOf } from '../../util/systemerrors.ts';
import type { Files, Item, Ports } from '../ports.ts';

export const BUFFER = 'buffer ';

/** True when both paths are one file on disk: the same, linked, or hard-linked. */
export async function sameFile(files: Files, a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([files.identity(a), files.identity(b)]);
  return one !== undefined && one === other;
}

export class Sites {
  /** Names of what is set aside: elements, `buffer L1`. */
  readonly aside = new Set<string>();
  /** What failed in this call, and how: what breakers count. */
  readonly failures = new Map<string, { readonly cause: BreakerCause; readonly why: string }>();
  readonly #ports: Ports;
  readonly #notices: Item[] = [];
  readonly #said = new Set<string>();

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** Those of this machine, where elements and buffers are folders of it. */
  get files(): Files {
    return this.#ports.files;
  }

  /** The element or buffer called `site`. @throws UnreachableError, ConfigError */
  open(site: string): Promise<Storage> {
    return site.startsWith(BUFFER) ? this.#ports.buffer(site.slice(BUFFER.length)) : this.#ports.storage(site);
  }

  /** What `use` returns; `undefined` when the site is aside, or cannot be reached and is set aside by this. */
  async attempt<T>(site: string, use: (storage: Storage) => Promise<T>): Promise<T | undefined> {
    if (this.aside.has(site)) return undefined;
    try {
      return await use(await this.open(site));
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      this.setAside(site, error);
      return undefined;
    }
  }

  /** Absolute path of a mounted element's folder; `undefined` for others, and for one that is down: nothing is said. */
  async folder(site: string): Promise<string | undefined> {
    try {
      return (await this.open(site)).localPath('');
    } catch (error) {
      if (error instanceof UnreachableError) return undefined;
      throw error;
    }
  }

  setAside(site: string, error: UnreachableError | ItemError): void {
    if (this.aside.has(site)) return;
    this.aside.add(site);
    this.failures.set(site, { cause: isFull(error) ? 'full' : 'unreachable', why: error.message });
    const next = error.hint ?? `dflow why ${site.replace(/ .*/, '')}`;
    const text = `set aside for now: ${error.message}`;
    const away = error instanceof UnreachableError ? { unreachable: true } : {};
    this.#notices.push({ kind: 'storage', ref: site, did: 'skipped', failed: true, ...away, text, next });
  }

  /** Says something once per call, whoever finds it. */
  say(key: string, item: Item): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#notices.push(item);
  }

  /** True when the task cannot go on because one of its ends is aside. */
  blocks(task: CopyTask): boolean {
    return this.aside.has(task.to) || this.aside.has(task.source.site);
  }

  /** What is to be said since the last call of this. */
  notices(dryRun: boolean): Item[] {
    const items = this.#notices.splice(0);
    return dryRun ? items.map((item) => ({ ...item, dryRun: true })) : items;
  }
}

/** True when the error says that nothing can be written there: the next file would meet the same. */
export function isReadOnly(error: unknown): error is ItemError {
  if (!(error instanceof ItemError)) return false;
  return codeOf(error.cause) === 'EROFS' || /read[- ]only file ?system|server is read[- ]only/i.test(error.message);
}

/** True when the error says that a disk or a quota is full: the next file would meet the same. */
export function isFull(error: unknown): error is ItemError {
  const code = error instanceof ItemError ? codeOf(error.cause) : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
