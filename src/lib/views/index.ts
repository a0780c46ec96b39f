// Every view of the store. A new one is added here; stores install what stands here, by name and source.
import { active, causes, jobCounts, jobsByRequest, jobsByState, outcomes, ready, wake } from './jobs.ts';
import { claims, holds, kinds, replicas, tableRanges } from './others.ts';
import { runs } from './runs.ts';
import { standing } from './standing.ts';
import { buffer, checks } from './storage.ts';
import { outputCopies, outputs, transfers } from './transfers.ts';
import type { View } from './view.ts';

export const VIEWS: readonly View[] = [
  runs,
  transfers,
  outputs,
  outputCopies,
  replicas,
  buffer,
  checks,
  jobsByState,
  jobCounts,
  jobsByRequest,
  active,
  ready,
  wake,
  causes,
  outcomes,
  holds,
  claims,
  tableRanges,
  kinds,
  standing,
];
