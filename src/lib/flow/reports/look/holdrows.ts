// Holds that have not ended: `list holds`.

import type { HoldWhat } from '../../../domain/hold.ts';
import { coverText } from '../../../domain/hold.ts';
import type { Iso } from '../../../util/time.ts';
import { openHolds } from '../../jobs/openholds.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from './row.ts';

/** A hold. */
export interface HoldRow extends Row<'hold'> {
  readonly what: HoldWhat;
  /** What it covers, in words. */
  readonly covers: string;
  readonly why: string;
  readonly by: string;
  readonly since: Iso;
  readonly until?: Iso;
  /** Absent: it has no end. */
  readonly state?: 'in force' | 'expired';
}

export async function* holdRows(ports: ReadPorts): Rows<HoldRow> {
  const now = await ports.store.now();
  for (const hold of await openHolds(ports.store)) {
    yield {
      kind: 'hold',
      ref: hold._id,
      what: hold.what,
      covers: coverText(hold.scope),
      why: hold.why,
      by: hold.by,
      since: hold.since,
      ...(hold.until === undefined ? {} : { until: hold.until, state: hold.until > now ? 'in force' : 'expired' }),
    };
  }
}
