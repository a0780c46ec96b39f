// When most attempts of one kind of job fail at a site with one cause, trying the rest there only burns them: the kind
// is held at that site for a while, said once. A hold like any other: `list holds` shows it, `resume` ends it.
import type { HoldDoc } from '../../../domain/hold.ts';
import { inForce, FAULT_SLUG as SLUG } from '../../../domain/hold.ts';
import { holdId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { type Iso, isAhead, plus } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import type { Ports, Step } from '../../ports.ts';
import { pause } from '../../switches/holds.ts';

/** A kind of job at a site. */
export interface Kind {
  readonly site: string;
  readonly module: string;
  readonly version: string;
}

export function kindOf({ module, version }: JobDoc, site: string): Kind {
  return { site, module, version };
}

/** Newest attempts that are looked at. */
const RECENT = 500;

/** Holds those kinds of which too many recent attempts failed with one cause. */
export async function* siteFaults(ports: Ports, kinds: readonly Kind[]): Step {
  const distinct = new Map(kinds.map((kind) => [slugOf(kind), kind]));
  for (const [slug, kind] of distinct) yield* faultOf(ports, slug, kind);
}

function slugOf({ site, module, version }: Kind): string {
  return `${SLUG}${site}-${module}-${version}`;
}

async function* faultOf(ports: Ports, slug: string, kind: Kind): Step {
  const { siteFault } = ports.settings;
  const { site, module, version } = kind;
  const now = await ports.store.now();
  const id = holdId(slug);
  const old = (await ports.store.get<HoldDoc>([id])).get(id);
  if (old && inForce(old, now)) return;
  const last = old && !isAhead(old.since, now) ? (old.ended?.at ?? old.until) : undefined;
  const from = laterOf(plus(now, -siteFault.window), last);
  const worst = worstCause(await recentCauses(ports, kind, from));
  if (!worst || worst.count < siteFault.minimum || worst.count <= worst.of * siteFault.share) return;
  const { cause, count, of } = worst;
  const why = `${cause}: ${count} of the last ${of} attempts of ${module} ${version} at ${site}`;
  const scope = { modules: [module], versions: [version], sites: [site] };
  for await (const item of pause(ports, { what: 'pause', scope, why, until: plus(now, siteFault.hold), slug })) {
    if (item.did === 'paused') yield { ...item, failed: true, cause, site, next: `dflow why --all` };
  }
}

/** What was held before is not held again for the same failures. */
function laterOf(at: Iso, other: Iso | undefined): Iso {
  return other !== undefined && other > at ? other : at;
}

/** Causes of the recent attempts of a kind, newest first; empty for a completed one. */
async function recentCauses(ports: Ports, { site, module, version }: Kind, from: Iso): Promise<string[]> {
  const rows = await ports.store.view(views.outcomes, {
    prefix: [site, module, version],
    start: [site, module, version, from],
    descending: true,
    limit: RECENT,
  });
  return rows.map(({ key }) => key[4]);
}

interface Worst {
  readonly cause: string;
  readonly count: number;
  readonly of: number;
}

function worstCause(causes: readonly string[]): Worst | undefined {
  const counts = new Map<string, number>();
  for (const cause of causes.filter((one) => one !== '')) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most && { cause: most[0], count: most[1], of: causes.length };
}
