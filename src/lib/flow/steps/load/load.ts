// Loading tables: sources in, documents out. Contents are written before what points to them.

import { MAX_RUN, runId } from '../../../domain/ids.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { maskOf } from '../../../domain/tables/tablemask.ts';
import { type Change, type Outcome, tookEffect } from '../../../store.ts';
import { StoreError } from '../../../util/errors.ts';
import type { Iso } from '../../../util/time.ts';
import { batches } from '../../../util/values/group.ts';
import { nth } from '../../../util/values/have.ts';
import { withDryRun } from '../../dry.ts';
import { noteStale } from '../../jobs/stale/note.ts';
import {
  bodyId,
  bodyOf,
  decide,
  describe,
  type Placed,
  parseFailure,
  place,
  type TableBodyDoc,
  type TableDoc,
  type TableSource,
} from '../../jobs/tables/documents.ts';
import { tagTables } from '../../jobs/tables/tags.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { Progress } from '../../progress.ts';
import { type NewMask, setMasks } from '../../switches/mask.ts';
import { loadIntoRatdb, supersededRuns } from './ratdbload.ts';

/** Documents read and written at a time; contents may be large. */
const BATCH = 200;

export interface LoadOptions extends StepOptions {
  /** Freeze the tables under this name afterwards, if every source was loaded; a database gets it with the tables. */
  readonly tag?: string;
  /** Names the source of the tables: tables of the same source and content are written once, even if replaced since. */
  readonly origin?: string;
}

/**
 * Loads RATDB texts. A source that does not parse is one failed item with its `file:line:column`; nothing of it is
 * loaded, the others are. Of two tables for the same range, in whatever source, the later holds. RUN tables tell their
 * runs the mask.
 */
export function loadTables(ports: Ports, sources: readonly TableSource[], options: LoadOptions = {}): Step {
  return withDryRun(ports, options, (on) => load(on, sources, options));
}

async function* load(ports: Ports, sources: readonly TableSource[], options: LoadOptions): Step {
  const placed = new Map<string, Placed>();
  let failed = false;
  const told = new Progress(ports);
  for (const source of sources) {
    try {
      for (const [id, table] of place(source)) placed.set(id, table);
    } catch (error) {
      failed = true;
      yield { kind: 'source', ref: source.name, did: 'refused', failed: true, text: parseFailure(source, error) };
    }
  }
  const all = [...placed.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, options.limit);
  told.due(all.length);
  if (ports.ratdb) {
    // If the process is killed before the masks are set, the sweep of `tables` sets them.
    const written = yield* loadIntoRatdb(ports, ports.ratdb, all, options);
    if (written) yield* masks(ports, all);
    return;
  }
  const at = await ports.store.now();
  for (const batch of batches(all, BATCH)) {
    const replaced = new Set<string>();
    for await (const item of loadBatch(ports, batch, at)) {
      failed ||= item.failed === true;
      if (item.did === 'replaced') replaced.add(item.ref);
      yield item;
    }
    yield* masks(ports, batch);
    told.done(batch.length);
    yield* noteStale(ports, supersededRuns(batch, replaced));
  }
  if (options.tag !== undefined && !failed) yield* tagTables(ports, options.tag);
}

async function* loadBatch(ports: Ports, batch: readonly Placed[], at: Iso): Step {
  const before = await ports.store.get<TableDoc>(batch.map(({ id }) => id));
  const news = batch.filter((table) => before.get(table.id)?.hash !== table.hash);
  await writeBodies(ports, news);
  const changes = batch.map((table): Change<TableDoc> => {
    return { id: table.id, base: before.get(table.id) ?? null, change: (doc) => decide(table, at, doc) };
  });
  const outcomes = await ports.store.bulk<TableDoc>(changes);
  for (const [index, outcome] of outcomes.entries()) {
    const table = nth(batch, index);
    if (tookEffect(outcome) || outcome.result === 'skipped') {
      yield itemOf(table, before.get(table.id), tookEffect(outcome) ? { write: outcome.doc } : { skip: 'unchanged' });
    } else yield lostItem(table, outcome);
  }
}

/** Each content once, whatever the number of ranges that it stands for. */
async function writeBodies(ports: Ports, tables: readonly Placed[]): Promise<void> {
  const byHash = new Map(tables.map((table) => [table.hash, table]));
  const known = await ports.store.get<TableBodyDoc>([...byHash.keys()].map(bodyId));
  const bodies = [...byHash.values()].filter(({ hash }) => !known.has(bodyId(hash))).map(bodyOf);
  const outcomes = await ports.store.bulk<TableBodyDoc>(
    bodies.map((body) => ({
      id: body._id,
      base: null,
      change: (doc) => (doc ? { skip: 'there already' } : { write: body }),
    })),
  );
  const lost = outcomes.find((outcome) => !tookEffect(outcome) && outcome.result !== 'skipped');
  if (lost) throw new StoreError(`${lost.id} was not written: ${lost.why ?? lost.result}`);
}

type Decided = { readonly write: TableDoc | undefined } | { readonly skip: string } | { readonly remove: true };

function itemOf(placed: Placed, before: TableDoc | undefined, decided: Decided): Item {
  const did = 'skip' in decided ? 'unchanged' : before ? 'replaced' : 'loaded';
  const { table, range, id } = placed;
  const revision = ('write' in decided ? decided.write?.revision : before?.revision) ?? null;
  return {
    kind: 'table',
    ref: id,
    did,
    name: table.name,
    index: table.index,
    first: range[0],
    last: range[1],
    pass: table.pass,
    revision,
    text: describe(placed),
  };
}

function lostItem(placed: Placed, outcome: Outcome<TableDoc>): Item {
  const text = `${describe(placed)}: not written, ${outcome.why ?? outcome.result}`;
  return { kind: 'table', ref: placed.id, did: 'failed', failed: true, text, next: 'repeat the same command' };
}

/** Masks of RUN tables go to the runs that exist; a run that is registered later asks for its table itself. */
async function* masks(ports: Ports, tables: readonly Placed[]): Step {
  const telling = tables.flatMap(({ table, range: [first, last], from }) => {
    const mask = maskOf(table.fields);
    if (table.name !== 'RUN' || table.index !== '' || mask === undefined || last < 1) return [];
    return [{ first: Math.max(1, first), last: Math.min(last, MAX_RUN), mask, from: `RUN table, ${from}` }];
  });
  if (telling.length === 0) return;
  const spans = telling.map(({ first, last }) => ({ start: runId(first), end: runId(last) }));
  const runs = new Set((await ports.store.ranges<RunDoc>(spans)).map(({ run }) => run));
  const found: NewMask[] = [...runs].flatMap((run) => {
    const told = telling.findLast(({ first, last }) => first <= run && run <= last);
    return told ? [{ run, mask: told.mask, from: told.from }] : [];
  });
  yield* setMasks(ports, found);
}
