// What a rule with `keep: false` leaves over: copies of outputs elsewhere, removed after every copy that shall stay was
// checked again. Receipt first, then the catalogue forgets them by compare-and-swap, then the bytes go.

import { type Surplus, surplusOf, withoutCopies } from '../../../domain/data/outcopies.ts';
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { isActive, type Output } from '../../../domain/jobs/states.ts';
import { tookEffect } from '../../../store.ts';
import { ItemError, messageOf } from '../../../util/errors.ts';
import type { Receipt } from '../../../util/receipt.ts';
import type { Session } from '../../copies/session.ts';
import type { Item, Step } from '../../ports.ts';

/** Removes what is over of one pass; `users`: passes of the run, one of which may be reading it. */
export async function* moveAway(session: Session, job: JobDoc, users: readonly JobDoc[], receipt: Receipt): Step {
  const { ports, options } = session;
  const surplus = surplusOf(job, ports.settings.outputs).filter(({ copy }) => !session.sites.aside.has(copy.storage));
  if (surplus.length === 0 || users.some((user) => uses(user, job))) return;
  if (options.dryRun) {
    for (const one of surplus) yield { ...itemOf(job, one), dryRun: true };
    return;
  }
  const sure: Surplus[] = [];
  for (const one of surplus) if (await allGood(session, one.stay)) sure.push(one);
  if (sure.length === 0) return;
  const { by, host } = ports;
  const ref = refOf(job.run, job.module, job.pass);
  await receipt.write(sure.map(({ subjob, copy }) => ({ kind: 'move', id: job._id, ref, subjob, ...copy, by, host })));
  const outcome = await ports.store.update<JobDoc>(job._id, (doc) => {
    const next = doc && withoutCopies(doc, sure, ports.settings.outputs);
    return next ? { write: next } : { skip: 'its outputs have changed meanwhile' };
  });
  if (!tookEffect(outcome)) return;
  for (const one of sure) {
    const problem = await remove(session, one.copy);
    if (problem === undefined) yield { ...itemOf(job, one), receipt: receipt.name };
    else
      yield { ...itemOf(job, one), failed: true, text: `bytes are left: ${problem}`, next: 'dflow verify names them' };
  }
}

function uses(user: JobDoc, job: JobDoc): boolean {
  return user.needs.some((need) => need.job === job._id) && user.subjobs.some(({ state }) => isActive(state));
}

/** The copies that stay, asked afresh. */
async function allGood({ sites }: Session, stay: readonly Output[]): Promise<boolean> {
  for (const { storage, path, adler32, size } of stay) {
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

async function remove({ sites }: Session, { storage, path }: Output): Promise<string | undefined> {
  try {
    const done = await sites.attempt(storage, async (site) => site.remove([path]).then(() => true));
    return done ? undefined : `${storage} cannot be reached`;
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    return messageOf(error);
  }
}

function itemOf(job: JobDoc, { subjob, copy }: Surplus): Item {
  const { name: file, storage, size: bytes } = copy;
  const ref = refOf(job.run, job.module, job.pass, subjob);
  return { kind: 'replica', ref, run: job.run, file, storage, did: 'removed', bytes, text: `${file}: moved away` };
}
