// A loop from its first round to its last: locked on this host, stopped by signals, its words and its notes.
import { endingOf, loopOf, type RunningLoop } from '../../domain/farms/loops.ts';
import type { Settings } from '../../domain/settings.ts';
import { DflowError, EXIT, messageOf } from '../../util/errors.ts';
import { inTime } from '../../util/intime.ts';
import { thisProcess } from '../../util/processes/identity.ts';
import { iso, SECOND } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { adopted, type LoopFlags } from './command.ts';
import { type RoundEnd, summary, type ToldRound } from './lines.ts';
import { lockLoop } from './looplock.ts';
import { noteBegin, noteNever, noteRound, noteStop } from './notes.ts';
import type { LiveLoop, LoopSelf } from './round.ts';
import { LoopProcess, type Why } from './rounds.ts';

export interface Supervised {
  readonly settings: Settings;
  readonly host: string;
  readonly loop: RunningLoop;
  readonly flags: LoopFlags;
  /** Folder of the program. */
  readonly root: string;
  /** Arguments of every round: which configuration. */
  readonly more: readonly string[];
  readonly show: boolean;
  readonly once: boolean;
  /** A word about the loop itself. */
  say(did: 'started' | 'waiting' | 'stopped', text: string): void;
  /** A round has ended. */
  tell(round: ToldRound): void;
}

/** Exit code of a signal that came twice. */
const CUT: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * Runs the loop until it ends; answers its exit code.
 * @throws BusyError the same loop runs on this host
 */
export async function supervise(task: Supervised): Promise<number> {
  const { settings, host, loop } = task;
  const lock = await lockLoop(`${settings.folder}/.dflow`, host, loop.name);
  const since = iso(Date.now());
  const self: LoopSelf = {
    pid: process.pid,
    since,
    ...given({ holder: thisProcess(), deaths: deathsOf(process.env) }),
  };
  const running = new LoopProcess();
  const signals = heedSignals(running, task.say);
  let last: ToldRound | undefined;
  try {
    const of = { ...loop, ...self };
    const before = await noteBegin(settings, of).catch((error: unknown) => orAway(error, task.say));
    const why = await running.run(loop, {
      self,
      root: task.root,
      more: task.more,
      show: task.show,
      once: task.once,
      adopt: (now, planned) => (planned ? adopted(loopOf({ ...planned, run: now.run }), task.flags) : now),
      tell: async (round) => {
        task.tell(round);
        const { loop: now, end } = round;
        // A store that is away cannot be told; the round has told its own end otherwise.
        if (!last && end.report?.mistyped) await noteNever(settings, of, before).catch(() => undefined);
        else if (!end.report?.noted && end.exit !== EXIT.storeUnreachable)
          await noteRound(settings, { ...now, ...self }, round, outcomeOf(end)).catch(() => undefined);
        last = round;
      },
    });
    if (why === 'once') return last?.end.exit ?? EXIT.itemsFailed;
    return await ended(task, of, why, running.wasCut ? CUT[signals.last] : undefined, signals.meant);
  } finally {
    signals.forget();
    lock.release();
  }
}

/** What the script of a window says; anything else says nothing. */
function deathsOf({ DFLOW_DEATHS: said }: NodeJS.ProcessEnv): number | undefined {
  const deaths = Number(said);
  return Number.isSafeInteger(deaths) && deaths > 0 ? deaths : undefined;
}

/** What a round that could not tell it came to, for the store. */
function outcomeOf(end: RoundEnd): string {
  if (end.report && endingOf(end.exit) === 'well') return end.report.outcome;
  if (endingOf(end.exit) === 'busy') return 'ok';
  const text = summary(end);
  return end.exit === undefined || end.exit >= 64 ? `it broke (${end.signal ?? `exit ${end.exit}`}): ${text}` : text;
}

async function ended(
  task: Supervised,
  of: LiveLoop,
  why: Exclude<Why, 'once'>,
  cut: number | undefined,
  meant: boolean,
): Promise<number> {
  const stopped = why === 'stopped' || why === 'off';
  // A closed terminal or tmux window (`meant` is false) is not an order to stop: status goes on to miss the loop.
  if (stopped && cut === undefined && meant) await tellStop(noteStop(task.settings, of), task.say);
  task.say('stopped', WORDS[why]);
  if (why === 'mistyped') return EXIT.usage;
  return why === 'replaced' ? EXIT.busy : (cut ?? EXIT.done);
}

const WORDS: Readonly<Record<Exclude<Why, 'once'>, string>> = {
  stopped: 'stopped',
  off: 'stopped: the loop is switched off in the configuration (on: false)',
  replaced: 'ended: another build of dflow is installed; start the loop again (exit 75)',
  mistyped: 'ended: the command line is wrong',
};

/** Nobody waits long for a process that was told to end. */
const PATIENCE = 5 * SECOND;

async function tellStop(note: Promise<void>, say: Supervised['say']): Promise<void> {
  const wrong =
    (await inTime(
      note.then(() => '', messageOf),
      PATIENCE,
    )) ?? 'the store does not answer';
  if (wrong !== '') say('waiting', `the store does not know that the loop was stopped: ${wrong}`);
}

/** What is away at the start is met by the rounds again; what is wrong for good is said now. */
function orAway(error: unknown, say: Supervised['say']): undefined {
  const passing =
    error instanceof DflowError && [EXIT.storeUnreachable, EXIT.unreachable].some((exit) => exit === error.exit);
  if (!passing) throw error;
  say('waiting', `${error.message}; the loop starts all the same`);
  return undefined;
}

interface Signals {
  readonly last: string;
  /** The first signal was not a hang-up, so a person wanted the loop to stop. */
  readonly meant: boolean;
  forget(): void;
}

function heedSignals(running: LoopProcess, say: Supervised['say']): Signals {
  let last = 'SIGTERM';
  let meant: boolean | undefined;
  const stop = (name: string): void => {
    last = name;
    meant ??= name !== 'SIGHUP';
    running.stop();
    if (!running.wasCut) say('waiting', 'stopping after the item in hand; a second signal stops at once');
  };
  const now = (): void => running.runNow();
  const names = Object.keys(CUT) as NodeJS.Signals[];
  // Those of every command end the process at once.
  for (const name of names) process.removeAllListeners(name).on(name, stop);
  process.on('SIGUSR2', now);
  return {
    get last() {
      return last;
    },
    get meant() {
      return meant ?? true;
    },
    forget() {
      for (const name of names) process.off(name, stop);
      process.off('SIGUSR2', now);
    },
  };
}
