// The runs that a round has touched, and those still open: their documents, completion, late files, masks.
// Level-triggered: what an interrupted round has left undone is seen in the documents and done now.
import { isDeepStrictEqual } from 'node:util';
import { type DataDoc, withDone } from '../../../../domain/data/data.ts';
import { dataId, refOf, runId } from '../../../../domain/ids.ts';
import type { RunDoc } from '../../../../domain/runs/run.ts';
import { type Change, type Decision, tookEffect } from '../../../../store.ts';
import { views } from '../../../../views/index.ts';
import type { About, Item, Step } from '../../../ports.ts';
import { holdAfterCalibration, maskItem, withMask } from '../../../switches/mask.ts';
import { readHeader } from '../files/read.ts';
import { type Round, write } from '../round.ts';
import { type LevelRules, lateFiles, nextLevel, type Surroundings, withLevel } from './level.ts';
import { lastData, surroundings } from './surroundings.ts';

/** One run that is looked at in this round. */
interface Looked {
  readonly run: number;
  readonly doc: RunDoc | undefined;
  readonly data: DataDoc | undefined;
  readonly around: Surroundings;
}

/** Brings the documents of the runs up to date. */
export async function* settleRuns(round: Round): Step {
  const rules: LevelRules = {
    level: round.buffer.level,
    quiet: round.ports.settings.runs.quiet,
    now: round.now,
    by: round.ports.by,
    version: round.ports.settings.automatic.version,
    ...(round.buffer.format ? { format: round.buffer.format } : {}),
  };
  const looked = (await look(round)).filter((run) => needsWrite(run, rules));
  const masks = new Map<number, Mask>();
  for (const run of looked) {
    const mask = await maskFromHeader(round, run, rules);
    masks.set(run.run, mask);
  }
  const known = [...masks].flatMap(([run, mask]) => (typeof mask === 'number' ? [{ run, mask }] : []));
  // The holds first: a kill in between must not leave a calibration run that holds nothing.
  yield* holdAfterCalibration(round.ports, known);
  const outcomes = await write<RunDoc>(
    round,
    looked.map((run) => toChange(run, rules, masks.get(run.run))),
  );
  const written: Looked[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    const run = looked[index];
    if (!run) continue;
    if (outcome.doc) written.push({ ...run, doc: outcome.doc });
    if (tookEffect(outcome)) yield* outcome.doc ? runItems(round, run, outcome.doc) : forgotten(round, run);
    else if (outcome.result === 'lost' || outcome.result === 'frozen') yield unwritten(run, outcome.result);
  }
  await flagLate(round, written);
}

/** Reads the runs again that were written in this round, are on the buffer, or are open. */
async function look(round: Round): Promise<Looked[]> {
  const { store } = round.ports;
  const { level } = round.buffer;
  const [rows, last] = await Promise.all([store.view(views.runs, { prefix: ['open'] }), lastData(round)]);
  const open = rows.map(({ key }) => key[1]);
  const elsewhere = open.filter((run) => !round.known.data.has(run));
  const more = await store.get<DataDoc>(elsewhere.map((run) => dataId(level, run)));
  const data = new Map(round.known.data);
  for (const doc of more.values()) data.set(doc.run, doc);
  const around = surroundings(round, last, data, open);
  const docs = await store.get<RunDoc>([...around.keys()].map(runId));
  return [...around].map(([run, facts]) => ({ run, doc: docs.get(runId(run)), data: data.get(run), around: facts }));
}

/** False for the many runs of which everything is said already. */
function needsWrite(run: Looked, rules: LevelRules): boolean {
  const previous = run.doc?.levels[rules.level];
  if (!run.data && !previous && run.around.open.length === 0) return false;
  const unflagged = lateFiles(previous, run.data?.files ?? []).some((file) => !file.late);
  return unflagged || !('skip' in decide(run, run.doc, rules, undefined)) || wantsMask(run, rules);
}

/** `maskFrom` without a mask says that the raw files were read and have none. */
function wantsMask({ doc, data }: Looked, rules: LevelRules): boolean {
  return rules.format === 'zdab' && data !== undefined && doc?.mask === undefined && doc?.maskFrom === undefined;
}

type Mask = number | null | undefined;

function decide(run: Looked, doc: RunDoc | undefined, rules: LevelRules, mask: Mask): Decision<RunDoc> {
  const previous = doc?.levels[rules.level];
  const next = nextLevel(previous, run.data, run.around, rules);
  if (!next) return { skip: 'another register is ahead' };
  if (next.files === 0 && run.around.open.length === 0) return withoutLevel(doc, rules.level);
  const leveled = doc && isDeepStrictEqual(next, previous) ? doc : withLevel(doc, run.run, next, rules);
  const masked = leveled.mask === undefined && leveled.maskFrom === undefined ? typed(leveled, rules, mask) : leveled;
  return masked === doc ? { skip: 'nothing new' } : { write: masked };
}

