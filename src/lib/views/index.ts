// Every view of the store, as handles for `view` and `count`. A new one is added here; stores install them all.
import { daily } from './daily.ts';
import {
  active,
  causes,
  jobCounts,
  jobsByRequest,
  jobsByState,
  measured,
  outcomes,
  ready,
  requestSums,
  wake,
} from './jobs.ts';
import { labels } from './labels.ts';
import { claims, holds, kinds, replicas, tableRanges } from './others.ts';
import { runs } from './runs.ts';
import { standing } from './standing.ts';
import { buffer, catalogue, checks } from './storage.ts';
import { outputCopies, outputs, transfers } from './transfers.ts';
import type { View } from './view.ts';

export const views = {
  runs,
  transfers,
  outputs,
  outputCopies,
  replicas,
  buffer,
  checks,
  catalogue,
  jobsByState,
  jobCounts,
  jobsByRequest,
  active,
  ready,
  wake,
  causes,
  outcomes,
  labels,
  holds,
  claims,
  tableRanges,
  kinds,
  standing,
  daily,
  measured,
  requestSums,
};

export const VIEWS: readonly View[] = Object.values(views);
