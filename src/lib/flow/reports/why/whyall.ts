// why --all: everything that does not go on by itself, one row per reason, the biggest first: a night may fail thousands
// for one cause. Counts come from views; one document of each group is read, as its example.

import type { Doc } from '../../../domain/doc.ts';
import { asA, isA } from '../../../domain/doc.ts';
import type { FarmDoc } from '../../../domain/farms/farm.ts';
import { drainOf, endText, type HoldDoc } from '../../../domain/hold.ts';
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { firstUnmet, runGates } from '../../../domain/jobs/readiness.ts';
import { idsWith } from '../../../store.ts';
import { humanDuration } from '../../../util/time.ts';
import { have } from '../../../util/values/have.ts';
import { views } from '../../../views/index.ts';
import { SHARES } from '../../../views/jobs.ts';
import { runFacts } from '../../jobs/facts.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from '../look/row.ts';
import { status } from '../status/status.ts';

/** Why things stand still. */
export interface ReasonRow extends Row<'reason'> {
  readonly gate: string;
  /** How many stand still for it. */
  readonly count: number;
  readonly unit?: 'subjobs' | 'runs';
  readonly text: string;
  readonly next: string;
}

/** What failed for good, is held until a person acts, or is tried again by itself: the third part of a cause's key. */
type How = 'failed' | 'held' | 'cooling';

/** A reason: `count` things (`subjobs`, `runs`) stand still for it. */
interface Reason {
  readonly what: How | 'drained' | 'unsatisfied' | 'waiting' | 'run';
  readonly count: number;
  readonly unit: 'subjobs' | 'runs';
  readonly text: string;
  /** REF or id of one of them. */
  readonly example?: string;
  readonly next: string;
}

/** Every reason, the biggest first. */
export async function* whyAll(ports: ReadPorts): Rows<ReasonRow> {
  const holds = await activeHolds(ports.store, await ports.store.now());
  const reasons = [
    ...(await failures(ports)),
    ...(await drains(ports, holds)),
    ...(await sleepers(ports)),
    ...(await runs(ports)),
  ];
  for (const reason of reasons.sort((a, b) => b.count - a.count)) yield rowOf(reason);
  const said = new Set(reasons.map(({ next }) => next));
  for (const { way, text, next } of (await status(ports)).needYou) {
    if (!COUNTED.has(way) && !said.has(next)) yield { kind: 'reason', ref: '-', gate: way, count: 1, text, next };
  }
}

/** What stands among the reasons already, with its counts. */
const COUNTED: ReadonlySet<string> = new Set(['failed', 'held', 'unsatisfied', 'todo', 'blocked']);

function rowOf({ what, count, unit, text, example, next }: Reason): ReasonRow {
  return { kind: 'reason', ref: example ?? '-', gate: what, count, unit, text, next };
}

/** Subjobs that failed, by cause and by what becomes of them, over all sites. */
interface Failed {
  readonly cause: string;
  readonly how: How;
  readonly count: number;
  readonly sites: readonly string[];
}

async function failures(ports: ReadPorts): Promise<Reason[]> {
  const groups = new Map<string, Failed>();
  for (const { key, value } of await ports.store.count(views.causes, 3)) {
    const [cause, site, how] = key;
    const old = groups.get(`${how} ${cause}`) ?? { count: 0, sites: [] };
    groups.set(`${how} ${cause}`, { cause, how, count: old.count + value, sites: [...old.sites, site] });
  }
  return Promise.all([...groups.values()].map((group) => failureOf(ports, group)));
}

/** What is to be known of it besides the cause. */
const HOW: Readonly<Record<How, string>> = { failed: '', held: 'until a person acts', cooling: 'tried again later' };

async function failureOf(ports: ReadPorts, { cause, how, count, sites }: Failed): Promise<Reason> {
  const [row] = await ports.store.view(views.causes, { prefix: [cause, sites[0] ?? '', how], limit: 1 });
  const job = row && (await ports.store.get<JobDoc>([row.id])).get(row.id);
  const failures = (job?.subjobs ?? []).map(({ state }) => ('failure' in state ? state.failure : undefined));
  const reason = failures.find((failure) => failure?.cause === cause)?.reason;
  const where = sites.length === 1 ? `all at ${sites[0]}` : `at ${sites.join(', ')}`;
  const text = `${[cause, where, HOW[how]].filter((words) => words !== '').join(', ')}${reason ? `: ${reason}` : ''}`;
  return { what: how, count, unit: 'subjobs', text, ...exampleOf(job), next: `dflow retry --cause ${cause}` };
}

/**
 * Farms that take nothing, whoever may be ready: submit ends there before it looks at a single job, so no job waits for
 * the hold and none would tell. Counted is what is ready, since that is what another farm must do or nobody does.
 */
