// What a rule with `keep: false` leaves over: copies of outputs elsewhere. Every copy that shall stay is read again, and
// found to be another place; receipt, then the catalogue forgets the rest by compare-and-swap, then the bytes go. What
// would take a copy along stays, and is catalogued again.

import { type Surplus, surplusOf, withCopyAgain, withoutCopies } from '../../../domain/data/outcopies.ts';
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { isActive } from '../../../domain/jobs/states.ts';
import { tookEffect } from '../../../store.ts';
import { ItemError } from '../../../util/errors.ts';
import type { Receipt } from '../../../util/files/receipt.ts';
import { nth } from '../../../util/values/have.ts';
import { Apart } from '../../copies/apart.ts';
import { ONE_PLACE } from '../../copies/removal/lookagain.ts';
import { type Going, type Kept, Removal } from '../../copies/removal/removal.ts';
import type { Session } from '../../copies/session.ts';
import type { Item, ItemOf, Step } from '../../ports.ts';

/** A copy that is to go, and what stays when it does. */
interface Leaving {
  readonly one: Surplus;
  readonly going: Going;
}

export class Mover {
  readonly #session: Session;
  readonly #receipt: Receipt;
  readonly #apart: Apart;
  readonly #removal: Removal;
  /** False while what the receipt names may be neither gone nor catalogued. */
  #settled = true;

  constructor(session: Session, receipt: Receipt, nonce: string) {
    this.#session = session;
    this.#receipt = receipt;
    this.#apart = new Apart(session.sites, { nonce, probes: true });
    this.#removal = new Removal(session.sites, receipt, nonce);
  }

  close(): Promise<void> {
    return this.#receipt.close(this.#settled);
  }

  /** Removes what is over of one pass; `users`: passes of the run, one of which may be reading it. */
  async *moveAway(job: JobDoc, users: readonly JobDoc[]): Step {
    const { ports, options, sites } = this.#session;
    const surplus = surplusOf(job, ports.settings.outputs).filter(({ copy }) => !sites.aside.has(copy.storage));
    if (surplus.length === 0 || users.some((user) => uses(user, job))) return;
    if (options.dryRun) {
      for (const one of surplus) yield { ...itemOf(job, one), dryRun: true };
      return;
    }
    const leaving: Leaving[] = [];
    for (const one of surplus) if (await this.#mayGo(one)) leaving.push({ one, going: this.#goingOf(job, one) });
    if (leaving.length > 0) yield* this.#remove(job, leaving);
  }

  /** The copies that stay are other places, which is said once where they are not, and good when they are read now. */
  async #mayGo({ copy, stay }: Surplus): Promise<boolean> {
    const { sites } = this.#session;
    for (const { storage, path, adler32, size } of stay) {
      const why = await this.#apart.why({ site: storage, path }, { site: copy.storage, path: copy.path });
      if (why !== undefined) {
        const item: Item = { kind: 'storage', ref: copy.storage, did: 'kept', failed: true, next: ONE_PLACE };
        sites.say(`${copy.storage} is ${storage}`, { ...item, text: `outputs are not moved to ${storage}: ${why}` });
        return false;
      }
      const found = await sites
        .attempt(storage, (site) => site.readChecksum(path))
        .catch((error: unknown) => {
          if (error instanceof ItemError) return undefined;
          throw error;
        });
      if (found?.adler32 !== adler32 || found.size !== size) return false;
    }
    return true;
  }

  #goingOf(job: JobDoc, { subjob, copy, stay }: Surplus): Going {
    const { by, host } = this.#session.ports;
    const ref = refOf(job.run, job.module, job.pass);
    const line = { kind: 'move', id: job._id, ref, subjob, ...copy, by, host };
    const staying = stay.map(({ storage: site, path, size }) => ({ site, path, size, same: copy.bad === undefined }));
    return { site: copy.storage, path: copy.path, stay: staying, line };
  }

  async *#remove(job: JobDoc, leaving: readonly Leaving[]): Step {
    const { ports } = this.#session;
    const sure = leaving.map(({ one }) => one);
    await this.#removal.announce(leaving.map(({ going }) => going));
    const outcome = await ports.store.update<JobDoc>(job._id, (doc) => {
      const next = doc && withoutCopies(doc, sure, ports.settings.outputs);
      return next ? { write: next } : { skip: 'its outputs have changed meanwhile' };
    });
    if (!tookEffect(outcome)) return;
    const settled = this.#settled;
    this.#settled = false;
    const fates = await this.#removal.remove(leaving.map(({ going }) => going));
    let left = false;
    for (const [index, one] of sure.entries()) {
      const fate = nth(fates, index);
      if (fate.gone || fate.missing) yield { ...itemOf(job, one), receipt: this.#receipt.name };
      else {
        left ||= !(await this.#catalogueAgain(job, one, fate));
        yield keptItem(job, one, fate);
      }
    }
    this.#settled = settled && !left;
  }

  /** True when the copy that stayed is in the catalogue again. */
  async #catalogueAgain(job: JobDoc, one: Surplus, { aside }: Kept): Promise<boolean> {
    if (aside !== undefined) return false;
    const outcome = await this.#session.ports.store.update<JobDoc>(job._id, (doc) => {
      const next = doc && withCopyAgain(doc, one);
      return next ? { write: next } : { skip: 'its outputs have changed meanwhile' };
    });
    return tookEffect(outcome);
  }
}

function uses(user: JobDoc, job: JobDoc): boolean {
  return user.needs.some((need) => need.job === job._id) && user.subjobs.some(({ state }) => isActive(state));
}

function itemOf(job: JobDoc, { subjob, copy }: Surplus): ItemOf<'replica'> {
  const { name: file, storage, size: bytes } = copy;
  const ref = refOf(job.run, job.module, job.pass, subjob);
  return { kind: 'replica', ref, run: job.run, file, storage, did: 'removed', bytes, text: `${file}: moved away` };
}

function keptItem(job: JobDoc, one: Surplus, { why, next }: Kept): Item {
  const text = `${one.copy.name} stays at ${one.copy.storage}: ${why}`;
  return { ...itemOf(job, one), did: 'kept', bytes: 0, failed: true, text, next: next ?? 'dflow transfer' };
}
