// What a person can do about a file in quarantine, by its reason: the same words wherever the file is shown.
import type { QuarantineDoc } from './run.ts';

type Quarantined = Pick<QuarantineDoc, '_id' | 'name' | 'reason' | 'detail' | 'run'>;

/** The command that settles it, or what must be done by hand. */
export function remedy({ _id: id, reason, run, name }: Quarantined): string {
  if (isVersion(reason))
    return `dflow register --accept '${id}' --why TEXT, or: dflow register --reject '${id}' --why TEXT`;
  if (reason === 'odd-time') return `finish the copy; if the file is whole: touch '${name}' in the buffer`;
  if (reason === 'beyond-max-jump')
    return `if run ${run} is real: raise runs.maxJump in dflow.yaml, then: dflow register; or, if it is not data: ${discard(id)}`;
  if (reason === 'empty' || reason === 'duplicate') return 'dflow purge --junk';
  if (reason === 'archived') return `dflow store unarchive ${run}`;
  if (reason === 'operator') return 'dflow list holds';
  if (reason === 'bad-tables') return `correct the tables of ${name}, then: dflow tables load FILE`;
  return `${mending(reason)}, then: dflow register; or, if it is not data: ${discard(id)}`;
}

const discard = (id: string): string => `dflow purge --junk '${id}' --why TEXT`;

/** What a person does to a file that is data, so that the next register takes it. */
function mending(reason: QuarantineDoc['reason']): string {
  if (reason === 'unparsable-name') return 'give the file a name that fits the pattern';
  if (reason === 'out-of-range') return 'name the file after its run';
  return 'copy the file again from its source';
}

/** Other content for a place that has a registered file: accepted or rejected by a person. */
export function isVersion(reason: QuarantineDoc['reason']): boolean {
  return reason === 'new-version' || reason === 'other-content';
}
