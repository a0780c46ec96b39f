// Runs, and their raw files as a whole: `list runs`, `list data`.
import type { DataDoc } from '../../../domain/data/data.ts';
import { dataId, refOf } from '../../../domain/ids.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { typesOf } from '../../../domain/runs/runtypes.ts';
import { hasRun, type Selection } from '../../../domain/selection.ts';
import { idsOfRuns, pages } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { ALL_RUNS, selectRuns } from '../../jobs/select.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from './row.ts';

/** A run. */
export interface RunRow extends Row<'run'> {
  readonly run: number;
  /** Names of its run types. */
  readonly types: readonly string[];
  readonly state: 'open' | 'complete';
  readonly levels: readonly string[];
  /** Number of raw files, of all levels. */
  readonly files: number;
  /** Why it is not complete. */
  readonly blocked?: string;
  readonly firstSeen: Iso;
  /** Names of files that came after it was complete. */
  readonly late?: readonly string[];
  /** Versions that it has automatic passes of. */
  readonly automatic?: readonly string[];
}

/** The raw files of a run and level. */
export interface DataRow extends Row<'data'> {
  readonly run: number;
  readonly level: string;
  /** Number of files. */
  readonly files: number;
  /** Bytes. */
  readonly size: number;
  /** False: sampled out. */
  readonly kept: boolean;
  /** Storage elements that have a verified copy of every file. */
  readonly done: readonly string[];
  /** States of the files on the buffer, joined by `+`. */
  readonly original: string;
  /** Host of the buffer. */
  readonly host: string;
}

export async function* runRows(ports: ReadPorts, selection: Selection): Rows<RunRow> {
  const { runs: set, refs } = selection;
  if (refs || set?.listed?.length) {
    const { runs: docs, problems } = await selectRuns(ports.store, selection);
    yield* problems;
    for (const doc of docs) yield runRow(ports, doc);
    return;
  }
  for (const span of set?.ranges ?? [ALL_RUNS]) {
    for await (const page of pages<RunDoc>(ports.store, idsOfRuns('run:', span), PAGE.first, PAGE.most)) {
      for (const doc of page) if (!set || hasRun(set, doc.run)) yield runRow(ports, doc);
    }
  }
}

/** Documents read first, and at most: who shows a few reads a few. */
const PAGE = { first: 100, most: 2000 } as const;

function runRow(ports: ReadPorts, doc: RunDoc): RunRow {
  const levels = Object.entries(doc.levels);
  const open = levels.length === 0 || levels.some(([, level]) => !level.complete);
  const blocked = levels.flatMap(([, level]) => (level.complete || !level.blocked ? [] : level.blocked));
  const late = levels.flatMap(([, level]) => level.late);
  return {
    kind: 'run',
    ref: refOf(doc.run),
    run: doc.run,
    types: doc.mask === undefined ? [] : typesOf(doc.mask, ports.settings.runs.types),
    state: open ? 'open' : 'complete',
    levels: levels.map(([name]) => name),
    files: levels.reduce((sum, [, level]) => sum + level.files, 0),
    firstSeen: doc.firstSeen,
    ...(blocked.length > 0 ? { blocked: blocked.join('; ') } : {}),
    ...(late.length > 0 ? { late } : {}),
    ...(doc.automatic ? { automatic: Object.keys(doc.automatic) } : {}),
  };
}

/** Data documents of the selected runs and levels. */
export async function* dataDocs(ports: ReadPorts, selection: Selection): AsyncGenerator<DataDoc, void, void> {
  const levels = selection.levels ?? [...new Set(ports.settings.buffers.map((buffer) => buffer.level))];
  const listed = selection.refs?.flatMap((ref) => ref.run ?? []);
  const spans = selection.runs?.ranges ?? [ALL_RUNS];
  for (const level of levels) {
    if (listed) {
      yield* (await ports.store.get<DataDoc>(listed.map((run) => dataId(level, run)))).values();
      continue;
    }
    for (const span of spans) {
      const range = idsOfRuns(`data:${level}:`, span);
      for await (const page of pages<DataDoc>(ports.store, range, PAGE.first, PAGE.most)) yield* page;
    }
  }
}

export async function* dataRows(ports: ReadPorts, selection: Selection): Rows<DataRow> {
  for await (const doc of dataDocs(ports, selection)) {
    const originals = new Set(doc.files.map((file) => file.original.state));
    yield {
      kind: 'data',
      ref: doc._id,
      run: doc.run,
      level: doc.level,
      files: doc.files.length,
      size: doc.files.reduce((sum, file) => sum + file.size, 0),
      kept: doc.keep.kept,
      done: doc.done,
      original: [...originals].join('+'),
      host: doc.host,
    };
  }
}