/** Its only file was deleted or quarantined before it was closed: there is no such run, unless more is known of it. */
function withoutLevel(doc: RunDoc | undefined, level: string): Decision<RunDoc> {
  if (!doc?.levels[level]) return { skip: 'nothing to say' };
  const { [level]: _, ...levels } = doc.levels;
  const known = doc.mask !== undefined || doc.notes || doc.automatic || doc.labels;
  const empty = Object.keys(levels).length === 0 && !known;
  return empty ? { remove: true } : { write: { ...doc, levels } };
}

/** A header may still come with a file of an open run; that a complete one has none is written down once. */
function typed(doc: RunDoc, rules: LevelRules, mask: Mask): RunDoc {
  const from = `${rules.level} header`;
  if (typeof mask === 'number') return withMask(doc, mask, from, rules.now, rules.by, rules.version);
  return mask === null && doc.levels[rules.level]?.complete ? { ...doc, maskFrom: `no ${from}` } : doc;
}

function toChange(run: Looked, rules: LevelRules, mask: Mask): Change<RunDoc> {
  return {
    id: runId(run.run),
    ...(run.doc ? { base: run.doc } : {}),
    change: (doc) => decide(run, doc, rules, mask),
  };
}

/** The mask in the raw header of the first file; `null`: it has none; `undefined`: not to be known. */
async function maskFromHeader(round: Round, run: Looked, rules: LevelRules): Promise<Mask> {
  const first = run.data?.files.find((file) => file.original.state === 'present');
  if (!wantsMask(run, rules) || !first) return undefined;
  const known = round.known.masks.get(first.path);
  if (known !== undefined) return known;
  const header = await readHeader(round.storage, first.path, run.run);
  return header.ok ? (header.mask ?? null) : undefined;
}

function* runItems(round: Round, run: Looked, doc: RunDoc): Generator<Item> {
  const { level } = round.buffer;
  const before = run.doc?.levels[level];
  const now = doc.levels[level];
  const base: About<'run'> = { kind: 'run', ref: refOf(run.run), level, run: run.run };
  if (doc.mask !== undefined && run.doc?.mask === undefined) {
    yield maskItem(round.ports, { run: run.run, mask: doc.mask, from: doc.maskFrom ?? 'raw header' });
  }
  if (now?.complete && !before?.complete) {
    const { evidence, subruns } = now.complete;
    yield { ...base, did: 'completed', subruns: subruns.length, evidence, text: `${level} complete: ${evidence}` };
  }
  if (now?.blocked !== undefined && now.blocked !== before?.blocked) {
    yield { ...base, did: 'blocked', text: `${level}: ${now.blocked}`, next: `dflow why ${run.run}` };
  }
  const late = now?.late.slice(before?.late.length ?? 0) ?? [];
  if (late.length > 0) {
    yield {
      ...base,
      did: 'late',
      files: late,
      text: `${late.join(', ')} came after the run was complete`,
      next: `dflow why ${run.run}`,
    };
  }
}

function* forgotten(round: Round, { run }: Looked): Generator<Item> {
  const text = 'its only file is gone or in quarantine';
  yield { kind: 'run', ref: refOf(run), did: 'forgotten', level: round.buffer.level, run, text };
}

function unwritten(run: Looked, result: 'lost' | 'frozen'): Item {
  const text = `run ${run.run}: not written, its document is ${result === 'lost' ? 'too busy' : 'in conflict'}`;
  return {
    kind: 'run',
    ref: refOf(run.run),
    did: result,
    run: run.run,
    failed: true,
    text,
    next: `dflow show ${runId(run.run)}`,
  };
}

/** After the run's document: the flag says that the run knows of the late file. */
async function flagLate(round: Round, runs: readonly Looked[]): Promise<void> {
  const { level } = round.buffer;
  const changes = runs.flatMap(({ doc, data }): Change<DataDoc>[] => {
    const names = new Set(
      lateFiles(doc?.levels[level], data?.files ?? [])
        .filter((file) => !file.late)
        .map((file) => file.name),
    );
    if (!data || names.size === 0) return [];
    const change = (current: DataDoc | undefined): Decision<DataDoc> => {
      if (!current?.files.some((file) => names.has(file.name) && !file.late)) return { skip: 'flagged' };
      const files = current.files.map((file) => (names.has(file.name) ? { ...file, late: true } : file));
      return { write: withDone({ ...current, files }) };
    };
    return [{ id: data._id, base: data, change }];
  });
  await write(round, changes);
}
