// Switches of a farm: drain it before a downtime, unlock it when it will not come back. A drain is a hold like any other.
import type { FarmDoc } from '../../../domain/farms/farm.ts';
import { farmId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { tookEffect } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { withDryRun } from '../../dry.ts';
import { activeCount, farmSettings } from '../../farms/farm.ts';
import { putBackSelected } from '../../jobs/operate.ts';
import type { Ports, Step, StepOptions } from '../../ports.ts';
import { pause } from '../../switches/holds.ts';
import { monitor } from '../monitor/monitor.ts';
import { abandon } from '../reset/reset.ts';

export interface DrainOptions extends StepOptions {
  readonly why: string;
  readonly until?: Iso;
  /** Stay until nothing of it is active any more. */
  readonly wait?: boolean;
  /** Stop what it runs, and put it back to waiting. */
  readonly evict?: boolean;
}

/** Milliseconds between two looks while waiting for a farm to be empty. */
const LOOK = 5_000;

/** Nothing more is submitted at the sites; what they run ends there, or is evicted. */
export function drain(ports: Ports, sites: readonly string[], options: DrainOptions): Step {
  return withDryRun(ports, options, (on) => drainFarms(on, sites, options));
}

/** Every farm is closed before one of them is emptied: what one gives back must not go to the next. */
async function* drainFarms(ports: Ports, sites: readonly string[], options: DrainOptions): Step {
  const names = sites.map((site) => farmSettings(ports, site).name);
  for (const name of names) yield* close(ports, name, options);
  if (options.evict) for (const name of names) yield* evict(ports, name, options.why);
  if (options.wait && !ports.dry) for (const name of names) yield* untilEmpty(ports, name);
}

function close(ports: Ports, name: string, { why, until }: DrainOptions): Step {
  const hold = {
    what: 'drain',
    scope: { sites: [name] },
    why,
    slug: `drain-${name}`,
    ...(until ? { until } : {}),
  } as const;
  return pause(ports, hold);
}

async function* untilEmpty(ports: Ports, name: string): Step {
  for (;;) {
    yield* monitor(ports, { site: name });
    const active = await activeCount(ports, name);
    if (active === 0) break;
    await ports.sleep(LOOK);
  }
  yield { kind: 'farm', ref: name, did: 'empty', text: 'no job of the farm is active' };
}

async function* evict(ports: Ports, site: string, why: string): Step {
  const rows = await ports.store.view(views.active, { prefix: [site] });
  const jobs = await ports.store.get<JobDoc>([...new Set(rows.map((row) => row.id))]);
  const here = new Map([...jobs.values()].map((job) => [job._id, subjobsAt(job, site)]));
  yield* putBackSelected(ports, [...jobs.values()], { why: `evicted: ${why}`, subjobs: here });
}

function subjobsAt(job: JobDoc, site: string): number[] {
  return job.subjobs.flatMap(({ index, state }) => ('lock' in state && state.lock?.site === site ? [index] : []));
}

/**
 * Gives up everything that is locked to a site now, and forgets which batch system it had. Its jobs may run twice, here
 * and elsewhere; only the new attempts count.
 */
export function unlock(ports: Ports, site: string, why: string, options: StepOptions = {}): Step {
  return withDryRun(ports, options, (on) => unlockFarm(on, site, why));
}

async function* unlockFarm(ports: Ports, site: string, why: string): Step {
  const id = farmId(site);
  const farm = (await ports.store.get<FarmDoc>([id])).get(id);
  if (!farm) {
    yield {
      kind: 'farm',
      ref: site,
      did: 'unknown',
      failed: true,
      text: 'the farm has never answered',
      next: 'dflow list farms',
    };
    return;
  }
  const identity = { cluster: '', user: '' };
  const outcome = await ports.store.update<FarmDoc>(id, (doc) =>
    doc ? { write: { ...doc, epoch: doc.epoch + 1, identity } } : { skip: 'gone' },
  );
  if (!tookEffect(outcome) || !outcome.doc) return;
  yield { kind: 'farm', ref: site, did: 'unlocked', text: why };
  yield* abandon(ports, site, outcome.doc.epoch, `${site} was unlocked: ${why}`);
}
