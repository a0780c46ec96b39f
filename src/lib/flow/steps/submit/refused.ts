// What the batch system refused for certain: the subjob has not run and will not as it is. It is held, for a while or
// until somebody changes what was wrong, as the policy says of its words; trying it again at once would only repeat it.
import type { Refused } from '../../../backend.ts';
import { type JobDoc, type Move, transition } from '../../../domain/jobs/job.ts';
import { judge, rulesFor } from '../../../domain/jobs/policy.ts';
import type { PolicyRule } from '../../../domain/jobs/policyrule.ts';
import { type Failure, keyOf } from '../../../domain/jobs/states.ts';
import { tookEffect } from '../../../store.ts';
import { type Iso, plus } from '../../../util/time.ts';
import type { Ports } from '../../ports.ts';
import type { Attempt, Claim } from './claim.ts';

/** Holds the refused attempts of a claim; answers those whose documents now say so. */
export async function holdRefused(
  ports: Ports,
  claim: Claim,
  answers: ReadonlyMap<string, string | Refused>,
): Promise<{ readonly attempt: Attempt; readonly failure: Failure }[]> {
  const at = await ports.store.now();
  const byJob = new Map<string, { attempt: Attempt; words: string }[]>();
  for (const attempt of claim.attempts) {
    const answer = answers.get(keyOf(attempt.lock));
    if (answer === undefined || typeof answer === 'string') continue;
    const list = byJob.get(attempt.job._id) ?? [];
    byJob.set(attempt.job._id, [...list, { attempt, words: answer.refused }]);
  }
  const groups = [...byJob.values()];
  const outcomes = await ports.store.bulk<JobDoc>(
    groups.map((group) => ({
      id: group[0]!.attempt.job._id,
      base: group[0]!.attempt.job,
      change: (doc) => {
        const moves = doc
          ? group.flatMap(({ attempt, words }) =>
              moveOf(doc, attempt, words, rulesFor(ports.settings, doc.version, doc.module), at),
            )
          : [];
        return doc && moves.length > 0 ? { write: transition(doc, moves, at, ports.by) } : { skip: 'no longer ours' };
      },
    })),
  );
  return outcomes.flatMap((outcome, position) => {
    if (!tookEffect(outcome)) return [];
    return groups[position]!.flatMap(({ attempt }) => {
      const state = outcome.doc?.subjobs[attempt.index]?.state;
      return state?.name === 'held' && state.failure ? [{ attempt, failure: state.failure }] : [];
    });
  });
}

function moveOf(doc: JobDoc, attempt: Attempt, words: string, policy: readonly PolicyRule[], at: Iso): Move[] {
  const subjob = doc.subjobs[attempt.index];
  const state = subjob?.state;
  if (state?.name !== 'submitting' || keyOf(state.lock) !== keyOf(attempt.lock)) return [];
  const evidence = { site: attempt.lock.site, phase: 'submit', reason: words, text: words };
  const { failure, verdict } = judge(policy, evidence, subjob!.failures, Number.POSITIVE_INFINITY);
  const until = verdict.action === 'later' ? { until: plus(at, verdict.wait) } : {};
  return [
    {
      index: attempt.index,
      event: 'refuse',
      to: { name: 'held', since: at, reason: failure.cause, failure, ...until },
      with: { lastFailure: { ...failure, at } },
      why: `${failure.cause}: ${words}`,
    },
  ];
}
