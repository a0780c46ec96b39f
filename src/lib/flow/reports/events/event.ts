// One change of a document as a line: what it is about, the newest change of its history, and the cursor to go on from.
import type { Doc, HistoryEntry } from '../../../domain/doc.ts';
import { isA } from '../../../domain/doc.ts';
import { parseJobId, refOf } from '../../../domain/ids.ts';
import type { ChangedId } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { field } from '../../../util/values/field.ts';
import { given } from '../../../util/values/given.ts';
import type { Row } from '../look/row.ts';
import { shownFields } from '../records.ts';

/** A document that was changed or removed. */
export interface EventRow extends Row<'event'> {
  /** Give it to `--since`: what came after this change follows. */
  readonly cursor: string;
  /** Id of the document. */
  readonly id: string;
  /** Kind of the document: `job`, `run`, `data`, `hold` and so on. */
  readonly about: string;
  /** The new state; `changed` for a document without a state, `removed` for one that was removed. */
  readonly to: string;
  /** State before. */
  readonly from?: string;
  /** When, by the store's clock. */
  readonly at?: Iso;
  /** Command and host. */
  readonly by?: string;
  readonly why?: string;
  /** Subjobs that the change is about. */
  readonly subjobs?: readonly number[];
  readonly run?: number;
  readonly module?: string;
  /** The whole document, with `--document`. */
  readonly document?: Readonly<Record<string, unknown>>;
}

/** Kinds that a person does not ask about: signs of life, and how dflow keeps count. By name they are shown. */
export const QUIET_KINDS: ReadonlySet<string> = new Set([
  ...['loop', 'farm', 'buffer', 'credential', 'lease', 'lanes', 'claim', 'looks', 'plan', 'tablebody', 'tagpart'],
  ...['sample', 'day', 'notify'],
]);

/** What an id says without its document: ids are made so. */
export function aboutId(id: string): { readonly about: string; readonly run?: number; readonly module?: string } {
  const about = id.slice(0, Math.max(0, id.indexOf(':')));
  const job = about === 'job' ? parseJobId(id) : undefined;
  if (job) return { about, run: job.run, module: job.module };
  const run = /^(?:run|data:[^:]+|firstpass):(\d{10})(?::[^:]+)?$/.exec(id)?.[1];
  return { about, ...(run === undefined ? {} : { run: Number(run) }) };
}

function historyOf(doc: Doc): readonly HistoryEntry[] {
  const history = field(doc, 'history');
  return Array.isArray(history) ? history : [];
}

/** The newest change of a document: all lines of its history that one write left, as one. */
interface Newest {
  readonly entry: HistoryEntry;
  readonly subjobs: readonly number[];
}

function newestOf(doc: Doc): Newest | undefined {
  const history = historyOf(doc);
  const entry = history.at(-1);
  if (!entry) return undefined;
  const same = history.filter(({ at, to, by }) => at === entry.at && to === entry.to && by === entry.by);
  return { entry, subjobs: [...new Set(same.flatMap(({ subjob }) => subjob ?? []))] };
}

/** When a document was last changed, where it says so. */
export function changedAt(doc: Doc): Iso | undefined {
  const times = [historyOf(doc).at(-1)?.at, ...TIMES.map((name) => field(doc, name)), field(field(doc, 'ended'), 'at')];
  return times
    .filter((time): time is string => typeof time === 'string')
    .sort()
    .at(-1);
}

const TIMES = ['at', 'since', 'created', 'made', 'heartbeat', 'renewed'];

/** The key of the newest change: the same one is not told twice as a change of state. */
export function toldKey(doc: Doc): string {
  const at = historyOf(doc).at(-1);
  return at ? `${at.at} ${at.to} ${at.subjob ?? ''}` : '';
}

/**
 * The line of a change. `told`: the newest change of its history was told before, so only other fields have changed.
 */
export function eventOf({ id, cursor, deleted }: ChangedId, doc: Doc | undefined, told: boolean): EventRow {
  const { about, run, module } = aboutId(id);
  const base = { kind: 'event' as const, ref: refFor(id, doc), cursor, id, about, ...given({ run, module }) };
  if (!doc) return { ...base, to: deleted ? 'removed' : 'changed' };
  const newest = told ? undefined : newestOf(doc);
  if (!newest)
    return { ...base, to: stateOf(doc, told), ...given({ at: told ? undefined : changedAt(doc), ...said(doc) }) };
  const { at, from, to, by, why } = newest.entry;
  const { subjobs } = newest;
  return { ...base, to, ...given({ from, at, by, why, subjobs: subjobs.length > 0 ? subjobs : undefined }) };
}

function refFor(id: string, doc: Doc | undefined): string {
  const job = parseJobId(id);
  if (job) return refOf(job.run, job.module, job.pass);
  const run = /^run:(\d{10})$/.exec(id)?.[1];
  return run === undefined || (doc && !isA(doc, 'run')) ? id : refOf(Number(run));
}

/** A document without a history says its state by a field; a hold by its end. */
function stateOf(doc: Doc, told: boolean): string {
  if (told) return 'changed';
  if (doc.kind === 'hold') return field(doc, 'ended') === undefined ? 'held' : 'ended';
  const state = field(doc, 'state') ?? field(doc, 'outcome');
  return typeof state === 'string' ? state : 'changed';
}

/** Who and why, where the document itself says so. */
function said(doc: Doc): { by?: string; why?: string } {
  const text = (...values: readonly unknown[]): string | undefined =>
    values.find((value): value is string => typeof value === 'string' && value !== '');
  const ended = field(doc, 'ended');
  const by = text(field(ended, 'by'), field(doc, 'by'));
  const why = text(field(ended, 'why'), field(doc, 'why'), field(doc, 'reason'), field(doc, 'text'));
  return given({ by, why });
}

/** The line with its document. */
export function withDocument(row: EventRow, doc: Doc | undefined): EventRow {
  return doc ? { ...row, document: shownFields(doc) } : row;
}
