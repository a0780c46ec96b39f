// `list archived`: runs whose documents are in an archive file. Reads their entries in the store, never the file.
import { refOf } from '../../domain/ids.ts';
import { ARCHIVED, type ArchivedDoc, archivedId, archivedNext } from '../../domain/runs/archived.ts';
import { typesOf } from '../../domain/runs/runtypes.ts';
import { hasRun, type Selection } from '../../domain/selection.ts';
import { idsOfRuns, pages } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import { ALL_RUNS } from '../jobs/select.ts';
import type { ReadPorts } from '../ports.ts';
import type { Row, Rows } from './look/row.ts';

/** A run that is in an archive, or on its way. */
export interface ArchivedRow extends Row<'archived'> {
  readonly run: number;
  /** Names of its run types. */
  readonly types: readonly string[];
  /** `leaving` and `returning`: the move into the file or back was stopped, or is under way. */
  readonly state: ArchivedDoc['state'];
  /** Number of raw files, of all levels. */
  readonly files: number;
  /** Bytes of these files. */
  readonly size: number;
  /** Number of passes. */
  readonly passes: number;
  /** Number of documents in the file. */
  readonly documents: number;
  /** When it was archived. */
  readonly at: Iso;
  readonly by: string;
  /** Host of the file. */
  readonly host: string;
  /** File with the documents. */
  readonly file: string;
  /** What brings the documents back, or ends a move that was stopped. */
  readonly next: string;
}

/** Documents read first, and at most. */
const PAGE = { first: 100, most: 1000 } as const;

export async function* archivedRows(ports: ReadPorts, { refs, runs: set }: Selection): Rows<ArchivedRow> {
  const named = refs && [...new Set(refs.flatMap((ref) => ref.run ?? []))];
  const listed = [...new Set([...(named ?? []), ...(set?.listed ?? [])])];
  const wanted = (run: number): boolean => !set || hasRun(set, run);
  const there = await ports.store.get<ArchivedDoc>(listed.map(archivedId));
  for (const run of listed) {
    if (there.has(archivedId(run)) || !wanted(run)) continue;
    const text = 'no archive has this run';
    yield { kind: 'run', ref: refOf(run), did: 'unknown', failed: true, run, text, next: 'dflow list archived' };
  }
  if (named) {
    const docs = named.sort((a, b) => a - b).flatMap((run) => there.get(archivedId(run)) ?? []);
    for (const doc of docs) if (wanted(doc.run)) yield rowOf(ports, doc);
    return;
  }
  for (const span of set?.ranges ?? [ALL_RUNS]) {
    const range = idsOfRuns(ARCHIVED, span);
    for await (const page of pages<ArchivedDoc>(ports.store, range, PAGE.first, PAGE.most))
      for (const doc of page) yield rowOf(ports, doc);
  }
}

function rowOf({ settings }: ReadPorts, doc: ArchivedDoc): ArchivedRow {
  const { run, mask, state, at, by, host, file, documents, passes } = doc;
  const levels = Object.values(doc.levels);
  return {
    kind: 'archived',
    ref: refOf(run),
    run,
    types: mask === undefined ? [] : typesOf(mask, settings.runs.types),
    state,
    files: levels.reduce((sum, { files }) => sum + files, 0),
    size: levels.reduce((sum, { bytes }) => sum + bytes, 0),
    passes: passes.length,
    ...{ documents, at, by, host, file },
    next: archivedNext(doc),
  };
}
