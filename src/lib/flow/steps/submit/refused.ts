// What the batch system refused for certain: the subjob has not run and will not as it is. It is held, for a while or
// until somebody changes what was wrong, as the policy says of its words; trying it again at once would only repeat it.

import type { Refused } from '../../../backend.ts';
import type { JobDoc, Move } from '../../../domain/jobs/job.ts';
import { judge, rulesFor } from '../../../domain/jobs/policy.ts';
import type { PolicyRule } from '../../../domain/jobs/policyrule.ts';
import { type Failure, keyOf } from '../../../domain/jobs/states.ts';
import { tookEffect } from '../../../store.ts';
import { type Iso, plus } from '../../../util/time.ts';
import type { Ports } from '../../ports.ts';
import { type Attempt, type Claim, isSubmitting, moveAttempts } from './claim.ts';

/** Holds the refused attempts of a claim; answers those whose documents now say so. */
export async function holdRefused(
  ports: Ports,
  claim: Claim,
  answers: ReadonlyMap<string, string | Refused>,
): Promise<{ readonly attempt: Attempt; readonly failure: Failure }[]> {
  const at = await ports.store.now();
  const refused = claim.attempts.flatMap((attempt) => {
    const answer = answers.get(keyOf(attempt.lock));
    return answer === undefined || typeof answer === 'string' ? [] : [{ ...attempt, words: answer.refused }];
  });
  const outcomes = await moveAttempts(ports, refused, at, (job, attempt) =>
    moveOf(job, attempt, attempt.words, rulesFor(ports.settings, job.version, job.module), at),
  );
  const docs = new Map(outcomes.filter(tookEffect).map(({ id, doc }) => [id, doc]));
  return refused.flatMap((attempt) => {
    const state = docs.get(attempt.job._id)?.subjobs[attempt.index]?.state;
    return state?.name === 'held' && state.failure ? [{ attempt, failure: state.failure }] : [];
  });
}

function moveOf(
  job: JobDoc,
  { index, lock }: Attempt,
  words: string,
  policy: readonly PolicyRule[],
  at: Iso,
): Move | undefined {
  const subjob = job.subjobs[index];
  if (!subjob || !isSubmitting(job, index, lock)) return undefined;
  const evidence = { site: lock.site, phase: 'submit', reason: words, text: words };
  const { failure, verdict } = judge(policy, evidence, subjob.failures, Number.POSITIVE_INFINITY);
  const until = verdict.action === 'later' ? { until: plus(at, verdict.wait) } : {};
  return {
    index,
    event: 'refuse',
    to: { name: 'held', since: at, reason: failure.cause, failure, ...until },
    with: { lastFailure: { ...failure, at } },
    why: `${failure.cause}: ${words}`,
  };
}
