// Runs, and their raw files as a whole: `list runs`, `list data`.
import type { DataDoc } from '../../../domain/data/data.ts';
import { dataId, refOf, runId } from '../../../domain/ids.ts';
import { hasLabel } from '../../../domain/runs/labels.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { typesOf } from '../../../domain/runs/runtypes.ts';
import { hasRun, type Selection } from '../../../domain/selection.ts';
import { idsOfRuns, pages } from '../../../store.ts';
import { together } from '../../../util/concurrency.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { batches, groupBy } from '../../../util/values/group.ts';
import { views } from '../../../views/index.ts';
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
  readonly labels?: readonly string[];
}

/** A label, and how many have it. */
export interface LabelRow extends Row<'label'> {
  readonly runs: number;
  readonly passes: number;
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
  const { runs: set, refs, labels } = selection;
  if (refs || set?.listed?.length) {
    const { runs: docs, problems } = await selectRuns(ports.store, selection);
    yield* problems;
    for (const doc of docs) if (hasLabel(labels, doc.labels)) yield runRow(ports, doc);
    return;
  }
  if (labels) {
    const runs = (await labelledRuns(ports, labels)).filter((run) => !set || hasRun(set, run));
    for (const some of batches(runs, PAGE.most)) {
      const docs = await ports.store.get<RunDoc>(some.map(runId));
      for (const doc of docs.values()) if (hasLabel(labels, doc.labels)) yield runRow(ports, doc);
    }
    return;
  }
  for (const span of set?.ranges ?? [ALL_RUNS]) {
    for await (const page of pages<RunDoc>(ports.store, idsOfRuns('run:', span), PAGE.first, PAGE.most)) {
      for (const doc of page) if (!set || hasRun(set, doc.run)) yield runRow(ports, doc);
    }
  }
}

/** Runs that have one of the labels, ascending. */
async function labelledRuns({ store }: ReadPorts, labels: readonly string[]): Promise<number[]> {
  const rows = await together(...labels.map((label) => store.view(views.labels, { prefix: [label, 'run'] })));
  return [...new Set(rows.map(({ key }) => key[2]))].sort((a, b) => a - b);
}

/** Every label, from counts of the store. */
export async function* labelRows({ store }: ReadPorts): Rows<LabelRow> {
  const groups = groupBy(await store.count(views.labels, 2), ({ key }) => key[0]);
  for (const [ref, some] of groups) {
    const counted = (what: 'run' | 'pass'): number => some.find(({ key }) => key[1] === what)?.value ?? 0;
    yield { kind: 'label', ref, runs: counted('run'), passes: counted('pass') };
  }
}

/** Documents read first, and at most: who shows a few reads a few. */
const PAGE = { first: 100, most: 2000 } as const;

export function runRow(ports: ReadPorts, doc: RunDoc): RunRow {
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
    ...given({ labels: doc.labels }),
  };
}

/** Runs named one by one: by REFs or labels. */
async function listedRuns(ports: ReadPorts, { refs, labels, runs }: Selection): Promise<number[] | undefined> {
  const named = refs?.flatMap((ref) => ref.run ?? []);
  if (!labels) return named;
  const labelled = await labelledRuns(ports, labels);
  return labelled.filter((run) => named?.includes(run) !== false && (!runs || hasRun(runs, run)));
}

/** Data documents of the selected runs and levels. */
export async function* dataDocs(ports: ReadPorts, selection: Selection): AsyncGenerator<DataDoc, void, void> {
  const levels = selection.levels ?? [...new Set(ports.settings.buffers.map((buffer) => buffer.level))];
  const listed = await listedRuns(ports, selection);
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
