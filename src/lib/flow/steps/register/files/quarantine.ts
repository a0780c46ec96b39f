// Files that cannot be placed: written down once with their reason, shown, harmless; released by themselves when the
// reason is gone. Why a file is refused is decided elsewhere.

import { SCHEMA } from '../../../../domain/doc.ts';
import { quarantineId } from '../../../../domain/ids.ts';
import { remedy } from '../../../../domain/runs/remedy.ts';
import type { QuarantineDoc } from '../../../../domain/runs/run.ts';
import type { Entry } from '../../../../storage.ts';
import { type Change, tookEffect } from '../../../../store.ts';
import { shown } from '../../../../util/text/names.ts';
import { given } from '../../../../util/values/given.ts';
import { baseName } from '../../../copies/buffer/listing.ts';
import { giveNotices, type NoticeDoc } from '../../../jobs/notices.ts';
import type { About, Item, Step } from '../../../ports.ts';
import { type Round, registeredAs, write } from '../round.ts';
import { isHidden } from './unreadable.ts';

export interface Refusal {
  readonly entry: Entry;
  readonly run?: number;
  readonly subrun?: number;
  readonly reason: QuarantineDoc['reason'];
  readonly detail: string;
}

/** Details of refusals that come from a hold; those of an operator's single file do not begin so. */
export const BY_HOLD = 'hold:';

/** True when the file lies as it was when it was quarantined, so that it need not be read again. */
export function isUnchanged(doc: QuarantineDoc | undefined, entry: Entry): doc is QuarantineDoc {
  return doc !== undefined && doc.size === entry.size && doc.modified === entry.modified;
}

/** A copy that was interrupted may have been finished by another program, or by hand. */
function interrupted(
  { level, name, run = 0, size, detail }: QuarantineDoc,
  since: string,
): Omit<NoticeDoc, '_id' | 'kind' | 'v'> {
  const text = `${name} (${level}) lay there with ${size} bytes (${detail}) before it was finished: compare it with its source`;
  return { what: 'interrupted', run, name, text, since };
}

/** Writes refusals down. An item only for what is new: a file that stays in quarantine is not a new failure. */
export async function* quarantine(round: Round, refusals: readonly Refusal[]): Step {
  const at = await round.ports.store.now();
  const old = (refusal: Refusal) => round.known.quarantined.get(shown(refusal.entry.path));
  const changed = refusals.filter((refusal) => {
    const doc = old(refusal);
    return !isUnchanged(doc, refusal.entry) || doc.reason !== refusal.reason;
  });
  const outcomes = await write(
    round,
    changed.map((refusal) => toChange(round, refusal, at)),
  );
  for (const [index, outcome] of outcomes.entries()) {
    const refusal = changed[index];
    if (!refusal || !tookEffect(outcome) || !outcome.doc) continue;
    const isNew = old(refusal)?.reason !== refusal.reason;
    round.known.quarantined.set(outcome.doc.name, outcome.doc);
    if (isNew) yield refusalItem(outcome.doc);
  }
}

function toChange(round: Round, refusal: Refusal, at: string): Change<QuarantineDoc> {
  const { level } = round.buffer;
  const { entry, run, subrun, reason, detail } = refusal;
  const name = shown(entry.path);
  const id = quarantineId(level, name);
  const base = round.known.quarantined.get(name);
  return {
    id,
    ...(base ? { base } : {}),
    change: (doc) => {
      if (doc && doc.reason === reason && isUnchanged(doc, entry)) return { skip: 'written by another' };
      return {
        write: {
          ...doc,
          _id: id,
          kind: 'quarantine',
          v: SCHEMA,
          level,
          name,
          ...given({ run, subrun }),
          reason,
          detail,
          size: entry.size,
          modified: entry.modified,
          at: doc?.reason === reason ? doc.at : at,
        },
      };
    },
  };
}

function refusalItem(doc: QuarantineDoc): Item {
  return {
    ...fields(doc),
    did: 'quarantined',
    ...(doc.reason === 'duplicate' ? {} : { failed: true }),
    text: `${doc.name}: ${doc.detail}`,
    next: remedy(doc),
  };
}

function fields(doc: QuarantineDoc): About<'quarantine'> {
  const run = given({ run: doc.run });
  return { kind: 'quarantine', ref: doc._id, level: doc.level, name: doc.name, ...run, reason: doc.reason };
}

/**
 * Releases what is no longer refused: registered now, no longer there, or no longer taken for data. A file that is
 * there and neither registered nor refused (open again, not yet read) stays.
 */
export async function* release(round: Round, refused: ReadonlySet<string>): Step {
  const { known, listing } = round;
  const undecided = new Set(
    listing.files.filter((file) => registeredAs(known, file)?.path !== file.path).map((file) => shown(file.path)),
  );
  const free = [...known.quarantined.values()].filter((doc) => {
    const byPerson = doc.reason === 'operator' && !doc.detail.startsWith(BY_HOLD);
    return !byPerson && !refused.has(doc.name) && !undecided.has(doc.name) && !isHidden(round.hidden, doc.name);
  });
  const present = new Set([...listing.paths].map(shown));
  const outcomes = await write(
    round,
    free.map((base) => ({ id: base._id, base, change: (doc) => (doc ? { remove: true } : { skip: 'released' }) })),
  );
  for (const [index, doc] of free.entries()) {
    if (outcomes[index]?.result !== 'written' && outcomes[index]?.result !== 'already') continue;
    known.quarantined.delete(doc.name);
    const there = present.has(doc.name);
    if (there && doc.reason === 'odd-time') await giveNotices(round.ports, [interrupted(doc, round.now)]);
    const text = `${baseName(doc.name)}: ${there ? `was ${doc.reason}, is good now` : 'is no longer on the buffer'}`;
    yield { ...fields(doc), did: there ? 'released' : 'gone', text };
  }
}
