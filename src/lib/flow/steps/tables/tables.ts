// Run tables: the first pass. For each complete run that lacks a required table, the configured command is run once and what
// it prints is loaded; a failure is remembered with its cause and tried again later. Loading, looking up and tags are
// in tables/.

import type { DataDoc } from '../../../domain/data/data.ts';
import { SCHEMA } from '../../../domain/doc.ts';
import { dataId, runId } from '../../../domain/ids.ts';
import { type FirstPassDoc, firstPassId } from '../../../domain/runs/firstpass.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { allRequired, requiredTables, type TablesAway } from '../../../domain/tables/tablegates.ts';
import { tookEffect } from '../../../store.ts';
import { together } from '../../../util/concurrency.ts';
import type { ExecResult } from '../../../util/processes/exec.ts';
import { DAY, type Iso, isAhead, MINUTE, plus } from '../../../util/time.ts';
import { batches } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import { views } from '../../../views/index.ts';
import { withDryRun } from '../../dry.ts';
import { runTypes } from '../../jobs/facts.ts';
import { isAway, revisionsNow, statesNow, tablesAwayItem } from '../../jobs/tables/source.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { setMasks } from '../../switches/mask.ts';
import { loadTables } from '../load/load.ts';
import { newMasks, sweep } from './sweep.ts';

/** The command may take this long for one run, milliseconds. */
const LIMIT = 30 * MINUTE;
/** Runs whose tables are looked up together. */
const BATCH = 500;

/** The first pass: masks that stored RUN tables give, then the command for each complete run that lacks a required table. */
export function tables(ports: Ports, options: StepOptions = {}): Step {
  return withDryRun(ports, options, (on) => makeTables(on, options));
}

async function* makeTables(ports: Ports, options: StepOptions): Step {
  const { command } = ports.settings.tables;
  const required = allRequired(ports.settings.tables);
  const [typed] = await ports.store.count(views.kinds, 0, { prefix: ['table', 'RUN'] });
  if (command === undefined && !typed?.value && !ports.ratdb) return;
  const runs = await unfinishedRuns(ports);
  const away = yield* masks(ports, runs);
  if (away && ports.ratdb) return yield tablesAwayItem(ports.ratdb, away, runs.size);
  yield* sweep(ports);
  if (command === undefined || required.length === 0) return;
  const found = await revisionsNow(ports, required, [...runs.keys()]);
  if (isAway(found)) return;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  for (const doc of runs.values()) {
    if (!Object.values(doc.levels).some((level) => level.complete)) continue;
    const needed = requiredTables(ports.settings.tables, runTypes(ports, doc.mask));
    const missing = needed.filter((name) => found.get(doc.run)?.[name] === undefined);
    if (missing.length === 0) continue;
    if (left-- <= 0) return;
    yield* firstPass(ports, doc, missing, command);
  }
}

/** Runs that are open or have no automatic passes yet, by run. */
async function unfinishedRuns(ports: Ports): Promise<Map<number, RunDoc>> {
  const states = ['open', 'todo'] as const;
  const rows = await together(...states.map((state) => ports.store.view(views.runs, { prefix: [state] })));
  const runs = new Set(rows.map(({ key }) => key[1]));
  const sorted = [...runs].sort((a, b) => a - b);
  const docs = await ports.store.get<RunDoc>(sorted.map(runId));
  return new Map(sorted.flatMap((run) => (docs.get(runId(run)) ? [[run, have(docs, runId(run))]] : [])));
}

/** A RUN table may have been loaded before its run was registered. */
async function* masks(
  ports: Ports,
  runs: ReadonlyMap<number, RunDoc>,
): AsyncGenerator<Item, TablesAway | undefined, void> {
  const asked = [...runs.values()].filter((doc) => doc.mask === undefined || ports.ratdb).map((doc) => doc.run);
  for (const some of batches(asked, BATCH)) {
    const found = await statesNow(ports, some);
    if (isAway(found)) return found;
    yield* setMasks(ports, newMasks(found));
  }
  return undefined;
}

