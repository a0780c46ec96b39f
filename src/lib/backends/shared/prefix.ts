// Names of jobs where many stores and farms share one batch system.
import { createHash } from 'node:crypto';

/** What all job names of one farm of one store begin with: others' jobs of the same user are not ours to touch. */
export function namePrefix(uuid: string, farm: string): string {
  return `dflow-${createHash('sha256').update(`${uuid}\n${farm}`).digest('hex').slice(0, 8)}-`;
}