async function drains({ store, settings }: ReadPorts, holds: readonly HoldDoc[]): Promise<Reason[]> {
  const seen = await store.range<FarmDoc>(idsWith('farm:'));
  const names = [...new Set([...settings.farms.map(({ name }) => name), ...seen.map(({ site }) => site)])];
  const shares = await Promise.all(SHARES.map((share) => store.count(views.ready, 2, { prefix: [share, 'run'] })));
  const count = shares.flat().reduce((sum, { value }) => sum + value, 0);
  return names.flatMap((name): Reason[] => {
    const hold = drainOf(holds, name);
    if (!hold) return [];
    const text = `${name} takes no jobs: ${hold.what}: ${hold.why} (${hold.by})${endText(hold)}`;
    return [{ what: 'drained', count, unit: 'subjobs', text, example: name, next: `dflow resume ${hold._id}` }];
  });
}

function exampleOf(job: JobDoc | undefined): { example?: string } {
  return job ? { example: refOf(job.run, job.module, job.pass) } : {};
}

/** Awaited documents read at most: beyond, the groups are as good as complete. */
const ENOUGH = 2_000;

/** Waiting subjobs by what they wait for; those whose prerequisite has ended without completing are unsatisfied. */
async function sleepers(ports: ReadPorts): Promise<Reason[]> {
  const awaited = (await ports.store.count(views.wake, 2, { prefix: ['on'] })).map(({ key, value }) => ({
    id: key[1],
    value,
  }));
  const docs = await ports.store.get(awaited.slice(0, ENOUGH).map(({ id }) => id));
  const now = await ports.store.now();
  const groups = new Map<string, { reason: Reason; first: string }>();
  for (const { id, value } of awaited) {
    const [key, reason] = sleeperGroup(id, docs.get(id), now);
    const old = groups.get(key);
    groups.set(key, { reason: { ...reason, count: (old?.reason.count ?? 0) + value }, first: old?.first ?? id });
  }
  return Promise.all([...groups.values()].map(({ reason, first }) => withExample(ports, reason, first)));
}

/** The group that waiting for a document belongs to, and its reason without count. */
function sleeperGroup(id: string, doc: Doc | undefined, now: string): [string, Reason] {
  const base = { count: 0, unit: 'subjobs' } as const;
  if (isA<HoldDoc>(doc, 'hold')) {
    const { what, why, since } = doc;
    const age = humanDuration(Date.parse(now) - Date.parse(since));
    const text = `${what}: ${why}, for ${age}${endText(doc)}`;
    return [id, { ...base, what: 'waiting', text, next: `dflow resume ${id}` }];
  }
  const job = asA<JobDoc>(doc, 'job');
  const state = job?.state;
  if (job && (state === 'failed' || state === 'partFail' || state === 'canceled' || state === 'deleted')) {
    const text = `a prerequisite (${job.module}) is ${state}`;
    return [text, { ...base, what: 'unsatisfied', text, next: `dflow retry ${refOf(job.run, job.module, job.pass)}` }];
  }
  const texts: Record<string, string> = {
    job: 'for a prerequisite that is not done yet',
    data: 'for inputs at a storage element that the farm reads',
    request: 'for another request',
    config: 'for a module that is not defined here',
    routed: 'for the farm that routing sends it to',
    installed: 'for a farm that has its version',
  };
  const kind = id.slice(0, id.indexOf(':'));
  const commands: Record<string, string> = {
    data: 'dflow transfer',
    routed: 'dflow list farms',
    installed: 'dflow list farms',
  };
  const next = commands[kind] ?? 'dflow status';
  return [kind, { ...base, what: 'waiting', text: texts[kind] ?? `for ${id}`, next }];
}

async function withExample(ports: ReadPorts, reason: Reason, awaited: string): Promise<Reason> {
  const [row] = await ports.store.view(views.wake, { key: ['on', awaited], limit: 1 });
  const job = row && (await ports.store.get<JobDoc>([row.id])).get(row.id);
  return { ...reason, ...exampleOf(job) };
}

/** Runs looked at. */
const RUNS = 1_000;

/** Runs without their automatic passes, by the first gate that is not met; numbers in the words do not count. */
async function runs(ports: ReadPorts): Promise<Reason[]> {
  const { automatic } = ports.settings;
  const numbers = new Set<number>();
  for (const state of ['todo', 'open'] as const) {
    const rows = await ports.store.view(views.runs, { prefix: [state], limit: RUNS });
    for (const { key } of rows) numbers.add(key[1]);
  }
  const due = [...numbers].filter((run) => run >= automatic.from);
  const facts = await runFacts(ports, due, automatic.level, automatic.version);
  const groups = new Map<string, Reason>();
  for (const run of due) {
    const unmet = firstUnmet(runGates(have(facts, run)));
    const text = unmet ? `${unmet.gate}: ${unmet.text}` : 'ready, not enqueued yet';
    const key = text.replace(/\d+/g, 'N');
    const count = (groups.get(key)?.count ?? 0) + 1;
    groups.set(
      key,
      groups.has(key)
        ? { ...have(groups, key), count }
        : { what: 'run', count, unit: 'runs', text, example: refOf(run), next: unmet?.next ?? 'dflow enqueue' },
    );
  }
  return [...groups.values()];
}