async function* firstPass(ports: Ports, doc: RunDoc, missing: readonly string[], command: string): Step {
  const { run } = doc;
  const files = await filesOf(ports, doc);
  if (files.length === 0) return;
  const text = `${missing.join(', ')}: ${command}`;
  const claim = await claimRun(ports, run);
  if (!claim) return;
  if (ports.dry) return yield { kind: 'run', ref: String(run), did: 'tabled', run, text };
  const cwd = ports.settings.folder;
  // Latin-1: one character for each byte, which may not be UTF-8.
  const env = { DFLOW_RUN: String(run) };
  const result = await ports.processes.shell(command, files, { cwd, env, timeout: LIMIT, encoding: 'latin1' });
  let failure = result.failure === undefined ? undefined : failureText(result);
  if (failure === undefined) {
    for await (const item of loadTables(ports, [
      { name: `tables.command for ${run}`, text: Buffer.from(result.stdout, 'latin1') },
    ])) {
      if (item.failed) failure ??= item.text;
      else yield item;
    }
    const now = await revisionsNow(ports, missing, [run]);
    const still = isAway(now) ? [] : missing.filter((name) => now.get(run)?.[name] === undefined);
    if (isAway(now)) failure ??= now.text;
    if (still.length > 0) failure ??= `it printed no ${still.join(', ')} table for run ${run}`;
  }
  yield* settle(ports, claim, failure, command);
}

/** The run's files where a command on this host can read them: the buffer, in order of level and subrun. */
async function filesOf(ports: Ports, doc: RunDoc): Promise<string[]> {
  const levels = Object.keys(doc.levels).sort();
  const found = await ports.store.get<DataDoc>(levels.map((level) => dataId(level, doc.run)));
  const paths: string[] = [];
  for (const level of levels) {
    if (!ports.settings.buffers.some((buffer) => buffer.level === level)) continue;
    const buffer = await ports.buffer(level);
    for (const file of found.get(dataId(level, doc.run))?.files ?? []) {
      const path = file.original.state === 'present' ? buffer.localPath(file.path) : undefined;
      if (path !== undefined) paths.push(path);
    }
  }
  return paths;
}

/** A try is under way, or waits; neither for more than a day. */
const isStanding = ({ until }: FirstPassDoc, now: Iso): boolean => until > now && !isAhead(until, plus(now, DAY));

/** One host at a time, and not before the next try is due. */
async function claimRun(ports: Ports, run: number): Promise<FirstPassDoc | undefined> {
  const id = firstPassId(run);
  const now = await ports.store.now();
  const nonce = ports.nonce();
  const claimed = (doc: FirstPassDoc | undefined): FirstPassDoc => ({
    ...doc,
    _id: id,
    kind: 'firstpass',
    v: SCHEMA,
    run,
    state: 'running',
    nonce,
    tries: (doc?.tries ?? 0) + 1,
    until: plus(now, LIMIT + MINUTE),
  });
  const standing = (await ports.store.get<FirstPassDoc>([id])).get(id);
  if (standing && isStanding(standing, now)) return undefined;
  const outcome = await ports.store.update<FirstPassDoc>(id, (doc) =>
    doc && isStanding(doc, now) ? { skip: `${doc.state} until ${doc.until}` } : { write: claimed(doc) },
  );
  return tookEffect(outcome) ? claimed(standing) : undefined;
}

/** Ends a claim: forgotten when the tables are there, else kept with the cause and a wait that doubles, to a day. */
async function* settle(ports: Ports, claim: FirstPassDoc, failure: string | undefined, command: string): Step {
  const now = await ports.store.now();
  const outcome = await ports.store.update<FirstPassDoc>(claim._id, (doc) => {
    if (doc?.nonce !== claim.nonce) return { skip: 'another has taken it over' };
    if (failure === undefined) return { remove: true };
    const wait = Math.min(DAY, MINUTE * 2 ** Math.min(doc.tries, 12));
    return { write: { ...doc, state: 'failed', why: failure, until: plus(now, wait) } };
  });
  if (failure === undefined) return;
  const next = outcome.doc ? `; next try after ${outcome.doc.until}` : '';
  const item: Item = {
    kind: 'run',
    ref: String(claim.run),
    did: 'failed',
    failed: true,
    run: claim.run,
    text: `${failure}${next}`,
  };
  yield { ...item, next: `run by hand: DFLOW_RUN=${claim.run} ${command}` };
}

function failureText(result: ExecResult): string {
  const last = Buffer.from(result.stderr, 'latin1').toString().trimEnd().split('\n').at(-1);
  return `tables.command: ${result.failure}${last ? `: ${last}` : ''}`;
}
