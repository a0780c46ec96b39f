// Running map functions on documents, the way CouchDB does: on plain JSON that is frozen through and through.
import type { Doc, Json } from '../../domain/doc.ts';
import type { View } from '../../views/view.ts';

/** One emitted row; key and value as JSON text, which is compared and stored, and the key itself, to be encoded. */
export interface Emitted {
  readonly key: string;
  readonly value: string;
  readonly raw: Json;
}

/** Freezes JSON through and through, in place; answers it. Parts that are frozen already are taken to be so deeply. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) for (const part of value) freezePart(part);
  else for (const name in value) freezePart(value[name]);
  return Object.freeze(value);
}

function freezePart(part: unknown): void {
  if (typeof part === 'object' && part !== null) deepFreeze(part);
}

/**
 * What `view` emits for `doc`, in order. A map function that throws emits nothing for that document, as in CouchDB.
 */
export function emitted(view: View, doc: Doc): readonly Emitted[] {
  const rows: Emitted[] = [];
  const emit = (key: Json, value: Json): void => {
    rows.push({
      key: JSON.stringify(key ?? null),
      value: value === null ? 'null' : JSON.stringify(value ?? null),
      raw: key,
    });
  };
  try {
    view.map(doc, emit);
  } catch {
    return [];
  }
  return rows;
}

/** True when both emitted the same rows in the same order. */
export function sameRows(a: readonly Emitted[], b: readonly Emitted[]): boolean {
  return a.length === b.length && a.every((row, i) => row.key === b[i]?.key && row.value === b[i]?.value);
}
