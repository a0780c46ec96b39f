// Holds in the store: put, end, look. Ending one wakes what waited for it.

import { SCHEMA } from '../../domain/doc.ts';
import {
  coverText,
  emptyField,
  endText,
  globMatch,
  type HoldDoc,
  type HoldScope,
  type HoldWhat,
  inForce,
} from '../../domain/hold.ts';
import { holdId } from '../../domain/ids.ts';
import { type Named, noSuchError } from '../../domain/named.ts';
import { tookEffect } from '../../store.ts';
import { UsageError } from '../../util/errors.ts';
import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { nth } from '../../util/values/have.ts';
import { withDryRun } from '../dry.ts';
import { checkModules } from '../jobs/names/checknamed.ts';
import { wakeSleepers } from '../jobs/wake.ts';
import type { ItemOf, Ports, Step, StepOptions } from '../ports.ts';

export interface NewHold {
  readonly what: HoldWhat;
  readonly scope: HoldScope;
  readonly why: string;
  readonly until?: Iso;
  /** Last part of the id; a fresh nonce without it. */
  readonly slug?: string;
}

/** What a hold may name: a pattern that matches nothing is a misspelling, and would hold nothing. */
interface HoldNames {
  readonly sites?: readonly string[] | undefined;
  readonly storages?: readonly string[] | undefined;
  readonly levels?: readonly string[] | undefined;
  readonly modules?: readonly string[] | undefined;
}

/** @throws UsageError for the first name that is not configured, with the near miss */
export async function checkNames(ports: Ports, { sites, storages, levels, modules }: HoldNames): Promise<void> {
  const { settings } = ports;
  const namesOf = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name);
  checkName('farm', sites, namesOf(settings.farms));
  checkName('storage element', storages, namesOf(settings.storages));
  checkName('level', levels, [...new Set(settings.buffers.map(({ level }) => level))]);
  if (modules) await checkModules(ports, { modules });
}

function checkName(what: Named, patterns: readonly string[] | undefined, known: readonly string[]): void {
  const wrong = patterns?.find((pattern) => !known.some((name) => globMatch(pattern, name)));
  if (wrong !== undefined) throw noSuchError(what, wrong, known);
}

/**
 * Puts a hold. One of the same id that is in force stays, with what is said anew of why and until.
 * @throws UsageError when the hold would cover nothing
 */
export function pause(ports: Ports, hold: NewHold, options: StepOptions = {}): Step {
  return withDryRun(ports, options, (on) => putHold(on, hold));
}

async function* putHold(ports: Ports, hold: NewHold): Step {
  const field = emptyField(hold.scope);
  if (field)
    throw new UsageError(`the selection of ${field} is empty: the hold would cover nothing`, {
      hint: 'dflow list holds',
    });
  const id = holdId(hold.slug ?? `${hold.what}-${ports.nonce().slice(0, 6)}`);
  const now = await ports.store.now();
  const outcome = await ports.store.update<HoldDoc, ItemOf<'hold'>>(id, (old) => {
    const doc = heldBy(hold, id, old, ports.by, now);
    const note = holdItem(doc, old, now);
    return doc === old ? { skip: 'already in force', note } : { write: doc, note };
  });
  const { note: item = holdItem(heldBy(hold, id, outcome.doc, ports.by, now), outcome.doc, now) } = outcome;
  const failed = !tookEffect(outcome) && outcome.result !== 'skipped';
  yield failed ? { ...item, did: 'unchanged', failed, text: outcome.why ?? outcome.result } : item;
}

/** The hold as it shall be: `old` itself where nothing new is said of it. Pure. */
function heldBy(hold: NewHold, id: string, old: HoldDoc | undefined, by: string, now: Iso): HoldDoc {
  const { what, scope, why, until } = hold;
  const end = given({ until });
  if (old && inForce(old, now)) {
    const same = old.why === why && (until === undefined || until === old.until);
    // An end that nobody takes back stays: only what is said anew changes.
    return same ? old : { ...old, why, by, ...end };
  }
  return { _id: id, kind: 'hold', v: SCHEMA, what, scope, why, by, since: now, ...end };
}

function holdItem(doc: HoldDoc, old: HoldDoc | undefined, now: Iso): ItemOf<'hold'> {
  const there = old && inForce(old, now) ? old : undefined;
  const did = !there ? 'paused' : there.why === doc.why && there.until === doc.until ? 'unchanged' : 'changed';
  const was = there && did === 'changed' ? `; before: ${there.why}${endText(there)}` : '';
  const text = `${doc.what} (${coverText(doc.scope)}): ${doc.why}${endText(doc)}${was}`;
  return { kind: 'hold', ref: doc._id, did, text, ...given({ until: doc.until }) };
}

/** Ends holds and wakes the jobs that waited for them. */
export function resume(ports: Ports, ids: readonly string[], why: string, options: StepOptions = {}): Step {
  return withDryRun(ports, options, (on) => resumeHolds(on, ids, why));
}

async function* resumeHolds(ports: Ports, ids: readonly string[], why: string): Step {
  const docs = await ports.store.get<HoldDoc>(ids);
  const found = new Map([...docs].filter(([, doc]) => doc.kind === 'hold'));
  const missing = ids.filter((id) => !found.has(id));
  for (const id of missing) {
    yield { kind: 'hold', ref: id, did: 'unknown', failed: true, text: 'no such hold', next: 'dflow list holds' };
  }
  const at = await ports.store.now();
  const open = [...found.values()].filter((hold) => !hold.ended);
  for (const hold of [...found.values()].filter((doc) => doc.ended)) {
    yield { kind: 'hold', ref: hold._id, did: 'unchanged', text: `ended ${hold.ended?.at} by ${hold.ended?.by}` };
  }
  yield* endHolds(ports, open, at, why, 'resumed');
}

/** Ends the holds whose time is over. Part of every reset. */
export async function* endExpired(ports: Ports, open: readonly HoldDoc[], now: Iso): Step {
  const expired = open.filter((hold) => !inForce(hold, now));
  yield* endHolds(ports, expired, now, 'its time was over', 'expired');
}

async function* endHolds(
  ports: Ports,
  holds: readonly HoldDoc[],
  at: Iso,
  why: string,
  did: ItemOf<'hold'>['did'],
): Step {
  const outcomes = await ports.store.bulk<HoldDoc>(
    holds.map((hold) => ({
      id: hold._id,
      base: hold,
      change: (doc) =>
        !doc || doc.ended ? { skip: 'already ended' } : { write: { ...doc, ended: { at, by: ports.by, why } } },
    })),
  );
  const woken = await wakeSleepers(
    ports,
    holds.map((hold) => hold._id),
  );
  for (const [index, outcome] of outcomes.entries()) {
    const hold = nth(holds, index);
    const item: ItemOf<'hold'> = {
      kind: 'hold',
      ref: hold._id,
      did: tookEffect(outcome) ? did : 'unchanged',
      text: hold.why,
    };
    yield index === 0 && woken > 0 ? { ...item, woken } : item;
  }
}
