// What the heartbeats of jobs (wrapper/heartbeat.sh) tell beside the batch system's own word. Pure.
import type { Status } from '../../../backend.ts';

/** Heartbeats without one of which a job is alive, and after which one that should run is called silent. */
const BEATS = 3;
const SILENT = 10;

/** What a key has left behind in the shared folder. Ages in ms, by the file server's clock. */
export interface Signs {
  /** Of its last heartbeat; absent: there is none, for it could not write one, or was told to end. */
  readonly beat?: number;
  /** Of its start. */
  readonly started?: number;
  /** It wrote a result record, acknowledged or not. */
  readonly record: boolean;
}

/** Alive, or just started and without a heartbeat yet. `every`: ms between two heartbeats. */
export function beats(signs: Signs, every: number): boolean {
  return isWithin(signs, BEATS * every);
}

/** Its heartbeats have ceased; nothing is known of one that never had any. */
export function isSilent({ beat }: Signs, every: number): boolean {
  return beat !== undefined && beat >= SILENT * every;
}

function isWithin({ beat, started }: Signs, ms: number): boolean {
  const age = beat ?? started;
  return age !== undefined && age < ms;
}

/**
 * What a key that has started is when the batch system answers, lists it no more and remembers no end of it: a system
 * that lost its memory answers with success and nothing, while its jobs go on.
 * `what`: that, in words; `runs`: its accounting says that it runs, for all it knows.
 */
export function unlisted(signs: Signs, every: number, what: string, runs = false): Status {
  if (signs.record) return { state: 'ended', raw: what };
  if (beats(signs, every)) return { state: 'running', raw: `${what}, but its heartbeat goes on` };
  if (runs && isWithin(signs, SILENT * every)) return { state: 'running', raw: what };
  if (isSilent(signs, every)) return { state: 'ended', raw: `${what}, no heartbeat` };
  return { state: 'ended', raw: what, inferred: true };
}
