// Making what a request has planned: which runs are ready, the request's document, and its passes.

import { SCHEMA } from '../../../domain/doc.ts';
import { jobId, refOf, requestId } from '../../../domain/ids.ts';
import { firstUnmet, type RunFacts, runGates } from '../../../domain/jobs/readiness.ts';
import type { PlanItem, RequestDoc } from '../../../domain/jobs/request.ts';
import { type ModuleFile, withoutTables } from '../../../domain/modules/modules.ts';
import { waitsForTables } from '../../../domain/tables/tablegates.ts';
import { tookEffect } from '../../../store.ts';
import { ahead, collected } from '../../../util/concurrency.ts';
import { given } from '../../../util/values/given.ts';
import { batches, groupBy } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import { runFacts } from '../../jobs/facts.ts';
import { makePasses, type Wanted } from '../../jobs/passes.ts';
import type { Item, Ports, Step } from '../../ports.ts';
import { Progress } from '../../progress.ts';
import { changePlan, cutPlan, removeParts } from './parts.ts';
import { renumber } from './plan.ts';
import type { Asked } from './same.ts';

/** Runs whose passes are made together: bounds memory. */
const BATCH = 1000;

/** Adds runs to the request that have become ready since its first call. */
export async function extend({ store }: Ports, old: RequestDoc, plan: readonly PlanItem[]): Promise<RequestDoc> {
  if (plan.length === 0) return old;
  const keyOf = ({ run, module }: PlanItem): string => `${run}/${module}`;
  return changePlan(store, old, (whole) => {
    const known = new Set(whole.plan.map(keyOf));
    const fresh = plan.filter((item) => !known.has(keyOf(item)));
    const { made: _, ...open } = whole;
    return fresh.length === 0 ? undefined : { ...open, plan: [...whole.plan, ...fresh] };
  });
}

/**
 * Gates that hold back automatic passes only: a request names its modules, and may take sampled-out and short runs. Of the
 * first pass it needs the tables.
 */
const DECIDED: ReadonlySet<string> = new Set(['module', 'keep', 'short', 'first-pass']);

export async function readyRuns(
  ports: Ports,
  options: { readonly runs: readonly number[]; readonly modules: readonly string[]; readonly tag?: string },
  file: ModuleFile,
  level: string,
): Promise<{ ready: RunFacts[]; items: Item[] }> {
  const facts = await runFacts(ports, options.runs, level, file.version, options.tag);
  const ready: RunFacts[] = [];
  const free = withoutTables(file, options.modules).length === options.modules.length;
  const items: Item[] = [];
  for (const run of options.runs) {
    const found = have(facts, run);
    const gates = runGates(found).filter(({ gate }) => !DECIDED.has(gate));
    const unmet = free && waitsForTables(gates) ? undefined : firstUnmet(gates);
    if (!unmet) ready.push(found);
    else
      items.push({
        kind: 'run',
        ref: refOf(run),
        did: 'not-ready',
        failed: true,
        gate: unmet.gate,
        text: unmet.text,
        ...(unmet.next ? { next: unmet.next } : {}),
      });
  }
  return { ready, items };
}

/**
 * Makes the jobs of a plan that do not exist yet, then marks the request as made. `exactly`: makes only these passes, with
 * these numbers; without it, passes whose numbers others took get new numbers.
 */
export async function* makePlan(
  ports: Ports,
  written: RequestDoc,
  file: ModuleFile,
  exactly?: ReadonlySet<string>,
): Step {
  const request = exactly ? only(written, exactly) : await renumber(ports, written);
  const { level, tag } = request;
  const byRun = groupBy(request.plan, ({ run }) => run);
  const make = async (runs: readonly number[]): Promise<Item[]> => {
    const facts = await runFacts(ports, runs, level, file.version, tag);
    const wanted = [...facts.values()].flatMap((found) => wantedOf(request, have(byRun, found.run), found, file));
    return collected(makePasses(ports, wanted, { why: `request ${request.name}` }));
  };
  let failed = false;
  const told = new Progress(ports);
  told.due(request.plan.length);
  for await (const items of ahead(batches([...byRun.keys()], BATCH), make)) {
    failed ||= items.some((item) => item.failed);
    yield* items;
    told.done(items.length);
  }
  if (failed || request.made !== undefined || request.plan.length < written.plan.length) return;
  const at = await ports.store.now();
  await ports.store.update<RequestDoc>(request._id, (doc) =>
    !doc || doc.made ? { skip: 'made' } : { write: { ...doc, made: at } },
  );
}

/** What the plan has of one run. */
function wantedOf(request: RequestDoc, plan: readonly PlanItem[], facts: RunFacts, file: ModuleFile): Wanted[] {
  const { name, priority, labels, tag } = request;
  return plan.flatMap(({ module: asked, pass, needs }) => {
    const module = file.modules[asked];
    return module ? { facts, file, module, pass, needs, request: name, priority, labels, ...given({ tag }) } : [];
  });
}

function only(request: RequestDoc, exactly: ReadonlySet<string>): RequestDoc {
  const plan = request.plan.filter(({ run, module, pass }) => exactly.has(jobId(run, module, pass)));
  return { ...request, plan };
}

/** A request as its first call plans it. */
export async function newRequest(
  ports: Ports,
  asked: Asked & Pick<RequestDoc, 'name' | 'plan' | 'estimate'>,
  why?: string,
): Promise<RequestDoc> {
  const { by } = ports;
  const created = await ports.store.now();
  const history = [{ at: created, to: 'planned', by, ...given({ why }) }];
  return { _id: requestId(asked.name), kind: 'request', v: SCHEMA, ...asked, by, created, history };
}

/** Writes a new request; false when another call wrote it first. */
export async function writeRequest(ports: Ports, doc: RequestDoc): Promise<boolean> {
  const stored = await cutPlan(ports.store, doc);
  const outcome = await ports.store.update<RequestDoc>(doc._id, (there) =>
    there ? { skip: 'exists' } : { write: stored },
  );
  if (tookEffect(outcome)) return true;
  await removeParts(ports.store, stored, outcome.doc);
  return false;
}
