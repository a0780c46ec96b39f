// The trash of a buffer: unwanted files wait there before they are deleted, so that a mistake can be undone. Pure.
import { type Iso, plus } from '../../util/time.ts';
import type { Doc } from '../doc.ts';

/** Folder of the trash, at the top of a buffer, or beside the file where the buffer has several file systems. */
export const TRASH = '.dflow-trash';

/** A file that was moved to the trash. The document is written before the move: the file may still be at `name`. */
export interface TrashDoc extends Doc {
  readonly kind: 'trash';
  readonly level: string;
  /** On whose buffer. */
  readonly host: string;
  /** Path below the buffer's folder, from where it came. */
  readonly name: string;
  /** Paths below the buffer's folder at one of which it lies now. */
  readonly places: readonly [string, ...string[]];
  readonly run?: number;
  /** Stable slug: a reason of the quarantine, or `rejected`. */
  readonly reason: string;
  readonly detail: string;
  /** What the operator gave as reason. */
  readonly why?: string;
  readonly size: number;
  readonly modified: Iso;
  readonly at: Iso;
  readonly by: string;
  readonly receipt: string;
}

export const trashId = (level: string, name: string, nonce: string): string => `trash:${level}:${name}:${nonce}`;

/** Where a file goes that is moved at `at`: at the top, else beside itself. The nonce keeps equal names apart. */
export function trashPlaces(name: string, at: Iso, nonce: string): TrashDoc['places'] {
  const day = `${TRASH}/${at.slice(0, 10)}/${nonce}`;
  const cut = name.lastIndexOf('/') + 1;
  return cut === 0 ? [`${day}/${name}`] : [`${day}/${name}`, `${name.slice(0, cut)}${day}/${name.slice(cut)}`];
}

/** True when the trash may be emptied of this file at `now`, `keep` milliseconds after it was moved there. */
export function isOverdue(doc: Pick<TrashDoc, 'at'>, keep: number, now: Iso): boolean {
  return plus(doc.at, keep) <= now;
}
