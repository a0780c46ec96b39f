// The claims of a site that are not cleared away, and which of their attempts may still run somewhere.
import type { ClaimDoc } from '../../domain/farms/farm.ts';
import type { JobDoc } from '../../domain/jobs/job.ts';
import { keyOf, lockOf } from '../../domain/jobs/states.ts';
import type { QueryOf, Store } from '../../store.ts';
import { views } from '../../views/index.ts';

/** True when the job document knows the key's attempt as its current or last one. */
export function ownsKey(job: JobDoc | undefined, subjob: number, key: string): boolean {
  const state = job?.subjobs[subjob]?.state;
  const lock = state && lockOf(state);
  return lock !== undefined && keyOf(lock) === key;
}

/** Indexes of a used claim whose jobs have moved on, and of which the batch system has not yet said that they are gone. */
export function unsettled(claim: ClaimDoc, jobs: ReadonlyMap<string, JobDoc>): number[] {
  if (claim.taken === undefined) return [];
  const settled = new Set(claim.settled);
  return claim.refs.flatMap(([id, subjob], index) => {
    const moved = jobs.has(id) && !ownsKey(jobs.get(id), subjob, `${claim.nonce}.${index}`);
    return moved && !settled.has(index) ? [index] : [];
  });
}

/** Some of a site's claims that are not cleared away: another part of them each ten seconds, where there are many. */
export async function openClaims(
  store: Store,
  site: string,
  now: string,
  limit: number,
  before?: string,
): Promise<ClaimDoc[]> {
  const query: QueryOf<typeof views.claims> = {
    prefix: [site],
    ...(before === undefined ? {} : { end: [site, before] }),
  };
  const [[total], first] = await Promise.all([
    store.count(views.claims, 0, query),
    store.view(views.claims, { ...query, limit }),
  ]);
  const count = total?.value ?? 0;
  const skip = count > limit ? (Math.floor(Date.parse(now) / 10_000) * limit) % count : 0;
  const rows = skip === 0 ? first : await store.view(views.claims, { ...query, limit, skip });
  return [...(await store.get<ClaimDoc>(rows.map((row) => row.id))).values()];
}
