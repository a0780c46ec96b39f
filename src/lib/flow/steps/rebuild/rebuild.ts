// store rebuild: makes the documents of a lost store again from files at the storage elements, originals on the buffers and
// result records of farms. It only adds to the store, so it may be repeated.
import { isDeepStrictEqual } from 'node:util';
import type { DataDoc } from '../../../domain/data/data.ts';
import { asA, type Doc } from '../../../domain/doc.ts';
import { parseRunHeader } from '../../../domain/formats/zdab.ts';
import { type HoldDoc, inForce } from '../../../domain/hold.ts';
import { dataId, holdId, JOB, runId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { nameOf, type RebuiltPass } from '../../../domain/rebuilt/passes.ts';
import type { Left } from '../../../domain/rebuilt/rawfiles.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { type Change, idsWith, type Outcome, spansOfRuns, tookEffect } from '../../../store.ts';
import { collected, mapLimit } from '../../../util/concurrency.ts';
import { ItemError, UsageError } from '../../../util/errors.ts';
import { counted } from '../../../util/text/counted.ts';
import { batches, groupBy } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import { withDryRun } from '../../dry.ts';
import { archivedOf, archivedWords } from '../../jobs/archived/archived.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { pause } from '../../switches/holds.ts';
import { holdAfterCalibration } from '../../switches/mask.ts';
import { register } from '../register/register.ts';
import { dataWith, foundByRun, passesOf, type RunFound, refOfRun, runText, runWith, type Who } from './decide.ts';
import { AGAIN, atWork } from './farms.ts';
import { type Gathered, gather } from './gather.ts';

export interface RebuildOptions extends StepOptions {
  /** Name of the experiment: allows adding to a store that already has runs or passes. */
  readonly force?: string;
}

const SLUG = 'rebuilt';
/** Runs read and written together. */
const BATCH = 200;

/**
 * @throws UsageError the store has runs or passes, and nobody has forced it
 * @throws UnreachableError an element cannot be listed; nothing is changed
 */
export function rebuild(ports: Ports, options: RebuildOptions = {}): Step {
  return withDryRun(ports, options, (on) => rebuildAll(on, options.force));
}

async function* rebuildAll(ports: Ports, force: string | undefined): Step {
  await requireEmpty(ports, force);
  const at = await ports.store.now();
  const gathered = await gather(ports);
  yield* gathered.items;
  for await (const item of pauseFarms(ports)) yield { ...item, next: AFTER };
  const who = { at, by: ports.by, host: ports.host };
  const count = { documents: 0, runs: 0, passes: 0 };
  for (const some of batches(foundByRun(gathered, ports.settings, at), BATCH)) {
    for (const run of await rebuildRuns(ports, some, gathered, who)) {
      count.documents += run.documents;
      count.runs += run.documents > 0 ? 1 : 0;
      count.passes += run.passes;
      yield* run.items;
    }
  }
  // Register adds files that are only on the buffers and run types, and decides which runs are complete.
  yield* register(ports, { levels: gathered.levels });
  let left = false;
  for await (const item of atWork(ports)) {
    left = true;
    yield item;
  }
  yield await summary(ports, gathered, count, left ? AGAIN : AFTER);
}

const AFTER = `dflow verify; then: dflow resume ${holdId(SLUG)} --why TEXT`;

/** Jobs of the lost store may still run, and passes that left no trace would be submitted again. */
function pauseFarms(ports: Ports): Step {
  const why = 'the store was rebuilt from storage; jobs of the lost store may still run';
  return pause(ports, { what: 'pause', scope: { sites: ['*'] }, why, slug: SLUG });
}

/** A rebuild that was stopped goes on: its hold is in force. */
async function requireEmpty({ store, settings }: Ports, force: string | undefined): Promise<void> {
  const { experiment } = settings;
  if (force === experiment) return;
  if (force !== undefined)
    throw new UsageError(`--force takes the name of the experiment, '${experiment}', not '${force}'`);
  const [hold] = (await store.get<HoldDoc>([holdId(SLUG)])).values();
  if (hold && inForce(hold, await store.now())) return;
  const found = await Promise.all(['run:', JOB].map((prefix) => store.range<Doc>({ ...idsWith(prefix), limit: 1 })));
  if (found.flat().length === 0) return;
  const { where, documents } = await store.info();
  throw new UsageError(
    `the store has runs or passes (${counted(documents, 'document')}), and only a new one is rebuilt`,
    {
      where,
      hint: `what is missing in it is added by: dflow store rebuild --force ${experiment}`,
    },
  );
}

interface Rebuilt {
  readonly documents: number;
  readonly passes: number;
  readonly items: readonly Item[];
}

async function rebuildRuns(
  ports: Ports,
  found: readonly RunFound[],
  { records }: Gathered,
  who: Who,
): Promise<Rebuilt[]> {
  const { docs, jobs, archived } = await readKnown(ports, found);
  const decided = await mapLimit(
    found.filter(({ run }) => !archived.has(run)),
    ports.settings.transfer.parallel,
    async (one) => decide(ports, one, { docs, jobs: jobs.get(one.run) ?? [], records }, who),
  );
  // The holds first, for every calibration run: which holds a person had ended is lost.
  const typed = decided.flatMap(({ found: { run }, mask }) =>
    mask === undefined || docs.has(runId(run)) ? [] : { run, mask },
  );
  const holds = groupBy(await collected(holdAfterCalibration(ports, typed)), (hold) => 'run' in hold && hold.run);
  const outcomes = await ports.store.bulk<Doc>(decided.flatMap(({ changes }) => changes));
  const results = new Map<number, Rebuilt>();
  for (const one of decided) {
    const { run } = one.found;
    const { documents, passes, items } = rebuiltRun(one, outcomes.splice(0, one.changes.length));
    results.set(run, { documents, passes, items: [...(holds.get(run) ?? []), ...items] });
  }
  return found.map((one) => {
    const gone = archived.get(one.run);
    if (!gone) return have(results, one.run);
    const item = { kind: 'run', ref: refOfRun(one), run: one.run, did: 'skipped', ...archivedWords(gone) } as const;
    return { documents: 0, passes: 0, items: [item] };
  });
}

/** What the store has of these runs. */
async function readKnown({ store, settings }: Ports, found: readonly RunFound[]) {
  const runs = found.map(({ run }) => run);
  const ids = found.flatMap(({ run, levels }) => {
    const names = new Set([...levels.keys(), settings.automatic.level]);
    return [runId(run), ...[...names].map((level) => dataId(level, run))];
  });
  const [docs, jobs, archived] = await Promise.all([
    store.get<Doc>(ids),
    store.ranges<JobDoc>(spansOfRuns(JOB, runs)),
    archivedOf(store, runs),
  ]);
  return { docs, jobs: groupBy(jobs, ({ run }) => run), archived };
}

interface Known {
  readonly docs: ReadonlyMap<string, Doc>;
  /** Passes of the run. */
  readonly jobs: readonly JobDoc[];
  readonly records: Gathered['records'];
}

/** A run and what is to be written of it. */
interface Decided {
  readonly found: RunFound;
  readonly mask: number | undefined;
  readonly passes: readonly RebuiltPass[];
  readonly changes: readonly Change[];
}

async function decide(ports: Ports, found: RunFound, { docs, jobs, records }: Known, who: Who): Promise<Decided> {
  const { settings } = ports;
  const mask = asA<RunDoc>(docs.get(runId(found.run)), 'run')?.mask ?? (await maskOf(ports, found));
  const known = asA<DataDoc>(docs.get(dataId(settings.automatic.level, found.run)), 'data');
  const data = dataWith(known, found, settings.automatic.level, settings, who) ?? known;
  const mine = new Map(jobs.map((job) => [job._id, job]));
  const passes = passesOf(found, mine, data, records, settings, who);
  const changes = [
    ...[...found.levels.keys()].map((level) =>
      toChange<DataDoc>(dataId(level, found.run), (doc) => dataWith(doc, found, level, settings, who)),
    ),
    toChange<RunDoc>(runId(found.run), (doc) => runWith(doc, found, mask, who)),
    ...passes.map(({ job }) => passChange(job, mine.get(job._id))),
  ];
  return { found, mask, passes, changes };
}

function rebuiltRun({ found, mask, passes }: Decided, outcomes: readonly Outcome[]): Rebuilt {
  const written = outcomes.filter(tookEffect);
  const failed = outcomes.filter((one) => !tookEffect(one) && one.why !== KNOWN);
  const base = { kind: 'run', ref: refOfRun(found), run: found.run } as const;
  const left = [...found.levels].flatMap(([level, files]) => files.left.map((one) => leftItem(found, level, one)));
  const lost = failed.map((one): Item => {
    return {
      ...base,
      did: 'lost',
      failed: true,
      text: `${one.id}: ${one.why ?? one.result}`,
      next: 'dflow store rebuild',
    };
  });
  const run: Item = { ...base, did: 'restored', documents: written.length, text: runText(found, mask) };
  const ids = new Set(written.map((one) => one.id));
  const made = passes.filter(({ job }) => ids.has(job._id));
  const items = [...(written.length > 0 ? [run] : []), ...made.map(passItem), ...left, ...lost];
  return { documents: written.length, passes: made.length, items };
}

const KNOWN = 'the store has it';

function toChange<D extends Doc>(id: string, next: (doc: D | undefined) => D | undefined): Change {
  return {
    id,
    change: (doc) => {
      const write = next(doc as D | undefined);
      return write ? { write } : { skip: KNOWN };
    },
  };
}

/** Writes the pass only if its document has not changed since the decision. */
function passChange(job: JobDoc, before: JobDoc | undefined): Change {
  const same = (doc: Doc | undefined): boolean => isDeepStrictEqual(doc, before);
  return { id: job._id, change: (doc) => (same(doc) ? { write: job } : { skip: 'it has changed meanwhile' }) };
}

function passItem({ job, evidence }: RebuiltPass): Item {
  const { run, module, pass, version, state, subjobs } = job;
  const outputs = subjobs.reduce(
    (sum, one) => sum + (one.state.name === 'completed' ? one.state.outputs.length : 0),
    0,
  );
  const about = { run, module, pass, version, state, subjobs: subjobs.length, outputs };
  return { kind: 'job', ref: nameOf(job), did: 'restored', ...about, text: `${state}: ${evidence}` };
}

function leftItem(found: RunFound, level: string, { did, text }: Left): Item {
  return { kind: 'file', ref: refOfRun(found), did, run: found.run, level, failed: true, text, next: 'dflow verify' };
}

/** Enough of a file to hold its run header. */
const HEADER_BYTES = 64 * 1024;

/** The type of the run by the header of a copy; originals on the buffer are read by register. */
async function maskOf({ settings, storage }: Ports, found: RunFound): Promise<number | undefined> {
  for (const { level, format } of settings.buffers) {
    if (format !== 'zdab') continue;
    for (const { replicas } of found.levels.get(level)?.files ?? []) {
      const [copy] = Object.entries(replicas).flatMap(([name, one]) =>
        one.state === 'verified' ? [[name, one.path] as const] : [],
      );
      if (!copy) continue;
      try {
        const element = await storage(copy[0]);
        const header = parseRunHeader(await element.read(copy[1], 0, HEADER_BYTES));
        if (header?.run === found.run && header.mask !== undefined) return header.mask;
      } catch (error) {
        if (!(error instanceof ItemError)) throw error;
      }
    }
  }
  return undefined;
}

async function summary(
  { store }: Ports,
  { mute }: Gathered,
  { documents, runs, passes }: { readonly documents: number; readonly runs: number; readonly passes: number },
  next: string,
): Promise<Item> {
  const { where } = await store.identity();
  const silent = mute > 0 ? `; result records of failed jobs, which name no pass: ${mute}` : '';
  const lacks = `not known any more: requests and assumed versions of passes, passes without outputs, tables, tags, holds, notes${silent}`;
  const text = `${counted(runs, 'run')} and ${counted(passes, 'pass', 'passes')} rebuilt; ${lacks}`;
  return { kind: 'store', ref: where, did: 'restored', documents, text, next };
}
