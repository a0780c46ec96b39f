// why --all: everything that does not go on by itself, one row per reason, the biggest first: a night may fail thousands
// for one cause. Counts come from views; one document of each group is read, as its example.
import type { Doc } from '../../domain/doc.ts';
import type { HoldDoc } from '../../domain/hold.ts';
import { refOf } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/job.ts';
import { firstUnmet, runGates } from '../../domain/readiness.ts';
import { humanDuration } from '../../util/time.ts';
import { runFacts } from '../facts.ts';
import type { Row, Rows } from '../look.ts';
import type { Ports } from '../ports.ts';

/** A reason: `count` things (`subjobs`, `runs`) stand still for it. */
interface Reason {
  readonly what: 'failed' | 'unsatisfied' | 'waiting' | 'run';
  readonly count: number;
  readonly unit: 'subjobs' | 'runs';
  readonly text: string;
  /** REF or id of one of them. */
  readonly example?: string;
  readonly next: string;
}

/** Every reason, the biggest first. */
export async function* whyAll(ports: Ports): Rows {
  const reasons = [...(await failures(ports)), ...(await sleepers(ports)), ...(await runs(ports))];
  for (const reason of reasons.sort((a, b) => b.count - a.count)) yield rowOf(reason);
}

function rowOf({ what, count, unit, text, example, next }: Reason): Row {
  return { kind: 'reason', ref: example ?? '-', gate: what, count, unit, text, next };
}

const part = (key: unknown, at: number): string => (Array.isArray(key) ? String(key[at]) : '');

/** Failed and cooling subjobs by cause, over all sites. */
async function failures(ports: Ports): Promise<Reason[]> {
  const causes = new Map<string, { count: number; sites: string[] }>();
  for (const { key, value } of await ports.store.count('causes', 2)) {
    const old = causes.get(part(key, 0)) ?? { count: 0, sites: [] };
    causes.set(part(key, 0), { count: old.count + value, sites: [...old.sites, part(key, 1)] });
  }
  return Promise.all([...causes].map(([cause, { count, sites }]) => failureOf(ports, cause, count, sites)));
}

async function failureOf(ports: Ports, cause: string, count: number, sites: readonly string[]): Promise<Reason> {
  const [row] = await ports.store.view('causes', { prefix: [cause], limit: 1 });
  const job = row && (await ports.store.get<JobDoc>([row.id])).get(row.id);
  const failures = (job?.subjobs ?? []).map(({ state }) => ('failure' in state ? state.failure : undefined));
  const reason = failures.find((failure) => failure?.cause === cause)?.reason;
  const where = sites.length === 1 ? `all at ${sites[0]}` : `at ${sites.join(', ')}`;
  const text = `${cause}, ${where}${reason ? `: ${reason}` : ''}`;
  return { what: 'failed', count, unit: 'subjobs', text, ...exampleOf(job), next: `dflow retry --cause ${cause} -n` };
}

function exampleOf(job: JobDoc | undefined): { example?: string } {
  return job ? { example: refOf(job.run, job.module, job.pass) } : {};
}

/** Awaited documents read at most: beyond, the groups are as good as complete. */
const ENOUGH = 2_000;

/** Waiting subjobs by what they wait for; those whose prerequisite has ended without completing are unsatisfied. */
async function sleepers(ports: Ports): Promise<Reason[]> {
  const awaited = (await ports.store.count('wake', 2, { prefix: ['on'] })).map(({ key, value }) => ({
    id: part(key, 1),
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
  if (doc?.kind === 'hold') {
    const { what, why, since } = doc as HoldDoc;
    const text = `${what}: ${why}, for ${humanDuration(Date.parse(now) - Date.parse(since))}`;
    return [id, { ...base, what: 'waiting', text, next: `dflow resume ${id}` }];
  }
  const state = doc?.kind === 'job' ? (doc as JobDoc).state : undefined;
  if (state === 'failed' || state === 'partFail' || state === 'canceled' || state === 'deleted') {
    const job = doc as JobDoc;
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

async function withExample(ports: Ports, reason: Reason, awaited: string): Promise<Reason> {
  const [row] = await ports.store.view('wake', { key: ['on', awaited], limit: 1 });
  const job = row && (await ports.store.get<JobDoc>([row.id])).get(row.id);
  return { ...reason, ...exampleOf(job) };
}

/** Runs looked at. */
const RUNS = 1_000;

/** Runs without their automatic passes, by the first gate that is not met; numbers in the words do not count. */
async function runs(ports: Ports): Promise<Reason[]> {
  const { automatic } = ports.settings;
  const numbers = new Set<number>();
  for (const state of ['todo', 'open']) {
    const rows = await ports.store.view('runs', { prefix: [state], limit: RUNS });
    for (const row of rows) numbers.add(Number(part(row.key, 1)));
  }
  const due = [...numbers].filter((run) => run >= automatic.from);
  const facts = await runFacts(ports, due, automatic.level, automatic.version);
  const groups = new Map<string, Reason>();
  for (const run of due) {
    const unmet = firstUnmet(runGates(facts.get(run)!));
    const text = unmet ? `${unmet.gate}: ${unmet.text}` : 'ready, not enqueued yet';
    const key = text.replace(/\d+/g, 'N');
    const count = (groups.get(key)?.count ?? 0) + 1;
    groups.set(
      key,
      groups.has(key)
        ? { ...groups.get(key)!, count }
        : { what: 'run', count, unit: 'runs', text, example: refOf(run), next: unmet?.next ?? 'dflow enqueue' },
    );
  }
  return [...groups.values()];
}
