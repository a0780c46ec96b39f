// Looking: the rows of `list`, one generator per kind. Reads what is asked for by id ranges and views, writes nothing.

import type { DataDoc } from '../../../domain/data/data.ts';
import type { FarmDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import { coverText, drainOf } from '../../../domain/hold.ts';
import { dataId, refOf } from '../../../domain/ids.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import type {
  DataRow,
  FarmRow,
  HoldRow,
  JobRow,
  Lists,
  LoopRow,
  ModuleRow,
  QuarantineRow,
  ReplicaRow,
  Rows,
  RunRow,
  TableRow,
  TrashRow,
} from '../../../domain/results/rows.ts';
import { remedy } from '../../../domain/runs/remedy.ts';
import type { QuarantineDoc, RunDoc } from '../../../domain/runs/run.ts';
import { typesOf } from '../../../domain/runs/runtypes.ts';
import { type Selection, STATE_SETS } from '../../../domain/selection.ts';
import { idsOfRuns, idsWith } from '../../../store.ts';
import { between, plus } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { views } from '../../../views/index.ts';
import { inTrash } from '../../copies/removal/trash.ts';
import { activeHolds, openHolds } from '../../jobs/openholds.ts';
import { selectJobs, selectRuns } from '../../jobs/select.ts';
import type { TableDoc } from '../../jobs/tables/documents.ts';
import type { ReadPorts } from '../../ports.ts';
import { jobRow } from './jobrows.ts';
import { outputRows, rawRows } from './replicarows.ts';
import { requestRows } from './requestrows.ts';
import { storageRows } from './storagerows.ts';

/** The words that `list` knows. */
export type Kind = Exclude<keyof Lists, 'trash' | 'reasons' | 'history' | 'verdict' | 'progress'>;

/** Finds the rows of one list. */
export type Look<K extends Kind> = (ports: ReadPorts, selection: Selection) => Rows<Lists[K]>;

/** What `list` lists, by its word. */
export const KINDS: { readonly [K in Kind]: Look<K> } = {
  runs,
  data,
  replicas,
  jobs,
  farms,
  storage: storageRows,
  requests: requestRows,
  holds,
  loops,
  modules,
  quarantine,
  tables,
};

async function* jobs(ports: ReadPorts, selection: Selection): Rows<JobRow> {
  const found = await selectJobs(ports, selection);
  yield* found.problems;
  for (const job of found.jobs) yield jobRow(job, found.states.get(job._id) ?? job.state);
}

async function* runs(ports: ReadPorts, selection: Selection): Rows<RunRow> {
  const { runs: docs, problems } = await selectRuns(ports.store, selection);
  yield* problems;
  for (const doc of docs) yield runRow(ports, doc);
}

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
async function* dataDocs(ports: ReadPorts, selection: Selection): AsyncGenerator<DataDoc, void, void> {
  const levels = selection.levels ?? [...new Set(ports.settings.buffers.map((buffer) => buffer.level))];
  const listed = selection.refs?.flatMap((ref) => ref.run ?? []);
  const spans = selection.runs?.ranges ?? [[0, Number.POSITIVE_INFINITY]];
  for (const level of levels) {
    if (listed) {
      yield* (await ports.store.get<DataDoc>(listed.map((run) => dataId(level, run)))).values();
      continue;
    }
    for (const span of spans) yield* await ports.store.range<DataDoc>(idsOfRuns(`data:${level}:`, span));
  }
}

