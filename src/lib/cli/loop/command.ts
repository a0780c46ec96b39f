// The command line of a loop: which command it runs, and how often.
import { commandOf, type PlannedLoop } from '../../domain/farms/hostplan.ts';
import { loopOf, type RunningLoop, wordsOf } from '../../domain/farms/loops.ts';
import { UsageError } from '../../util/errors.ts';
import { nearest } from '../../util/text/near.ts';
import { given } from '../../util/values/given.ts';
import { durationOf } from '../arguments/until.ts';

export interface LoopFlags {
  readonly every?: string | undefined;
  readonly jitter?: string | undefined;
  readonly name?: string | undefined;
  readonly exclusive?: string | undefined;
  readonly here?: boolean;
  readonly show?: boolean;
}

/** A name becomes part of file names and of document ids. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * The loop of a command line: flags, then what the configuration says of the loop of this name, then defaults.
 * @throws UsageError
 */
export function loopFrom(
  words: readonly string[],
  flags: LoopFlags,
  plan: readonly PlannedLoop[],
  commands: readonly string[],
): RunningLoop {
  const named = plan.find(({ name }) => name === flags.name);
  // A second `--` before the command is left out, too.
  const bare = words.filter((word, at) => word !== '--' || at > 1);
  const run = bare[0] === 'dflow' ? bare.slice(1) : bare;
  if (run.length === 0 && !named) throw noCommand(flags, plan);
  const chosen = run.length === 0 ? [...(named?.run ?? [])] : run;
  checkCommand(chosen, commands);
  const { name } = loopOf({ run: chosen, ...given({ name: flags.name }) });
  if (!NAME.test(name))
    throw new UsageError(`--name: '${name}' is not a name: letters, digits, '.', '_' and '-'`, {
      hint: `dflow loop --name ${chosen[0]} -- ${chosen.join(' ')}`,
    });
  const planned = named ?? plan.find((one) => one.name === name);
  return adopted(loopOf({ ...planned, name, run: chosen }), flags);
}

/** What the flags say counts, whatever the configuration says by now. */
export function adopted(loop: RunningLoop, { every, jitter, exclusive }: LoopFlags): RunningLoop {
  return {
    ...loop,
    ...given({
      every: every === undefined ? undefined : durationOf(every, '--every'),
      jitter: jitter === undefined ? undefined : shareOf(jitter, '--jitter'),
      exclusive: exclusive === undefined ? undefined : turnNameOf(exclusive),
    }),
  };
}

/** A name as the configuration allows it. @throws UsageError */
function turnNameOf(name: string): string {
  if (NAME.test(name)) return name;
  throw new UsageError(`--exclusive: '${name}' is not a name: letters, digits, '.', '_' and '-'`, {
    hint: 'the same command with --exclusive enqueue',
  });
}

/** Which loop was meant, by name where this host has loops. */
function noCommand({ name, here, show }: LoopFlags, plan: readonly PlannedLoop[]): UsageError {
  const names = plan.map((one) => one.name);
  const dflow = `dflow loop${here ? ' --here' : ''}${show ? ' --show' : ''}`;
  if (name === undefined) {
    const [first] = names;
    if (first === undefined)
      return new UsageError('a command is required after --', { hint: `${dflow} --every 15m -- register` });
    return new UsageError(`which loop? Those of this host are ${names.join(', ')}`, {
      hint: `${dflow} --name ${first}`,
    });
  }
  const near = nearest(name, names) ?? `${name} -- ${(commandOf(name) ?? ['register']).join(' ')}`;
  return new UsageError(`loop '${name}' is not among the loops of this host, and no command is given`, {
    hint: `${dflow} --name ${near}`,
  });
}

/** Commands that run for ever themselves, or ask a person. */
const NEVER: ReadonlySet<string> = new Set(['loop', 'screens', 'init', 'demo', 'help', 'completion']);

/** Flags with which a command never ends, so that a second round would never begin. */
const ENDLESS = /^--(follow|watch)(=|$)/;

/** @throws UsageError the words are not a command of dflow, or this command cannot run in a loop */
function checkCommand(run: readonly string[], commands: readonly string[]): void {
  const [first = ''] = run;
  if (NEVER.has(first)) throw new UsageError(`dflow ${first} cannot run in a loop`, { hint: 'dflow loop --help' });
  const endless = run.find((word) => ENDLESS.test(word));
  if (endless !== undefined)
    throw new UsageError(`dflow ${first} ${endless} does not end by itself, so it cannot be a round of a loop`, {
      hint: `dflow ${run.join(' ')}`,
    });
  if (run.some((word) => word === '--config' || word.startsWith('--config=')))
    throw new UsageError('--config belongs before --', { hint: `dflow loop --config FILE -- ${first}` });
  const names = commands.map((id) => id.replaceAll(':', ' '));
  const line = wordsOf(run).join(' ');
  if (names.some((name) => line === name || line.startsWith(`${name} `))) return;
  const near = nearest(line, names) ?? nearest(first, names);
  throw new UsageError(`'${line}' is not a command of dflow`, {
    hint: near === undefined ? 'dflow --help' : `dflow loop -- ${near}`,
  });
}

/** The id of the command that a loop runs: the longest that its words begin with. */
export function commandIdOf(run: readonly string[], commands: readonly string[]): string | undefined {
  const line = `${run.join(':')}:`;
  return [...commands].sort((a, b) => b.length - a.length).find((id) => line.startsWith(`${id}:`));
}

/** `10%` or `0.1`, up to a half. @throws UsageError */
function shareOf(text: string, flag: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  const share = Number(number) / (percent === '%' ? 100 : 1);
  if (number === undefined || share > 0.5)
    throw new UsageError(`${flag}: '${text}' is not a share from 0% to 50%`, {
      hint: `the same command with ${flag} 10%`,
    });
  return share;
}
