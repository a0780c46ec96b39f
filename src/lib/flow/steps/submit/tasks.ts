// From picked passes to backend tasks. Whether a task can be made is found out before anything is claimed: what needs an
// element that is down stays in the queue, and nothing stays submitting for it.

import type { Task } from '../../../backend.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { JobFacts } from '../../../domain/jobs/readiness.ts';
import { keyOf } from '../../../domain/jobs/states.ts';
import { moduleOf } from '../../../domain/modules/modules.ts';
import { ItemError } from '../../../util/errors.ts';
import { have, nth } from '../../../util/values/have.ts';
import type { JobSpec } from '../../../wrapper/spec.ts';
import type { FarmStorages } from '../../farms/farmstorages.ts';
import { runTypes } from '../../jobs/facts.ts';
import { jobSpec } from '../../jobs/spec.ts';
import type { Ports } from '../../ports.ts';
import type { Attempt, Claim } from './claim.ts';
import type { Ready } from './pick.ts';

/** A subjob of which no task can be made now. */
export interface Impossible {
  readonly job: JobDoc;
  readonly index: number;
  readonly why: string;
}

/** Parts `ready` into what can be handed over with these elements, and what cannot. */
export function sortOut(
  ports: Ports,
  elements: FarmStorages,
  ready: readonly Ready[],
): { readonly possible: Ready[]; readonly impossible: Impossible[] } {
  const impossible: Impossible[] = [];
  const possible = ready.flatMap((one): Ready[] => {
    const subjobs = one.subjobs.filter((index) => {
      const made = specOf(ports, elements, one.job, one.facts, index, 'not-claimed-yet');
      if ('why' in made) impossible.push({ job: one.job, index, why: made.why });
      return 'spec' in made;
    });
    return subjobs.length === 0 ? [] : [{ ...one, subjobs }];
  });
  return { possible, impossible };
}

/** Tasks of a claim; an attempt of which none can be made any more, since its documents changed, is named. */
export function tasksOf(
  ports: Ports,
  elements: FarmStorages,
  claim: Claim,
  ready: readonly Ready[],
): { readonly tasks: Task[]; readonly impossible: (Impossible & { readonly attempt: Attempt })[] } {
  const factsOf = new Map(ready.map(({ job, facts }) => [job._id, facts]));
  const tasks: Task[] = [];
  const impossible: (Impossible & { attempt: Attempt })[] = [];
  for (const attempt of claim.attempts) {
    const { job, index, lock } = attempt;
    const key = keyOf(lock);
    const made = specOf(ports, elements, job, have(factsOf, job._id), index, key);
    if ('spec' in made) tasks.push({ key, spec: made.spec });
    else impossible.push({ attempt, job, index, why: made.why });
  }
  return { tasks, impossible };
}

type Made = { readonly spec: JobSpec } | { readonly why: string };

function specOf(
  ports: Ports,
  { farm, storages }: FarmStorages,
  job: JobDoc,
  facts: JobFacts,
  index: number,
  key: string,
): Made {
  try {
    const spec = jobSpec(job, nth(job.subjobs, index), key, {
      farm,
      storages,
      module: moduleOf(facts.modules, job.module),
      data: facts.data,
      prerequisites: facts.prerequisites,
      storageSettings: ports.settings.storages,
      types: runTypes(ports, job.mask),
      experiment: ports.settings.experiment,
    });
    return { spec };
  } catch (error) {
    // A broken document breaks in many ways, and keeps nobody else from being submitted.
    if (error instanceof ItemError || error instanceof TypeError) return { why: error.message };
    throw error;
  }
}
