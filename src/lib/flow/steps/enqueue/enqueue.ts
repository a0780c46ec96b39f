// enqueue: for runs that are complete and have their tables, the jobs that the run type asks for, linked by their
// prerequisites, in state waiting. Several enqueuers at once make no duplicates: the ids are deterministic and creating
// is compare-and-swap. Nothing here talks to a batch system.

import { MAX_RUN, refOf, runId } from '../../../domain/ids.ts';
import { firstUnmet, type Gate, type RunFacts, runGates } from '../../../domain/jobs/readiness.ts';
import { badOf } from '../../../domain/modules/badmodules.ts';
import { type ModuleFile, moduleOf, modulesFor, withoutTables } from '../../../domain/modules/modules.ts';
import { noSuchError } from '../../../domain/named.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { waitsForTables } from '../../../domain/tables/tablegates.ts';
import { ahead, collected } from '../../../util/concurrency.ts';
import { given } from '../../../util/values/given.ts';
import { batches } from '../../../util/values/group.ts';
import { views } from '../../../views/index.ts';
import { withDryRun } from '../../dry.ts';
import { badModules } from '../../jobs/badmodules.ts';
import { runFacts } from '../../jobs/facts.ts';
import { makePasses, type Wanted } from '../../jobs/passes.ts';
import { tablesAwayItem } from '../../jobs/tables/source.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';

export interface EnqueueOptions extends StepOptions {
  /** Only these runs, named when they are not ready; default: all that are due. */
  readonly runs?: readonly number[];
}

/** Runs decided on together: bounds memory and what a kill can lose. */
const BATCH = 1000;

/** Makes the automatic passes that are due. */
export function enqueue(ports: Ports, options: EnqueueOptions = {}): Step {
  return withDryRun(ports, options, (on) => enqueueDue(on, options));
}

async function* enqueueDue(ports: Ports, options: EnqueueOptions): Step {
  yield* badModules(ports);
  const file = automaticModules(ports);
  if (!file) return;
  const runs = options.runs ?? (await dueRuns(ports, options.limit));
  // One batch is read and decided while the one before is written: their runs have nothing to do with each other.
  const make = async (some: readonly number[]): Promise<Item[]> => {
    const facts = await runFacts(ports, some, ports.settings.automatic.level, file.version);
    return collected(enqueueRuns(ports, facts, file, options));
  };
  for await (const items of ahead(batches(runs, BATCH), make)) yield* items;
}

/** The module file of the automatic version, if it can be used. Throws UsageError when the configured version has none. */
function automaticModules(ports: Ports): ModuleFile | undefined {
  const { automatic, modules } = ports.settings;
  if (automatic.version === undefined || badOf(ports.settings, automatic.version)) return undefined;
  const file = modules[automatic.version];
  if (file) return file;
  throw noSuchError('version', automatic.version, Object.keys(modules), { where: ports.settings.file });
}

/** Runs in the view that automatic passes are still to be made for, lowest first. */
async function dueRuns(ports: Ports, limit: number | undefined): Promise<number[]> {
  const { from, until = MAX_RUN } = ports.settings.automatic;
  const bound = given({ limit });
  const rows = await ports.store.view(views.runs, { start: ['todo', from], end: ['todo', until], ...bound });
  return rows.map(({ key }) => key[1]);
}

async function* enqueueRuns(
  ports: Ports,
  facts: ReadonlyMap<number, RunFacts>,
  file: ModuleFile,
  options: EnqueueOptions,
): Step {
  const ready: RunFacts[] = [];
  const early: Wanted[] = [];
  const leftOut = new Map<RunFacts, string>();
  for (const [run, found] of facts) {
    const gates = runGates(found);
    const unmet = firstUnmet(gates);
    if (waitsForTables(gates))
      early.push(...plannedPasses(found, file, withoutTables(file, modulesFor(file, found.types))));
    if (!unmet) {
      if (!found.doc?.automatic?.[file.version]) ready.push(found);
    } else if (options.runs) yield notReady(run, unmet);
    else if (unmet.gate === 'keep' || unmet.gate === 'short') {
      leftOut.set(found, unmet.gate);
      yield { kind: 'run', ref: refOf(run), did: 'left-out', text: unmet.text };
    }
  }
  const wanted = [...early, ...ready.flatMap((found) => plannedPasses(found, file, modulesFor(file, found.types)))];
  const incomplete = new Set<number | undefined>();
  for await (const item of makePasses(ports, wanted, { why: 'automatic' })) {
    if (item.failed && item.kind === 'job') incomplete.add(item.run);
    yield item;
  }
  yield* awayItems(ports, facts);
  yield* emptyRuns(ready, file);
  const whole = ready.filter((found) => !incomplete.has(found.run));
  const modules = new Map(whole.map((found): [RunFacts, Made] => [found, { modules: modulesFor(file, found.types) }]));
  for (const [found, left] of leftOut) modules.set(found, { modules: [], left });
  await markRuns(ports, modules, file.version);
}

/** One item for all runs that wait for the database. */
function* awayItems({ ratdb }: Ports, facts: ReadonlyMap<number, RunFacts>): Generator<Item> {
  const waiting = [...facts.values()].filter(({ tablesAway }) => tablesAway);
  const away = waiting[0]?.tablesAway;
  if (away && ratdb) yield tablesAwayItem(ratdb, away, waiting.length);
}

function notReady(run: number, gate: Gate): Item {
  return {
    kind: 'run',
    ref: refOf(run),
    did: 'not-ready',
    failed: true,
    gate: gate.gate,
    text: gate.text,
    ...given({ next: gate.next }),
  };
}

function plannedPasses(facts: RunFacts, file: ModuleFile, names: readonly string[]): Wanted[] {
  return names.map((name) => ({
    facts,
    file,
    module: moduleOf(file, name),
    priority: 0,
    labels: [],
  }));
}

function* emptyRuns(ready: readonly RunFacts[], file: ModuleFile): Generator<Item> {
  for (const facts of ready.filter((found) => modulesFor(file, found.types).length === 0)) {
    const types = facts.types.join('+') || 'unknown type';
    yield {
      kind: 'run',
      ref: refOf(facts.run),
      did: 'nothing-asked',
      text: `${types} asks for no module in ${file.version}`,
    };
  }
}

/** The modules of a run's automatic passes, or the gate that left it out. */
interface Made {
  readonly modules: readonly string[];
  readonly left?: string;
}

/** Records on the runs which automatic passes they have, so that no later round looks at them again. */
async function markRuns(ports: Ports, all: ReadonlyMap<RunFacts, Made>, version: string): Promise<void> {
  const at = await ports.store.now();
  await ports.store.bulk<RunDoc>(
    [...all].map(([{ run, doc: base }, made]) => ({
      id: runId(run),
      ...given({ base }),
      change: (doc) => {
        if (!doc || doc.automatic?.[version]) return { skip: 'already marked' };
        if (doc.mask !== base?.mask) return { skip: 'its type has changed since: it is looked at again' };
        return { write: { ...doc, automatic: { ...doc.automatic, [version]: { at, ...made } } } };
      },
    })),
  );
}
