// What every store does alike with changes: operation ids, decisions, the documents' outer fields. Pure; no store here.
import type { Doc } from '../../domain/doc.ts';
import type { Change, Decision } from '../../store.ts';

/** Operation ids a document remembers: more changes than a lost reply is ever behind. */
export const OPS_KEPT = 8;
/** Changes written together. */
export const BATCH = 1000;
/** How often a change is applied anew to a document that others keep changing. */
export const TRIES = 12;

/** The document as it is written: operation id in the ring, revision and conflicts left to the store. */
export function withOp<D extends Doc>(next: D, before: Doc | undefined, op: string): D {
  const { _rev, _conflicts, ops: _ops, ...rest } = next as Doc;
  return { ...rest, ops: [...(before?.ops ?? []).slice(1 - OPS_KEPT), op] } as unknown as D;
}

/** True when `doc` remembers the operation: its reply had been lost. */
export function hasOp(doc: Doc | undefined, op: string): boolean {
  return doc?.ops?.includes(op) ?? false;
}

/** The change's decision on `doc`; a document under another id is a defect of the caller. */
export function decide<D extends Doc>(change: Change<D>, doc: D | undefined): Decision<D> {
  const decision = change.change(doc);
  if ('write' in decision && decision.write._id !== change.id) {
    throw new Error(`the change of ${change.id} wrote ${decision.write._id}`);
  }
  return decision;
}

/** @throws Error when an id stands there twice: the second change would overwrite or lose against the first. */
export function assertDistinct(changes: readonly { readonly id: string }[]): void {
  const seen = new Set<string>();
  for (const { id } of changes) {
    if (seen.has(id)) throw new Error(`${id} stands twice in one bulk`);
    seen.add(id);
  }
}

/** `items` in slices of `size`. */
export function* batches<T>(items: readonly T[], size = BATCH): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Ten random lower-case letters and digits: an operation's id. */
export function randomOp(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return Array.from(bytes, (byte) => LETTERS[byte % 36]).join('');
}
