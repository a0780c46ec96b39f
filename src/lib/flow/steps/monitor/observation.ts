// What a poll saw of one attempt: the line that joins the two halves of monitor.
import type { Status } from '../../../backend.ts';
import { UsageError } from '../../../util/errors.ts';
import type { Iso } from '../../../util/time.ts';
import { isRecord, type ResultRecord } from '../../../wrapper/record.ts';

export interface Observation {
  readonly kind: 'observation';
  readonly site: string;
  /** `<claim>.<index>` */
  readonly key: string;
  /** Job document and subjob that the key was claimed for; absent when no claim knows the key: an orphan. */
  readonly job?: string;
  readonly subjob?: number;
  /** When the query began, by the store's clock. */
  readonly at: Iso;
  /** The backend's word; `recorded` for a line that carries a result record alone. */
  readonly state: Status['state'] | 'recorded';
  readonly raw?: string;
  /** That it ended is concluded from its not being listed: see `Status`. */
  readonly inferred?: true;
  /** Of an attempt that was given up: its absence is not a loss. */
  readonly superseded?: true;
  readonly record?: ResultRecord;
}

const STATES: readonly string[] = ['held', 'pending', 'running', 'ended', 'absent', 'recorded'];

/** Parses one line of `monitor poll`. Throws UsageError with the line's number. */
export function parseObservation(line: string, number: number, source = 'standard input'): Observation {
  const where = `${source}:${number}`;
  let value: Partial<Observation>;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new UsageError('not a JSON line of monitor poll', { where, cause: error });
  }
  if (!isObservation(value))
    throw new UsageError('not an observation', { where, hint: 'dflow monitor poll | dflow monitor apply' });
  return value;
}

function isObservation(value: Partial<Observation> | null): value is Observation {
  if (value?.kind !== 'observation' || !STATES.includes(value.state ?? '')) return false;
  const { key, site, at, job = '', raw = '', subjob = 0, inferred = true, superseded = true, record } = value;
  return (
    [key, site, at, job, raw].every((text) => typeof text === 'string') &&
    !Number.isNaN(Date.parse(value.at ?? '')) &&
    Number.isInteger(subjob) &&
    inferred === true &&
    superseded === true &&
    (record === undefined ? value.state !== 'recorded' : isRecord(record))
  );
}

/** Nothing was seen of it, and nobody says that it ended: counts only when it is seen twice, `grace` apart. */
export function isMissing(seen: Observation): boolean {
  return seen.state === 'absent' || (seen.state === 'ended' && seen.inferred === true);
}

/** Claim nonce and index of a key. */
export function splitKey(key: string): { readonly claim: string; readonly index: number } {
  const cut = key.lastIndexOf('.');
  return { claim: key.slice(0, cut), index: Number(key.slice(cut + 1)) };
}
