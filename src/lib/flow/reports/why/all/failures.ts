// The failures of `why --all`: by cause, module and reason, over all farms. Counts come from the view; one document of
// each group is read, as its example.
import type { JobDoc } from '../../../../domain/jobs/job.ts';
import { mapLimit } from '../../../../util/concurrency.ts';
import { groupBy } from '../../../../util/values/group.ts';
import { views } from '../../../../views/index.ts';
import type { ReadPorts } from '../../../ports.ts';
import { exampleOf, type How, type Reason } from './reason.ts';

/** Subjobs that one cause has stopped. */
interface Failed {
  readonly cause: string;
  readonly how: How;
  readonly module: string;
  /** As the view has it: without its numbers. */
  readonly reason: string;
  readonly count: number;
  readonly sites: readonly string[];
  /** Different reasons beyond those that have a row of their own. */
  readonly others?: number;
}

/** Reasons of one cause and module with a row each: where every failure has words of its own, the page stays a page. */
const OWN_ROW = 20;
/** Examples read at once. */
const AT_ONCE = 8;

export async function failureReasons(ports: ReadPorts): Promise<Reason[]> {
  const groups = new Map<string, Failed>();
  for (const { key, value } of await ports.store.count(views.causes, 5)) {
    const [cause, site, how, module, reason] = key;
    const name = JSON.stringify([how, cause, module, reason]);
    const old = groups.get(name) ?? { count: 0, sites: [] };
    groups.set(name, { cause, how, module, reason, count: old.count + value, sites: [...old.sites, site] });
  }
  const rows = folded([...groups.values()]);
  const ids = await mapLimit(rows, AT_ONCE, (group) => exampleId(ports, group));
  const jobs = await ports.store.get<JobDoc>([...new Set(ids.flatMap((id) => id ?? []))]);
  return rows.map((group, at) => reasonOf(group, jobs.get(ids[at] ?? '')));
}

/** Of each cause and module the commonest reasons; the others as one group. */
function folded(all: readonly Failed[]): Failed[] {
  const kinds = groupBy(all, ({ how, cause, module }) => JSON.stringify([how, cause, module]));
  return [...kinds.values()].flatMap((groups) => {
    const sorted = groups.toSorted((a, b) => b.count - a.count);
    const [first, ...more] = sorted.slice(OWN_ROW);
    if (!first || more.length === 0) return sorted;
    const rest = [first, ...more];
    const count = rest.reduce((total, one) => total + one.count, 0);
    const sites = [...new Set(rest.flatMap((one) => one.sites))];
    return [...sorted.slice(0, OWN_ROW), { ...first, count, sites, others: rest.length }];
  });
}

/** What is to be known besides the cause. */
const HOW: Readonly<Record<How, string>> = { failed: '', held: 'until a person acts', cooling: 'tried again later' };

function reasonOf({ cause, how, count, module, sites, others }: Failed, job: JobDoc | undefined): Reason {
  const failures = (job?.subjobs ?? []).map(({ state }) => ('failure' in state ? state.failure : undefined));
  const found = failures.find((failure) => failure?.cause === cause)?.reason;
  const reason = others === undefined ? found : `${others} other reasons, one is: ${found}`;
  const where = sites.length === 1 ? `all at ${sites[0]}` : `at ${sites.join(', ')}`;
  const words = [`${cause} in ${module}`, where, HOW[how]].filter((part) => part !== '').join(', ');
  const text = `${words}${reason ? `: ${reason}` : ''}`;
  const next = `dflow retry --cause ${cause} --module ${module}`;
  return { what: how, count, unit: 'subjobs', module, text, ...exampleOf(job), next };
}

async function exampleId({ store }: ReadPorts, group: Failed): Promise<string | undefined> {
  const { cause, sites, how, module, reason } = group;
  const prefix = [cause, sites[0] ?? '', how, module, reason] as const;
  const [row] = await store.view(views.causes, { prefix, limit: 1 });
  return row?.id;
}
