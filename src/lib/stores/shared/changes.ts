// What every store does alike with changes: operation ids, decisions, the documents' outer fields. Pure; no store here.

import type { Doc } from '../../domain/doc.ts';
import type { Change, Decision, Outcome } from '../../store.ts';
import { field } from '../../util/values/field.ts';
import { batches } from '../../util/values/group.ts';

/** Operation ids a document remembers: more changes than a lost reply is ever behind. */
const OPS_KEPT = 8;
/** Documents read or written together. */
export const BATCH = 1000;
/** How often a change is applied anew to a document that others keep changing. */
export const TRIES = 12;

/** The document as it is written: operation id in the ring, revision and conflicts left to the store. */
export function withOp<D extends Doc>(next: D, before: Doc | undefined, op: string): D {
  const { _rev, _conflicts, ops: _ops, ...rest }: Doc = next;
  return { ...rest, ops: [...(before?.ops ?? []).slice(1 - OPS_KEPT), op] } as unknown as D;
}

/** True when `doc` remembers the operation: its reply had been lost. */
export function hasOp(doc: unknown, op: string): boolean {
  const ops = field(doc, 'ops');
  return Array.isArray(ops) && ops.includes(op);
}

/** The change's decision on `doc`; a document under another id is a defect of the caller. */
export function decide<D extends Doc>(change: Change<D>, doc: D | undefined): Decision<D> {
  const decision = change.change(doc);
  if ('write' in decision && decision.write._id !== change.id) {
    throw new Error(`the change of ${change.id} wrote ${decision.write._id}`);
  }
  return decision;
}

/**
 * Writes the changes batch by batch. The notes of the last decisions go out with the outcomes, also where the reply to a
 * write was lost.
 * @throws Error when an id appears twice: the second change would overwrite or lose against the first
 */
export async function inBatches<D extends Doc, N>(
  changes: readonly Change<D, N>[],
  write: (batch: readonly Change<D>[]) => Promise<Outcome<D>[]>,
): Promise<Outcome<D, N>[]> {
  if (new Set(changes.map(({ id }) => id)).size < changes.length) throw new Error('an id appears twice in one bulk');
  const notes = new Map<string, N>();
  const listening = changes.map((one): Change<D> => {
    const change = (doc: D | undefined): Decision<D> => {
      const { note, ...decision } = one.change(doc);
      if (note === undefined) notes.delete(one.id);
      else notes.set(one.id, note);
      return decision;
    };
    return { ...one, change };
  });
  const outcomes: Outcome<D, N>[] = [];
  for (const batch of batches(listening, BATCH)) {
    for (const { note: _, ...outcome } of await write(batch)) {
      const note = notes.get(outcome.id);
      outcomes.push(note === undefined ? outcome : { ...outcome, note });
    }
  }
  return outcomes;
}

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Ten random lower-case letters and digits: an operation's id. */
export function randomOp(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return Array.from(bytes, (byte) => LETTERS[byte % 36]).join('');
}
