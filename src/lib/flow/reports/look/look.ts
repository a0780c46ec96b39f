// Looking: the rows of each list and what finds them, by its word. Reads what is asked for by id ranges and views, writes
// nothing.
import { type Selection, STATE_SETS } from '../../../domain/selection.ts';
import { selectJobs } from '../../jobs/select.ts';
import type { ReadPorts } from '../../ports.ts';
import { type ArchivedRow, archivedRows } from '../archivedrows.ts';
import { type FirstPassRow, firstPassRows } from '../firstpass/firstpassrows.ts';
import type { HistoryRow } from '../history.ts';
import type { VerdictRow } from '../policy.ts';
import type { ScreenRow } from '../screenrows.ts';
import type { SummaryRow } from '../summary.ts';
import type { ReasonRow } from '../why/all/reason.ts';
import { type FarmRow, farmRows, type LoopRow, loopRows } from './farmrows.ts';
import { type HoldRow, holdRows } from './holdrows.ts';
import { type JobRow, jobRows } from './jobrows.ts';
import { allModuleRows, type ModuleRow } from './modulerows.ts';
import { type QuarantineRow, quarantineRows, type TrashRow } from './quarantinerows.ts';
import { outputRows, type ReplicaRow, rawRows } from './replicarows.ts';
import { type ProgressRow, type RequestRow, requestRows } from './requestrows.ts';
import type { Rows } from './row.ts';
import { type DataRow, dataDocs, dataRows, type LabelRow, labelRows, type RunRow, runRows } from './runrows.ts';
import { type StorageRow, storageRows } from './storagerows.ts';
import { type TableRow, tableRows } from './tablerows.ts';

/** The rows of each list, by its word. */
export interface Lists {
  runs: RunRow;
  data: DataRow;
  replicas: ReplicaRow;
  jobs: JobRow;
  'first-pass': FirstPassRow;
  farms: FarmRow;
  storage: StorageRow;
  requests: RequestRow;
  labels: LabelRow;
  holds: HoldRow;
  loops: LoopRow;
  modules: ModuleRow;
  quarantine: QuarantineRow;
  trash: TrashRow;
  tables: TableRow;
  archived: ArchivedRow;
  reasons: ReasonRow;
  history: HistoryRow;
  verdict: VerdictRow;
  progress: ProgressRow;
  screens: ScreenRow;
  summary: SummaryRow;
}

export type AnyRow = Lists[keyof Lists];

/** The words that `list` knows. */
export type Kind = Exclude<
  keyof Lists,
  'trash' | 'reasons' | 'history' | 'verdict' | 'progress' | 'screens' | 'summary'
>;

/** Finds the rows of one list. */
export type Look<K extends Kind> = (ports: ReadPorts, selection: Selection) => Rows<Lists[K]>;

/** What `list` lists, by its word. */
export const KINDS: { readonly [K in Kind]: Look<K> } = {
  runs: runRows,
  data: dataRows,
  replicas,
  jobs: jobRows,
  'first-pass': firstPassRows,
  farms: farmRows,
  storage: storageRows,
  requests: requestRows,
  labels: labelRows,
  holds: holdRows,
  loops: loopRows,
  modules: allModuleRows,
  quarantine: quarantineRows,
  tables: tableRows,
  archived: archivedRows,
};

/** Raw files of the selected runs; outputs too, where a REF or a module names passes. */
async function* replicas(ports: ReadPorts, selection: Selection): Rows<ReplicaRow> {
  const { modules, versions, labels, requests, tags, causes, sites, since } = selection;
  const ofPasses = [modules, versions, labels, requests, tags, causes, sites, since].some(
    (field) => field !== undefined,
  );
  if (ofPasses || selection.refs?.some((ref) => ref.module !== undefined)) {
    const found = await selectJobs(ports, { ...selection, pass: selection.pass, states: STATE_SETS.all });
    yield* found.problems;
    for (const job of found.jobs) yield* outputRows(job);
    return;
  }
  for await (const doc of dataDocs(ports, selection)) yield* rawRows(doc);
}
