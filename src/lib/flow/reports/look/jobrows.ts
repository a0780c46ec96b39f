// A pass as one row: what `list jobs` prints and what other commands read from a pipe.

import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { PassState } from '../../../domain/jobs/states.ts';
import { causesOf, sitesOf } from '../../../domain/selection.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import type { Row } from './row.ts';

/** A pass. */
export interface JobRow extends Row<'job'> {
  readonly run: number;
  readonly module: string;
  readonly pass: number;
  /** Software version. */
  readonly version: string;
  readonly state: PassState;
  /** Number of completed subjobs. */
  readonly done: number;
  /** Number of subjobs. */
  readonly subjobs: number;
  /** Farms that have it or had it last, joined by commas. */
  readonly site?: string;
  /** Attempts of the subjob that had the most. */
  readonly tries: number;
  /** Causes of its failures, joined by commas. */
  readonly cause?: string;
  readonly since: Iso;
  readonly request?: string;
}

/** `state` as shown, which may be the derived `unsatisfied`. */
export function jobRow(job: JobDoc, state: PassState): JobRow {
  const causes = causesOf(job);
  const sites = sitesOf(job);
  return {
    kind: 'job',
    ref: refOf(job.run, job.module, job.pass),
    run: job.run,
    module: job.module,
    pass: job.pass,
    version: job.version,
    state,
    done: job.subjobs.filter((subjob) => subjob.state.name === 'completed').length,
    subjobs: job.subjobs.length,
    ...(sites.length > 0 ? { site: sites.join(',') } : {}),
    tries: Math.max(0, ...job.subjobs.map((subjob) => subjob.attempt)),
    ...(causes.length > 0 ? { cause: causes.join(',') } : {}),
    since: job.since,
    ...given({ request: job.request }),
  };
}
