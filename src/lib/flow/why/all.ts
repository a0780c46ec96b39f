// why --all: everything that is not moving, grouped by its reason, the biggest group first. Counts come from views;
// one document of each group is read, as its example.
import type { HoldDoc } from '../../domain/hold.ts';
import { refOf } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/job.ts';
import { firstUnmet, runGates } from '../../domain/readiness.ts';
import type { Group } from '../../store.ts';
import { runFacts } from '../facts.ts';
import type { Ports } from '../ports.ts';

/** Things that stand still for one reason. */
export interface Standing {
  /** `failed`, `held`, `waiting`, `run`. */
  readonly what: string;
  readonly count: number;
  /** `subjobs`, `runs`. */
  readonly unit: string;
  readonly reason: string;
  /** REF of one of them. */
  readonly example?: string;
  readonly next: string;
}

/** Every reason, the biggest first. */
export async function whyAll(ports: Ports): Promise<Standing[]> {
  const groups = [...(await failures(ports)), ...(await sleepers(ports)), ...(await runs(ports))];
  return groups.sort((a, b) => b.count - a.count);
}

function word(group: Group, at: number): string {
  return Array.isArray(group.key) ? String(group.key[at]) : '';
}

/** Failed and cooling subjobs by cause, over all sites. */
async function failures(ports: Ports): Promise<Standing[]> {
  const groups = await ports.store.count('causes', 2);
  const causes = new Map<string, { count: number; sites: string[] }>();
  for (const group of groups) {
    const old = causes.get(word(group, 0)) ?? { count: 0, sites: [] };
    causes.set(word(group, 0), { count: old.count + group.value, sites: [...old.sites, word(group, 1)] });
  }
  const found: Standing[] = [];
  for (const [cause, { count, sites }] of causes) {
    const [row] = await ports.store.view('causes', { prefix: [cause], limit: 1 });
    const job = row && (await ports.store.get<JobDoc>([row.id])).get(row.id);
    const failure = job?.subjobs
      .map(({ state }) => ('failure' in state ? state.failure : undefined))
      .find((one) => one?.cause === cause);
    const where = sites.length === 1 ? `all at ${sites[0]}` : `at ${sites.join(', ')}`;
    const reason = `${cause}, ${where}${failure ? `: ${failure.reason}` : ''}`;
    const example = job ? { example: refOf(job.run, job.module, job.pass) } : {};
    found.push({ what: 'failed', count, unit: 'subjobs', reason, ...example, next: `dflow retry --cause ${cause} -n` });
  }
  return found;
}

/** Awaited documents named one by one; the rest are summed up. */
const NAMED = 20;

/** Waiting subjobs by what they wait for: holds by name, prerequisites and inputs as two sums. */
async function sleepers(ports: Ports): Promise<Standing[]> {
  const groups = (await ports.store.count('wake', 2, { prefix: ['on'] })).map((group) => ({
    id: word(group, 1),
    count: group.value,
  }));
  const of = (kind: string) => groups.filter(({ id }) => id.startsWith(`${kind}:`)).sort((a, b) => b.count - a.count);
  const holds = of('hold').slice(0, NAMED);
  const docs = await ports.store.get<HoldDoc>(holds.map(({ id }) => id));
  const sum = (kind: string) => of(kind).reduce((total, { count }) => total + count, 0);
  const found: Standing[] = holds.map(({ id, count }) => {
    const hold = docs.get(id);
    return {
      what: 'waiting',
      count,
      unit: 'subjobs',
      reason: hold ? `${hold.what}: ${hold.why}` : id,
      next: `dflow resume ${id}`,
    };
  });
  const kinds = [
    ['job', 'for their prerequisites'],
    ['data', 'for inputs at a storage element that the farm reads'],
    ['request', 'for another request'],
  ] as const;
  for (const [kind, reason] of kinds) {
    const first = of(kind)[0]?.id;
    if (!first) continue;
    const [row] = await ports.store.view('wake', { key: ['on', first], limit: 1 });
    const job = row && (await ports.store.get<JobDoc>([row.id])).get(row.id);
    const example = job ? refOf(job.run, job.module, job.pass) : undefined;
    found.push({
      what: 'waiting',
      count: sum(kind),
      unit: 'subjobs',
      reason,
      ...(example ? { example } : {}),
      next: example ? `dflow why ${example}` : 'dflow list jobs',
    });
  }
  return found;
}

/** Runs looked at one by one. */
const RUNS = 1_000;

/** Runs without passes, by the first gate that is not met. */
async function runs(ports: Ports): Promise<Standing[]> {
  const { automatic } = ports.settings;
  const rows = [
    ...(await ports.store.view('runs', { prefix: ['todo'], limit: RUNS })),
    ...(await ports.store.view('runs', { prefix: ['open'], limit: RUNS })),
  ];
  const numbers = [...new Set(rows.map((row) => Number((row.key as unknown[])[1])))].filter(
    (run) => run >= automatic.from,
  );
  const facts = await runFacts(ports, numbers, automatic.level, automatic.version);
  const groups = new Map<string, Standing>();
  for (const run of numbers) {
    const unmet = firstUnmet(runGates(facts.get(run)!));
    const reason = unmet ? `${unmet.gate}: ${unmet.text.replace(/\d{4,}/g, 'N')}` : 'ready for enqueue';
    const old = groups.get(reason);
    const text = unmet ? `${unmet.gate}: ${unmet.text}` : reason;
    const next = unmet?.next ?? 'dflow enqueue';
    groups.set(
      reason,
      old
        ? { ...old, count: old.count + 1, reason }
        : { what: 'run', count: 1, unit: 'runs', reason: text, example: refOf(run), next },
    );
  }
  return [...groups.values()];
}
