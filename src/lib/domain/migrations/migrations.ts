// Forms of documents: each change of form is a step with a number, and every document says by `v` which steps it has had.
// A new step is a file of this folder, entered in STEPS, and SCHEMA in doc.ts is its number.
import { type Doc, SCHEMA } from '../doc.ts';

/** One change of form. Pure, and right for every document of its kinds that has had all steps before it. */
interface Migration {
  /** Schema version that it makes. */
  readonly to: number;
  /** Kinds of documents that have another form then. Others are read as they are. */
  readonly kinds: readonly string[];
  readonly change: (doc: Doc) => Doc;
}

/** The forms that a version of dflow knows. */
export interface Forms {
  /** The newest. */
  readonly version: number;
  /** In the order of their numbers. */
  readonly steps: readonly Migration[];
}

/** Documents of 0.1.0 have the form of today. */
const STEPS: readonly Migration[] = [];

export const FORMS: Forms = { version: SCHEMA, steps: STEPS };

/** The document in the form of today; the same object where it has that, or where only a newer dflow knows its form. */
export function current<D extends Doc>(doc: D, { steps }: Forms = FORMS): D {
  if (typeof doc.v !== 'number') return doc;
  const lacking = steps.filter(({ to, kinds }) => to > doc.v && kinds.includes(doc.kind));
  // A step keeps the kind, so the type of the document stays.
  return lacking.reduce<Doc>((now, { to, change }) => ({ ...change(now), v: to }), doc) as D;
}
