// Attempts that were given up (the site was away too long, or unlocked) and may still run there: monitor asks
// about them too, stops what still lives, and notes in the claim what is confirmed to be no more. Only then can the
// claim be cleared away.
import type { ClaimDoc } from '../../../domain/farms/farm.ts';
import { claimId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Change, Store } from '../../../store.ts';
import { between, isAhead } from '../../../util/time.ts';
import { addTo } from '../../../util/values/group.ts';
import { openClaims, ownsKey, unsettled } from '../../farms/openclaims.ts';
import type { Ports } from '../../ports.ts';
import type { Applied } from './decide.ts';
import { isMissing, type Observation, splitKey } from './observation.ts';

/** Claims, and attempts of them, that are asked about in one poll. */
const CLAIMS = 100;
const KEYS = 500;

/** Claims of a site whose attempts are asked about; which ones rotates with the time. */
export async function askedClaims(store: Store, site: string, now: string): Promise<ClaimDoc[]> {
  const all = await openClaims(store, site, now, CLAIMS);
  const asked: ClaimDoc[] = [];
  let room = 4 * KEYS;
  for (const claim of all) {
    const open = claim.refs.length - (claim.settled?.length ?? 0);
    if (claim.taken === undefined || open > room) continue;
    room -= open;
    asked.push(claim);
  }
  return asked;
}

/** Keys of these claims that are superseded, at most so many. */
export async function supersededKeys(
  store: Store,
  asked: readonly ClaimDoc[],
  known: ReadonlyMap<string, unknown>,
): Promise<string[]> {
  const ids = asked.flatMap((claim) =>
    claim.refs.flatMap(([id], index) => (known.has(`${claim.nonce}.${index}`) ? [] : id)),
  );
  const jobs = await store.get<JobDoc>([...new Set(ids)]);
  const keys = asked.flatMap((claim) => unsettled(claim, jobs).map((index) => `${claim.nonce}.${index}`));
  return keys.filter((key) => !known.has(key)).slice(0, KEYS);
}

/**
 * Notes the superseded attempts that were seen to be no more: at once where the batch system or a record says so; where
 * nothing was seen of one, when that is so again at least `grace` later. A batch system that forgets its jobs for a
 * while must not make us forget them.
 */
export async function settleSuperseded(ports: Ports, outcomes: readonly Applied[]): Promise<void> {
  const byClaim = new Map<string, Observation[]>();
  for (const { doc, note = [] } of outcomes) {
    for (const { seen } of note) {
      if (!doc || seen.subjob === undefined || ownsKey(doc, seen.subjob, seen.key)) continue;
      addTo(byClaim, splitKey(seen.key).claim, seen);
    }
  }
  const { grace } = ports.settings.limits;
  await ports.store.bulk<ClaimDoc>(
    [...byClaim].map(
      ([nonce, all]): Change<ClaimDoc> => ({
        id: claimId(nonce),
        change: (doc) => {
          const next = doc && all.reduce((claim, seen) => noted(claim, seen, grace), doc);
          return next && next !== doc ? { write: next } : { skip: 'nothing new' };
        },
      }),
    ),
  );
}

/** A claim after one observation of a superseded attempt of it. */
function noted(claim: ClaimDoc, seen: Observation, grace: number): ClaimDoc {
  const { index } = splitKey(seen.key);
  if (claim.settled?.includes(index)) return claim;
  const { [index]: since, ...others } = claim.unseen ?? {};
  const missing = isMissing(seen);
  const gone = missing
    ? since !== undefined && between(since, seen.at) >= grace
    : seen.state === 'ended' || seen.state === 'recorded';
  if (gone) return { ...claim, settled: [...(claim.settled ?? []), index], unseen: others };
  if (missing)
    return since === undefined || isAhead(since, seen.at)
      ? { ...claim, unseen: { ...others, [index]: seen.at } }
      : claim;
  return since === undefined ? claim : { ...claim, unseen: others };
}
