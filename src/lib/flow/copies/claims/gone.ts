// Claims on copies that others have: which are of processes that have ended, so that nobody waits for their time to pass,
// and which are of living ones, so that it is said who makes those copies.
import { type CopyClaim, isLive } from '../../../domain/data/copyclaim.ts';
import type { DataDoc } from '../../../domain/data/data.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Iso } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import type { Session } from '../session.ts';

/** Claims on copies of raw files. */
export function slotClaims(docs: Iterable<DataDoc>): CopyClaim[] {
  return [...docs].flatMap(({ files }) =>
    files.flatMap(({ replicas }) => Object.values(replicas).filter((replica) => replica.state === 'copying')),
  );
}

/** Claims on copies of outputs. */
export function outputClaims(jobs: Iterable<JobDoc>): CopyClaim[] {
  return [...jobs].flatMap(({ copies = {} }) =>
    Object.values(copies).flatMap((claim) => ('nonce' in claim ? claim : [])),
  );
}

/** Finds out which of these claims are of the dead: from now on what they kept is due. */
export async function findGone({ ports, rules }: Session, claims: Iterable<CopyClaim>): Promise<void> {
  const byNonce = new Map([...claims].map((claim) => [claim.nonce, claim]));
  for (const [nonce, claim] of byNonce) {
    if (!rules.gone.has(nonce) && (await ports.presence?.ended(claim))) rules.gone.add(nonce);
  }
}

/** Says once for each element how many copies others make there now: this call leaves them alone. */
export function sayUnderWay({ rules, sites, own }: Session, docs: Iterable<DataDoc>, now: Iso): void {
  const others = [...docs].flatMap(({ files }) =>
    files.flatMap(({ replicas }) =>
      Object.entries(replicas).flatMap(([name, one]) =>
        one.state === 'copying' && !own.has(one.nonce) && isLive(one, now, rules.gone) ? [{ name, one }] : [],
      ),
    ),
  );
  for (const [name, claims] of groupBy(others, (other) => other.name)) {
    const hosts = [...new Set(claims.map(({ one }) => one.host))].join(', ');
    const last = claims.map(({ one }) => one.expires).reduce((a, b) => (a > b ? a : b));
    const count = `${claims.length} ${claims.length === 1 ? 'file is' : 'files are'}`;
    const text = `${count} being copied by ${hosts} now; without a heartbeat their claim ends ${last}`;
    sites.say(`under way ${name}`, { kind: 'storage', ref: name, did: 'skipped', text, next: `dflow why ${name}` });
  }
}
