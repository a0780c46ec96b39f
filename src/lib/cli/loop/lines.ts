// What a loop says: one line a round. The same again is counted, not repeated.
import type { Ending, RunningLoop } from '../../domain/farms/loops.ts';
import { humanDuration } from '../../util/time.ts';
import type { RoundReport } from './round.ts';

/** How one round went. */
export interface RoundEnd {
  /** Absent: it was killed, by `signal`. */
  readonly exit?: number;
  readonly signal?: string;
  /** Milliseconds. */
  readonly took: number;
  readonly report?: RoundReport;
  /** The last line on standard error, of a round without a report. */
  readonly stderr: string;
}

/** A round that has ended, and when the next one begins. */
export interface ToldRound {
  readonly loop: RunningLoop;
  readonly end: RoundEnd;
  readonly ending: Ending;
  /** Milliseconds. */
  readonly began: number;
  readonly rest: number;
}

/** What was done, in short: `3 registered, 1 completed, 2 failed: ...`. */
export function summary(end: RoundEnd): string {
  const { report } = end;
  if (!report) return end.stderr === '' ? `ended without a word (${codeText(end)})` : end.stderr;
  const done = Object.entries(report.did).map(([did, count]) => `${count} ${did}`);
  if (report.error !== undefined) return [...done, report.error].join(', ');
  if (report.failed > 0) return [...done, `${report.failed} failed: ${report.outcome}`].join(', ');
  return done.length === 0 ? NOTHING : done.join(', ');
}

const NOTHING = 'nothing to do';

function codeText({ exit, signal }: RoundEnd): string {
  return exit === undefined ? `killed by ${signal ?? 'a signal'}` : `exit ${exit}`;
}

/** `0.4s`, `12m`. */
function tookText(took: number): string {
  return took < 10_000 ? `${(took / 1000).toFixed(1)}s` : humanDuration(took);
}

/** The lines of a loop, in order: which of them are worth being said. */
export class Lines {
  private last = '';
  private again = 0;
  /** When something went away. */
  private away: number | undefined;

  /** The words of a round; `undefined`: the same as before. `began`: milliseconds. */
  round({ end, ending, began, rest }: ToldRound): string | undefined {
    const back = this.backAfter(ending, began + end.took);
    const text = summary(end);
    const key = `${end.exit} ${text}`;
    if (key === this.last && back === undefined) {
      this.again++;
      return undefined;
    }
    const before = this.again === 0 ? '' : `(${this.again} more ${this.again === 1 ? 'round' : 'rounds'} as before) `;
    this.last = key;
    this.again = 0;
    const detail = [...(end.exit === 0 ? [] : [codeText(end)]), tookText(end.took)].join(', ');
    const ahead =
      ending === 'away' || ending === 'broken' ? `; next try in ${humanDuration(rest)}, then less often` : '';
    const next = end.report?.next === undefined || end.exit === 0 ? '' : `; Next: ${end.report.next}`;
    return `${before}${back === undefined ? '' : `back again after ${humanDuration(back)}: `}${text} (${detail})${ahead}${next}`;
  }

  /** Milliseconds that something was away which now is back. */
  private backAfter(ending: Ending, now: number): number | undefined {
    const gone = ending === 'away' || ending === 'broken';
    if (gone) {
      this.away ??= now;
      return undefined;
    }
    const since = this.away;
    this.away = undefined;
    return since === undefined ? undefined : now - since;
  }
}
