// Requests with how far they are, counted by the store.

import { passesOf, type RequestDoc } from '../../../domain/jobs/request.ts';
import type { PassState } from '../../../domain/jobs/states.ts';
import { idsWith } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
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
  readonly state: 'being made' | 'open' | 'done';
  readonly by: string;
  readonly created: Iso;
}

/** A request with its passes by state, one field for each state that some are in. */
export interface ProgressRow extends Row<'request'>, Readonly<Partial<Record<PassState, number>>> {
  readonly name: string;
  readonly version: string;
  readonly passes: number;
}

export async function* requestRows(ports: ReadPorts): Rows<RequestRow> {
  const groups = await ports.store.count(views.jobsByRequest, 2);
  const counts = new Map(groups.map(({ key, value }) => [key.join('\0'), value]));
  for (const doc of await ports.store.range<RequestDoc>(idsWith('request:'))) {
    const count = (state: string): number => counts.get(`${doc.name}\0${state}`) ?? 0;
    const done = count('completed');
    yield {
      kind: 'request',
      ref: doc._id,
      name: doc.name,
      version: doc.version,
      modules: doc.modules,
      priority: doc.priority,
      passes: passesOf(doc),
      done,
      failed: count('failed') + count('partFail'),
      state: doc.made === undefined ? 'being made' : done === passesOf(doc) ? 'done' : 'open',
      by: doc.by,
      created: doc.created,
    };
  }
}
