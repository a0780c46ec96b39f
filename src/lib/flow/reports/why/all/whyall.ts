// why --all: everything that does not go on by itself, one row per reason, the biggest first: a night may fail thousands
// for one cause. What `status` counts is counted here: views and pages have no limit.
import type { FarmDoc } from '../../../../domain/farms/farm.ts';
import { drainOf, endText, type HoldDoc } from '../../../../domain/hold.ts';
import { idsWith } from '../../../../store.ts';
import { together } from '../../../../util/concurrency.ts';
import { activeHolds } from '../../../jobs/openholds.ts';
import type { ReadPorts } from '../../../ports.ts';
import type { Rows } from '../../look/row.ts';
import type { Attention } from '../../status/page.ts';
import { status } from '../../status/status.ts';
import { readyCount } from '../whyfarm.ts';
import { failureReasons } from './failures.ts';
import { type Reason, type ReasonRow, rowOf } from './reason.ts';
import { runReasons } from './runs.ts';
import { sleeperReasons } from './sleepers.ts';

/** Every reason, the biggest first. */
export async function* whyAll(ports: ReadPorts): Rows<ReasonRow> {
  const holds = await activeHolds(ports.store, await ports.store.now());
  const found = await together(
    failureReasons(ports),
    readyReasons(ports, holds),
    sleeperReasons(ports),
    runReasons(ports),
  );
  const said = new Set(found.map(({ next }) => next));
  const { needYou } = await status(ports);
  const others = needYou.filter((one) => !isCounted(ports, one) && !(one.way === 'hold' && said.has(one.next)));
  yield* [...found.map(rowOf), ...others.map(attentionRow)].toSorted((a, b) => b.count - a.count);
}

/** What stands among the reasons already, with its counts. */
function isCounted({ settings }: ReadPorts, { way }: Attention): boolean {
  // A run may be blocked at a level that automatic processing does not read.
  if (way === 'blocked') return new Set(settings.buffers.map(({ level }) => level)).size === 1;
  return way === 'failed' || way === 'held' || way === 'unsatisfied' || way === 'todo' || way === 'module-gone';
}

/** A sentence of the status page. Its count is the number that it begins with. */
function attentionRow({ way, text, next }: Attention): ReasonRow {
  const count = Number(/^(?:at least )?(\d+) /.exec(text)?.[1] ?? 1);
  return { kind: 'reason', ref: '-', gate: way, count, text, next };
}

/**
 * What is ready. Farms that take nothing have a row each: submit ends there before it looks at a single job, so no job
 * waits for the hold and none would tell.
 */
async function readyReasons(ports: ReadPorts, holds: readonly HoldDoc[]): Promise<Reason[]> {
  const { store, settings } = ports;
  const seen = await store.range<FarmDoc>(idsWith('farm:'));
  const names = [...new Set([...settings.farms.map(({ name }) => name), ...seen.map(({ site }) => site)])];
  const count = await readyCount(ports);
  const drained = names.flatMap((name): Reason[] => {
    const hold = drainOf(holds, name);
    if (!hold) return [];
    const text = `${name} takes no jobs: ${hold.what}: ${hold.why} (${hold.by})${endText(hold)}`;
    return [{ what: 'drained', count, unit: 'subjobs', text, example: name, next: `dflow resume ${hold._id}` }];
  });
  if (count === 0 || drained.length === names.length) return drained;
  const farm = settings.farm ?? names[0];
  const text = 'ready: they wait for the next submit, or for places at the farm';
  const next = farm === undefined ? 'dflow submit' : `dflow why ${farm}`;
  return [...drained, { what: 'ready', count, unit: 'subjobs', text, next }];
}
