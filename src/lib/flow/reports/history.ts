// What changed: the histories of documents as one list, and what of them is no longer kept.
import { type Doc, HISTORY_LIMIT, type HistoryEntry, isA } from '../../domain/doc.ts';
import { coverText, globMatch, type HoldDoc } from '../../domain/hold.ts';
import { refOf } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/jobs/job.ts';
import { PASS_STATES } from '../../domain/jobs/states.ts';
import type { RunDoc } from '../../domain/runs/run.ts';
import { idsWith } from '../../store.ts';
import { together } from '../../util/concurrency.ts';
import type { Iso } from '../../util/time.ts';
import { groupBy } from '../../util/values/group.ts';
import { views } from '../../views/index.ts';
import type { ReadPorts } from '../ports.ts';
import type { Row } from './look/row.ts';

/** One change of a document; the same change of several subjobs is one. */
export interface HistoryRow extends Row<'history'>, HistoryEntry {
  /** Indices of the subjobs, where several changed together. */
  readonly subjobs?: readonly number[];
}

export interface HistoryChoice {
  /** Person, host or command; `*` matches any text. */
  readonly by?: string;
  readonly since?: Iso;
}

/** Histories of documents as one, oldest first; `by` and `since` narrow. */
export function historyRows(docs: readonly Doc[], { by, since }: HistoryChoice): HistoryRow[] {
  return docs
    .flatMap((doc) => grouped(doc, entriesOf(doc)))
    .filter((row) => since === undefined || row.at >= since)
    .filter((row) => by === undefined || isBy(row.by, by))
    .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** `anna@login1 (pause)`, and of earlier versions `pause@login1`. */
const WHO = /^([^@]+)@(\S+)(?: \((.+)\))?$/;

/** True when the text is the person, the host, the command, or all of who changed something. */
export function isBy(who: string, text: string): boolean {
  const [, person = '', host = '', command = ''] = WHO.exec(who) ?? [];
  const names = [who, person, host, command, `${person}@${host}`];
  return names.some((name) => name !== '' && globMatch(text, name));
}

/** Documents of which earlier changes are no longer kept. */
export function shortened(docs: readonly Doc[]): readonly string[] {
  return docs.filter((doc) => entriesOf(doc).length >= HISTORY_LIMIT).map((doc) => nameOf(doc));
}

/** The passes that changed, all holds and all requests: what is looked at without a REF. */
export async function changedDocs({ store }: ReadPorts, since: Iso): Promise<Doc[]> {
  const rows = await together(
    ...PASS_STATES.map((state) => store.view(views.jobsByState, { start: [state, since], end: [state, {}] })),
  );
  const jobs = await store.get([...new Set(rows.map(({ id }) => id))]);
  const others = await together(store.range(idsWith('hold:')), store.range(idsWith('request:')));
  return [...jobs.values(), ...others];
}

function entriesOf(doc: Doc): readonly HistoryEntry[] {
  if (isA<HoldDoc>(doc, 'hold')) return holdEntries(doc);
  return 'history' in doc && Array.isArray(doc.history) ? doc.history : [];
}

/** A hold has no history of its own: it was put, and it was ended. */
function holdEntries({ what, scope, why, by, since, ended }: HoldDoc): HistoryEntry[] {
  const put = { at: since, to: 'paused', by, why: `${what} of ${coverText(scope)}: ${why}` };
  if (!ended) return [put];
  return [put, { at: ended.at, from: 'paused', to: 'resumed', by: ended.by, ...(ended.why && { why: ended.why }) }];
}

/** Changes of subjobs that happened together and say the same. */
function grouped(doc: Doc, entries: readonly HistoryEntry[]): HistoryRow[] {
  const alike = ({ subjob: _, ...entry }: HistoryEntry, at: number): string =>
    _ === undefined ? String(at) : JSON.stringify(entry);
  const keys = new Map(entries.map((entry, at) => [entry, alike(entry, at)]));
  return [...groupBy(entries, (entry) => keys.get(entry)).values()].flatMap((some) => {
    const [entry] = some;
    if (!entry) return [];
    const { subjob, ...rest } = entry;
    if (some.length === 1) return { kind: 'history' as const, ref: nameOf(doc, subjob), ...entry };
    return { kind: 'history' as const, ref: nameOf(doc), ...rest, subjobs: some.flatMap((one) => one.subjob ?? []) };
  });
}

/** What a person calls a document. */
export function nameOf(doc: Doc, subjob?: number): string {
  if (isA<RunDoc>(doc, 'run')) return refOf(doc.run);
  return isA<JobDoc>(doc, 'job') ? refOf(doc.run, doc.module, doc.pass, subjob) : doc._id;
}