async function* data(ports: ReadPorts, selection: Selection): Rows<DataRow> {
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

async function* farms(ports: ReadPorts): Rows<FarmRow> {
  const docs = await ports.store.range<FarmDoc>(idsWith('farm:'));
  const active = await ports.store.count(views.active, 1);
  const now = await ports.store.now();
  const seen = new Map(docs.map((doc) => [doc.site, doc]));
  const inForce = await activeHolds(ports.store, now);
  for (const name of new Set([...ports.settings.farms.map((farm) => farm.name), ...seen.keys()])) {
    const doc = seen.get(name);
    const said = ports.settings.farms.find((farm) => farm.name === name);
    const drain = drainOf(inForce, name);
    const stale = doc && between(doc.heartbeat, now) > ports.settings.limits.stale;
    yield {
      kind: 'farm',
      ref: name,
      backend: doc?.backend ?? said?.backend ?? '',
      slots: doc?.slots ?? said?.slots ?? 0,
      active: active.find(({ key }) => key[0] === name)?.value ?? 0,
      state: doc ? (stale ? 'silent' : drain ? 'drained' : 'ok') : 'never seen',
      ...(said?.versions ? { versions: said.versions } : {}),
      ...(doc ? { host: doc.host, heartbeat: doc.heartbeat, epoch: doc.epoch } : {}),
      ...(drain ? { why: drain.why, until: drain.until, next: `dflow resume ${drain._id}` } : {}),
    };
  }
}

async function* holds(ports: ReadPorts): Rows<HoldRow> {
  const now = await ports.store.now();
  for (const hold of await openHolds(ports.store)) {
    yield {
      kind: 'hold',
      ref: hold._id,
      what: hold.what,
      covers: coverText(hold.scope),
      why: hold.why,
      by: hold.by,
      since: hold.since,
      ...(hold.until === undefined ? {} : { until: hold.until, state: hold.until > now ? 'in force' : 'expired' }),
    };
  }
}

async function* loops(ports: ReadPorts): Rows<LoopRow> {
  for (const doc of await ports.store.range<LoopDoc>(idsWith('loop:'))) {
    const { host, loop, at, hash, outcome } = doc;
    yield { kind: 'loop', ref: doc._id, host, loop, at, hash, outcome };
  }
}

async function* modules(ports: ReadPorts): Rows<ModuleRow> {
  for (const file of Object.values(ports.settings.modules)) yield* moduleRows(file);
}

/** The modules of one software version. */
export function moduleRows(file: ModuleFile): ModuleRow[] {
  return Object.values(file.modules).map((module) => ({
    kind: 'module',
    ref: module.name,
    version: file.version,
    needs: module.needs,
    level: module.level,
    outputs: Object.keys(module.outputs),
    runTypes: Object.entries(file.runTypes).flatMap(([type, names]) => (names.includes(module.name) ? type : [])),
    run: module.run,
    ...(module.macro ? { macro: module.macro.name } : {}),
    ...(module.parameters ? { parameters: Object.keys(module.parameters) } : {}),
  }));
}

async function* quarantine(ports: ReadPorts): Rows<QuarantineRow> {
  for (const doc of await ports.store.range<QuarantineDoc>(idsWith('quarantine:'))) {
    const { level, name, reason, detail, at } = doc;
    const known = {
      ...given({ run: doc.run, size: doc.size }),
    };
    yield { kind: 'quarantine', ref: doc._id, level, name, reason, detail, at, ...known, next: remedy(doc) };
  }
}

/** What waits in the trash of the buffers: `list quarantine --trash`. */
export async function* trashRows(ports: ReadPorts): Rows<TrashRow> {
  const keep = ports.settings.purge.trash;
  for (const doc of await inTrash(ports)) {
    const { _id: ref, level, name, host, size, reason, detail, why, at } = doc;
    const [path] = doc.places;
    const until = plus(at, keep);
    const more = given({ path, run: doc.run, why });
    yield { kind: 'trash', ref, level, name, host, size, reason, detail, at, until, ...more };
  }
}

async function* tables(ports: ReadPorts): Rows<TableRow> {
  for (const doc of await ports.store.range<TableDoc>(idsWith('table:'))) {
    const { name, index, first, last, pass, revision, at, from } = doc;
    yield { kind: 'table', ref: doc._id, name, index, first, last, pass, revision, at, from };
  }
}
