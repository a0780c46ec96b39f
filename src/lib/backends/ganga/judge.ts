// What a job's state is, from the two witnesses: the files that its wrapper writes, and Ganga's word. Pure.
// The files win: Ganga keeps a killed wrapper `running` for ever, and forgets jobs when it is killed itself.
import type { Status } from '../../backend.ts';
import type { Mark } from '../shared/folder/jobfolder.ts';
import type { Word } from './protocol.ts';

/** What the shared folder says of one key. Ages in ms, by the file server's clock. */
export interface Look {
  /** Handed over, and neither closed nor canceled before its start. */
  readonly open: boolean;
  readonly mark?: Mark;
  readonly record: boolean;
  /** Age of the ticket; absent: none. */
  readonly ticket?: number;
  /** Age of the last heartbeat; absent: there was none. */
  readonly beat?: number;
}

export interface Limits {
  /** ms between two heartbeats. */
  readonly beat: number;
  /** ms without one after which a job is dead. */
  readonly dead: number;
}

/** The state that the files alone prove, or `undefined`: Ganga must be asked. */
export function settled(look: Look): Status | undefined {
  if (look.mark?.kind === 'fenced') return { state: 'ended', raw: look.mark.why };
  if (look.record) return { state: 'ended', ...(isCanceled(look) && { raw: 'canceled' }) };
  if (!look.open) return look.mark ? { state: 'ended' } : { state: 'absent' };
  if (look.ticket === undefined && !look.mark) return { state: 'held' };
  return undefined;
}

function isCanceled({ mark }: Look): boolean {
  return mark?.kind === 'started' && mark.canceled;
}

/** The state of a released key. `word` is absent when Ganga does not know it. */
export function judge(look: Look, word: Word | undefined, limits: Limits): Status {
  const known = settled(look);
  if (known) return { ...(word && { raw: rawOf(word) }), ...known, ...idOf(word) };
  const alive = look.beat !== undefined && look.beat < limits.dead;
  const living: Status = { state: look.mark ? 'running' : 'pending', ...idOf(word), raw: rawOf(word) };
  if (!word) return alive ? living : { state: 'absent' };
  switch (word.status) {
    case 'completed':
    case 'killed':
      return { state: 'ended', ...idOf(word), raw: rawOf(word) };
    case 'failed':
      // Without an exit code it is Ganga's guess (a slow shared folder); a fresh heartbeat knows better.
      if (word.exit === null && look.beat !== undefined && look.beat < 3 * limits.beat) return living;
      return { state: 'ended', ...idOf(word), raw: rawOf(word) };
    case 'new':
      return alive ? living : { state: 'absent' };
    default:
      return alive || isWaiting(look, word, limits) ? living : { state: 'absent', ...idOf(word), raw: rawOf(word) };
  }
}

/** No sign of life yet, and none is due: it queues, or its node has only just begun. */
function isWaiting(look: Look, word: Word, limits: Limits): boolean {
  if (look.beat !== undefined || look.mark) return false;
  return word.status !== 'running' || (look.ticket ?? 0) < limits.dead;
}

function idOf(word: Word | undefined): { backendId?: string } {
  return word ? { backendId: word.id } : {};
}

/** `failed, exit 3` */
function rawOf(word: Word | undefined): string {
  if (!word) return 'not known to Ganga';
  const ended = word.status === 'failed' || word.status === 'completed';
  return ended && word.exit !== null ? `${word.status}, exit ${word.exit}` : word.status;
}
