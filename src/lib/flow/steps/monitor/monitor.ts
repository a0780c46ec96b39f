// monitor: what the batch system says, and what follows. Two halves joined by observations (one JSON line each):
// `poll` asks once for all active subjobs, `applyObservations` updates the documents in bulk, publishes, cancels and
// releases. Unknown is never failed: a query that failed yields nothing, and only dated absence counts.

import { leaveDay } from '../../copies/days.ts';
import type { Ports, Step, StepOptions } from '../../ports.ts';
import { applyObservations } from './apply.ts';
import type { Observation } from './observation.ts';
import { poll } from './poll.ts';

export { applyObservations } from './apply.ts';
export type { Observation } from './observation.ts';
export { parseObservation } from './observation.ts';
export { poll } from './poll.ts';

export interface MonitorOptions extends StepOptions {
  readonly site?: string;
}

/** Both halves in one go. */
export async function* monitor(ports: Ports, options: MonitorOptions = {}): Step {
  const observations: Observation[] = [];
  for await (const observation of poll(ports, options.site)) observations.push(observation);
  yield* applyObservations(ports, observations, options);
  if (!options.dryRun) await leaveDay(ports);
}
