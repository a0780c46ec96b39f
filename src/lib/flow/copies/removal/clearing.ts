// Takes away what lies where a copy is to be: a copy that was read and found bad, or the rest of another try. The source
// of the new copy must still be there without it: an element may be another name of the place that it is copied from.

import type { CopyTask } from '../../../domain/data/replicas.ts';
import { ItemError } from '../../../util/errors.ts';
import type { Receipt } from '../../../util/files/receipt.ts';
import { given } from '../../../util/values/given.ts';
import { nth } from '../../../util/values/have.ts';
import type { Ports } from '../../ports.ts';
import type { Sites } from '../sites.ts';
import { type Going, Removal } from './removal.ts';

export class Clearing {
  readonly #ports: Ports;
  readonly #sites: Sites;
  readonly #receipt: Receipt;
  readonly #removal: Removal;

  private constructor(ports: Ports, sites: Sites, receipt: Receipt, nonce: string) {
    this.#ports = ports;
    this.#sites = sites;
    this.#receipt = receipt;
    this.#removal = new Removal(sites, receipt, nonce);
  }

  static async open(ports: Ports, sites: Sites): Promise<Clearing> {
    const nonce = ports.nonce();
    return new Clearing(
      ports,
      sites,
      ports.receipts.make(ports.settings.folder, 'replace', await ports.store.now(), nonce),
      nonce,
    );
  }

  /** @throws ItemError it must stay, or cannot be taken away */
  readonly clear = async ({ id, ref, file, to, path, source, repair }: CopyTask): Promise<void> => {
    const { by, host } = this.#ports;
    const found = await this.#sites.attempt(to, async (storage) => (await storage.stat([path])).get(path));
    if (!found) return;
    const why = repair?.why ?? 'not what is to be here';
    const line = { kind: 'replace', id, ref, name: file.name, storage: to, size: found.size, why, by, host };
    const stay = [{ site: source.site, path: source.path, size: file.size }];
    const going: Going = { site: to, path, size: found.size, stay, line };
    await this.#removal.announce([going]);
    const fate = nth(await this.#removal.remove([going]), 0);
    if (!fate.gone && !fate.missing) throw new ItemError(fate.why, given({ hint: fate.next }));
  };

  close(): Promise<void> {
    return this.#receipt.close();
  }
}
