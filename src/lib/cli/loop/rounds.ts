// One round after another: each is a process of its own, so that the loop stays small and a new configuration, or a
// broken one, is met by the next round.
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import type { PlannedLoop } from '../../domain/farms/hostplan.ts';
import { type Ending, endingOf, type RunningLoop, restAfter } from '../../domain/farms/loops.ts';
import { LONGEST_TIMER, MINUTE, SECOND } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { buildOnDisk } from './build.ts';
import type { RoundEnd, ToldRound } from './lines.ts';
import { LOOP_VARIABLE, type LoopSelf, type RoundOf, type RoundReport } from './round.ts';

/** How a loop ended: by a signal, switched off, another build lies on disk, or one round was all that was wanted. */
export type Why = 'stopped' | 'off' | 'replaced' | 'mistyped' | 'once';

export interface Rounds {
  /** Folder of the program. */
  readonly root: string;
  /** Arguments of a round besides the command: which configuration. */
  readonly more: readonly string[];
  /** Whether what a round prints is shown. */
  readonly show: boolean;
  /** One round and no more. */
  readonly once: boolean;
  readonly self: LoopSelf;
  /** A round has ended. */
  tell(round: ToldRound): Promise<void>;
  /** The loop as the configuration has it by now. */
  adopt(loop: RunningLoop, planned: PlannedLoop | undefined): RunningLoop;
}

/** Characters of standard error that are kept of a round. */
const KEPT = 4_000;

/** Longest time that an installation has no program on disk. */
const INSTALLING = MINUTE;

export class LoopProcess {
  private child: ChildProcess | undefined;
  private wake = new AbortController();
  private stops = 0;

  /** Runs rounds until it is stopped. */
  async run(first: RunningLoop, rounds: Rounds): Promise<Why> {
    const build = buildOnDisk(rounds.root);
    let loop = first;
    const from = performance.now();
    for (let inARow = 0; ; ) {
      if (await this.isReplaced(rounds.root, build)) return 'replaced';
      if (this.stops > 0) return 'stopped';
      const began = Date.now();
      // A clock that is set back by an hour must not make the loop rest for an hour.
      const start = performance.now();
      const end = await this.round(loop, rounds, inARow, start);
      if (this.stops > 0) return 'stopped';
      if (end.report?.mistyped && inARow === 0) {
        await rounds.tell({ loop, end, ending: 'well', began, rest: 0 });
        return 'mistyped';
      }
      const ending = endingOf(end.exit);
      inARow = ending === 'well' || ending === 'busy' ? 0 : inARow + 1;
      if (end.report?.planned?.on === false) return 'off';
      loop = rounds.adopt(loop, end.report?.planned);
      const rest = varied(restAfter(loop, end.exit, inARow), loop.jitter);
      await rounds.tell({ loop, end, ending, began, rest });
      if (rounds.once && !waitsForTurn(loop, ending, performance.now() - from)) return 'once';
      await this.sleep(start + rest - performance.now());
    }
  }

  /** The first time: after the item in hand; the second time: at once. */
  stop(): void {
    this.stops++;
    this.wake.abort();
    if (!this.child) return;
    if (this.stops === 1) {
      if (this.child.connected) this.child.send('stop', () => undefined);
      return;
    }
    // A round that has not read the message yet takes the first signal for it: two signals end it in any case.
    this.child.kill('SIGTERM');
    this.child.kill('SIGINT');
  }

  /** True when it was stopped twice. */
  get wasCut(): boolean {
    return this.stops > 1;
  }

  /** The next round begins now. */
  runNow(): void {
    this.wake.abort();
  }

  private async sleep(milliseconds: number): Promise<void> {
    if (this.stops > 0 || milliseconds <= 0) return;
    const { signal } = this.wake;
    await wait(Math.min(milliseconds, LONGEST_TIMER), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) this.wake = new AbortController();
  }

  /** An installation takes the program away for a while: the loop ends when the new one is there, or does not come. */
  private async isReplaced(root: string, build: string | undefined): Promise<boolean> {
    for (let waited = 0; ; waited += SECOND) {
      const now = buildOnDisk(root);
      if (now !== undefined || build === undefined || waited >= INSTALLING || this.stops > 0) return now !== build;
      await this.sleep(SECOND);
    }
  }

  private round(loop: RunningLoop, rounds: Rounds, inARow: number, start: number): Promise<RoundEnd> {
    const { root, more, show, self } = rounds;
    const of: RoundOf = { ...loop, ...self, inARow };
    const child = spawn(process.execPath, [`${root}/bin/run.js`, ...loop.run, ...more], {
      stdio: ['ignore', show ? 'inherit' : 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, [LOOP_VARIABLE]: JSON.stringify(of) },
    });
    this.child = child;
    let stderr = '';
    let report: RoundReport | undefined;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (show) process.stderr.write(text);
      stderr = (stderr + text).slice(-KEPT);
    });
    child.on('message', (told) => {
      report = told as RoundReport;
    });
    return new Promise((resolve) => {
      const ended = (exit: number | null, signal: string | null, error?: Error): void => {
        if (this.child !== child) return;
        this.child = undefined;
        // Programs that a round leaves behind (a batch system's) may hold its pipe for ever.
        child.stderr?.destroy();
        const last = error?.message ?? lastLine(stderr);
        const took = Math.round(performance.now() - start);
        resolve({ took, stderr: last, ...given({ exit: exit ?? undefined, signal: signal ?? undefined, report }) });
      };
      child.once('error', (error) => ended(null, null, error));
      child.once('exit', (exit, signal) => setImmediate(() => ended(exit, signal)));
    });
  }
}

/** A single round of an exclusive loop asks for its turn until the next one would begin: else it would never be first. */
function waitsForTurn({ exclusive, every }: RunningLoop, ending: Ending, waited: number): boolean {
  return exclusive !== undefined && ending === 'busy' && waited < every;
}

/** The error of a round that could not tell it. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const error = lines.findLast((line) => line.startsWith('Error: '));
  return (error?.slice('Error: '.length) ?? lines.at(-1) ?? '').slice(0, 300);
}

/** Hosts that were started together drift apart. */
function varied(rest: number, jitter: number): number {
  return rest * (1 + jitter * (2 * Math.random() - 1));
}
