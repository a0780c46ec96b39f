// From claimed attempts to backend tasks: opens the storage elements that the farm reads and writes.

import type { Task } from '../../../backend.ts';
import { keyOf } from '../../../domain/jobs/states.ts';
import type { FarmSettings } from '../../../domain/settings.ts';
import { messageOf } from '../../../util/errors.ts';
import { farmStorages } from '../../farms/farmstorages.ts';
import { runTypes } from '../../jobs/facts.ts';
import { jobSpec } from '../../jobs/spec.ts';
import type { Ports } from '../../ports.ts';
import type { Attempt, Claim } from './claim.ts';
import type { Picked } from './pick.ts';

/** Tasks of a claim; an attempt whose task cannot be made is named, and put back by the next reset. */
export async function tasksOf(
  ports: Ports,
  farm: FarmSettings,
  claim: Claim,
  picked: Picked,
): Promise<{ readonly tasks: Task[]; readonly impossible: [Attempt, string][] }> {
  const storages = await farmStorages(ports, farm);
  const factsOf = new Map(picked.ready.map((ready) => [ready.job._id, ready.facts]));
  const tasks: Task[] = [];
  const impossible: [Attempt, string][] = [];
  for (const attempt of claim.attempts) {
    const { job, index, lock } = attempt;
    const facts = factsOf.get(job._id)!;
    try {
      const spec = jobSpec(job, job.subjobs[index]!, keyOf(lock), {
        farm,
        storages,
        module: facts.modules!.modules[job.module]!,
        data: facts.data,
        prerequisites: facts.prerequisites,
        storageSettings: ports.settings.storages,
        types: runTypes(ports, job.mask),
        experiment: ports.settings.experiment,
      });
      tasks.push({ key: keyOf(lock), spec });
    } catch (error) {
      impossible.push([attempt, messageOf(error)]);
    }
  }
  return { tasks, impossible };
}
