// The rows that a listing shows: its words and flags become a selection, a test and the report that finds the rows. `list`
// and the live screen read the same.
import type { PassState } from '../../domain/jobs/states.ts';
import { type Selection, STATE_SETS } from '../../domain/selection.ts';
import { checkNamed } from '../../flow/jobs/names/checknamed.ts';
import type { ReadPorts } from '../../flow/ports.ts';
import { type AnyRow, KINDS, type Kind, type Lists } from '../../flow/reports/look/look.ts';
import { isFileWord, replicasNamed } from '../../flow/reports/look/replicarows.ts';
import type { Rows } from '../../flow/reports/look/row.ts';
import { checkListFlags, rowTest } from '../arguments/listflags.ts';
import { type SelectionInput, selectionOf } from '../arguments/selection.ts';

/** The flags of a listing, as oclif parses them. */
export type ListFlags = SelectionInput['flags'] & { readonly storage?: readonly string[] | undefined };

/** @throws UsageError when a flag or a REF is given that the kind does not know */
export function checkListing(kind: Kind, words: readonly string[], flags: ListFlags): void {
  checkListFlags(kind, { ...flags }, refsOf(kind, words));
}

/** Copies are also named by the names of their files. */
const refsOf = (kind: Kind, words: readonly string[]): readonly string[] =>
  kind === 'replicas' ? words.filter((word) => !isFileWord(word)) : words;

/** The selection of a listing, and a test for flags that the selection cannot express. */
export async function chosenBy(
  ports: ReadPorts,
  kind: Kind,
  words: readonly string[],
  flags: ListFlags,
  states: readonly PassState[] = STATE_SETS.open,
): Promise<{ readonly chosen: Selection; readonly test: (row: AnyRow) => boolean }> {
  // `--state` of other kinds means the state in the row.
  const input = kind === 'jobs' ? flags : { ...flags, state: undefined };
  const refs = refsOf(kind, words);
  const chosen = await selectionOf({ refs, flags: input, states }, () => ports.store.now());
  await checkNamed(ports, { ...chosen, storages: flags.storage });
  return { chosen, test: rowTest(kind, flags, chosen.runs) };
}

/** Finds the rows of one kind. */
export async function listing<K extends Kind>(
  ports: ReadPorts,
  kind: K,
  words: readonly string[],
  flags: ListFlags,
): Promise<Rows<Lists[K]>> {
  const { chosen, test } = await chosenBy(ports, kind, words, flags);
  const files = kind === 'replicas' ? words.filter(isFileWord) : [];
  const named = files.length > 0 && files.length === words.length;
  const looks: typeof KINDS = named ? { ...KINDS, replicas: () => replicasNamed(ports, files) } : KINDS;
  return having(looks[kind](ports, chosen), test);
}

/** Rows that pass the test, and items that tell what is wrong with the selection. */
export async function* having<R extends AnyRow>(rows: Rows<R>, test: (row: AnyRow) => boolean): Rows<R> {
  for await (const row of rows) if ('did' in row || test(row)) yield row;
}
