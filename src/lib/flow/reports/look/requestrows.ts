// Requests with how far they are, counted by the store.

import type { RequestState } from '../../../domain/jobs/requests/progress.ts';
import type { PassState } from '../../../domain/jobs/states.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { followed } from '../../jobs/requests/requestuse.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from './row.ts';

/** A request with how far it is. */
export interface RequestRow extends Row<'request'> {
  readonly name: string;
  readonly version: string;
  readonly modules: readonly string[];
  readonly priority: number;
  /** Number of passes in its plan. */
  readonly passes: number;
  /** Number of completed passes. */
  readonly done: number;
  /** Number of passes that failed, also in part. */
  readonly failed: number;
  /** Number of passes at a batch system. */
  readonly active: number;
  /** `ended`: what is left was canceled or deleted. */
  readonly state: RequestState;
  /** Passes completed in an hour, lately. */
  readonly rate?: number;
  /** Milliseconds until the last pass, at this rate. */
  readonly left?: number;
  readonly by: string;
  readonly created: Iso;
}

/** A request with its passes by state, one field for each state that some are in. */
export interface ProgressRow extends Row<'request'>, Readonly<Partial<Record<PassState, number>>> {
  readonly name: string;
  readonly version: string;
  readonly passes: number;
}

export async function* requestRows({ store }: ReadPorts): Rows<RequestRow> {
  for (const { doc, progress } of await followed(store, await store.now())) {
    const { passes, completed, failed, active, state, rate, left } = progress;
    yield {
      kind: 'request',
      ref: doc._id,
      name: doc.name,
      version: doc.version,
      modules: doc.modules,
      priority: doc.priority,
      passes,
      done: completed,
      failed,
      active,
      state,
      ...given({ rate, left }),
      by: doc.by,
      created: doc.created,
    };
  }
}
