// Notes: what a person wrote down for the others, about REFs or about the shift. A note is never changed.
import { type Doc, SCHEMA } from '../../domain/doc.ts';
import { noteId } from '../../domain/ids.ts';
import { idsWith, type ReadStore } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import { withDryRun } from '../dry.ts';
import type { Ports, Step, StepOptions } from '../ports.ts';

export interface NoteDoc extends Doc {
  readonly kind: 'note';
  readonly at: Iso;
  readonly by: string;
  readonly text: string;
  /** REFs that it is about; none: the whole experiment. */
  readonly refs: readonly string[];
}

export function note(ports: Ports, text: string, refs: readonly string[], options: StepOptions = {}): Step {
  return withDryRun(ports, options, (on) => writeNote(on, text, refs));
}

async function* writeNote(ports: Ports, text: string, refs: readonly string[]): Step {
  const at = await ports.store.now();
  const _id = noteId(at, ports.nonce().slice(0, 6));
  const doc: NoteDoc = { _id, kind: 'note', v: SCHEMA, at, by: ports.by, text, refs };
  await ports.store.update<NoteDoc>(_id, (old) => (old ? { skip: 'written before' } : { write: doc }));
  yield { kind: 'note', ref: _id, did: 'noted', text: noteLine(doc).text, refs };
}

/** Notes at or after a time or a day, the oldest first; all without it. */
export async function notesSince(store: ReadStore, since?: string): Promise<NoteDoc[]> {
  const all = idsWith('note:');
  return store.range<NoteDoc>(since === undefined ? all : { ...all, start: `note:${since}` });
}

/** Who wrote what, and when. */
export function noteLine({ at, by, text, refs }: NoteDoc): { at: Iso; by: string; text: string } {
  return { at, by, text: refs.length === 0 ? text : `${text} (${refs.join(', ')})` };
}
