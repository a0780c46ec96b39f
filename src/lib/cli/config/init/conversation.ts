// `dflow init` on a terminal: shows with examples how names of files are read, and asks what the names leave open. Nothing
// is written before the last answer. The questions are on stderr.
import { basename, resolve } from 'node:path';
import { type CANCEL_SYMBOL, cancel, confirm, intro, isCancel, log, outro, select, text } from '@clack/prompts';
import type { Doubt } from '../../../domain/runs/guess.ts';
import { compilePattern } from '../../../domain/runs/pattern.ts';
import { shortened, wrapped } from '../../../render/wrap.ts';
import { DflowError, messageOf } from '../../../util/errors.ts';
import { counted } from '../../../util/text/counted.ts';
import { oneLine } from '../../../util/text/terminal.ts';
import { type Asked, experimentOf, planInit } from './init.ts';
import { initStorage } from './initstorage.ts';
import { type Looked, lookAt, named, wrongPattern } from './looked.ts';

/** Thrown when a person says no or types ^C. Nothing was written. */
export class Left extends Error {
  constructor(readonly byKey: boolean) {
    super('Nothing was written.');
  }
}

const ON = { input: process.stdin, output: process.stderr };
/** Names that are shown as examples. */
const EXAMPLES = 3;

/** Asks for what the command line leaves open. @throws Left */
export async function converse(folder: string, said: Partial<Asked>): Promise<Asked> {
  const restore = keepTerminal();
  try {
    intro('A configuration for a folder of raw files', ON);
    const looked = await askFrom(folder, said.from);
    const pattern = said.pattern ?? (await askPattern(looked));
    const experiment = said.experiment ?? (await askExperiment(folder));
    const storage = await askStorage(folder, looked.from, said.storage);
    const asked: Asked = { from: looked.from, pattern, experiment, storage };
    const plan = planInit({ folder, ...asked });
    log.info(['dflow.yaml:', ...settingsOf(plan.text)].join('\n'), ON);
    if (!(await answer(confirm({ message: 'Write it, and set up the store?', ...ON })))) throw new Left(false);
    return asked;
  } catch (error) {
    if (error instanceof Left) cancel(error.message, ON);
    throw error;
  } finally {
    restore();
  }
}

/** Prints the commands to type next, below the result. */
export function farewell(checks: number, next: readonly string[]): void {
  log.success(`${counted(checks, 'check')} of the set-up found nothing wrong`, ON);
  outro(`Next: ${next.join('\n         ')}`, ON);
}

/** The lines of a configuration without comments. */
function settingsOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/(^| +)# .*$/, '').trimEnd());
  return lines.filter((line) => line !== '').map((line) => `  ${line}`);
}

/** A signal may end the process during a question, when the terminal has no echo and no cursor: both come back. */
function keepTerminal(): () => void {
  const restore = (): void => {
    if (process.stdin.isRaw) process.stdin.setRawMode(false);
    process.stderr.write('\x1b[?25h');
  };
  process.prependListener('exit', restore);
  return () => {
    process.removeListener('exit', restore);
    restore();
    process.stdin.unref?.();
  };
}

async function answer<T>(asked: Promise<T | typeof CANCEL_SYMBOL>): Promise<T> {
  const given = await asked;
  if (isCancel(given)) throw new Left(true);
  return given;
}

async function askFrom(folder: string, said: string | undefined): Promise<Looked> {
  for (let from = said; ; from = undefined) {
    const name =
      from ?? (await answer(text({ message: 'In which folder do raw files appear?', initialValue: './raw', ...ON })));
    try {
      const looked = lookAt(folder, name);
      if (looked.names.length > 0) return looked;
      log.warn(lines(`'${name}' has no file from which to guess the pattern`), ON);
      if (said !== undefined && from !== undefined) return looked;
    } catch (error) {
      if (!(error instanceof DflowError)) throw error;
      log.warn(lines(error.message), ON);
    }
  }
}

/** The question for each doubt about the names. */
const DOUBTS: Readonly<Record<Doubt, string>> = {
  dates: 'The names have a date only. What is the run?',
  numbers: 'Two numbers of the names vary. Which is the run?',
  many: 'Several numbers of the names vary. Which is the run?',
  names: 'There are two kinds of names. Which are the raw files?',
  one: 'From a single name it is not sure. Which number is the run?',
  long: 'The number is too long for a run. What is the run?',
  twins: 'Some files would be the same run and subrun. What is the run?',
};

const OTHER = '';

async function askPattern({ from, names, guess, twins, rename }: Looked): Promise<string> {
  const { patterns, doubt } = guess;
  const usable = twins === undefined ? patterns : [];
  if (twins !== undefined) log.warn(lines(twins), ON);
  if (rename !== undefined) await askRename(rename);
  if (usable.length === 0) {
    if (names.length > 0) log.info(exampleLines(names).join('\n'), ON);
    return askOwn(names);
  }
  const first = usable[0] ?? '';
  if (doubt === undefined) {
    log.info([`${counted(names.length, 'file')} in ${oneLine(from)}`, ...reading(first, names)].join('\n'), ON);
    if (await answer(confirm({ message: `Is ${oneLine(first)} right?`, ...ON }))) return first;
    return askOwn(names);
  }
  log.info([`${counted(names.length, 'file')} in ${oneLine(from)}`, ...exampleLines(names)].join('\n'), ON);
  const options = usable.map((pattern) => ({ value: pattern, ...label(pattern, names) }));
  const other = { value: OTHER, label: 'something else: type a pattern' };
  const chosen = await answer(select({ message: DOUBTS[doubt], options: [...options, other], ...ON }));
  if (chosen === OTHER) return askOwn(names);
  log.info(reading(chosen, names).join('\n'), ON);
  return chosen;
}

/** Asks what to do where the run is in the name of the folder: rename the files, or type a pattern. */
async function askRename(command: string): Promise<void> {
  const options = [
    { value: true, label: 'show how to put the folder into the names' },
    { value: false, label: 'type a pattern' },
  ];
  const rename = await answer(select({ message: 'How shall the files get their run?', options, ...ON }));
  if (!rename) return;
  log.info('Type this, then repeat the command:', ON);
  process.stderr.write(`${command}\n`);
  throw new Left(false);
}

async function askOwn(names: readonly string[]): Promise<string> {
  const message = 'Pattern, such as run{run}_{subrun}_{*}.dat';
  const validate = (typed: string | undefined): string | undefined => wrongPattern(typed ?? '', names);
  const pattern = await answer(text({ message, validate, ...ON }));
  if (names.length > 0) log.info(reading(pattern, names).join('\n'), ON);
  return pattern;
}

async function askExperiment(folder: string): Promise<string> {
  const validate = (typed: string | undefined): string | undefined =>
    /^[A-Za-z0-9_.-]+$/.test(typed ?? '') ? undefined : 'letters, digits, `.`, `_` and `-`';
  const message = 'Name of the experiment, which the store keeps for good';
  return answer(text({ message, initialValue: experimentOf(basename(resolve(folder))), validate, ...ON }));
}

/** Asks for the folder of copies, again where it contains the raw files or lies within them. */
async function askStorage(folder: string, from: string, said: string | undefined): Promise<string> {
  if (said !== undefined) return initStorage(folder, from, said);
  const initialValue = await initStorage(folder, from);
  for (;;) {
    const validate = (typed: string | undefined): string | undefined =>
      (typed ?? '').trim() === '' ? 'a folder is required' : undefined;
    const typed = await answer(
      text({ message: 'In which folder shall copies be kept?', initialValue, validate, ...ON }),
    );
    try {
      return await initStorage(folder, from, typed);
    } catch (error) {
      if (!(error instanceof DflowError)) throw error;
      log.warn(lines(`${messageOf(error)}: copies must be elsewhere`), ON);
    }
  }
}

/** An option of a question: an example, with the pattern where the line has room. */
function label(pattern: string, names: readonly string[]): { label: string; hint?: string } {
  const { parse } = compilePattern(pattern);
  const text = shortened(named(pattern, names.find((one) => parse(one)) ?? ''), columns() - 8);
  return text.length + pattern.length + 11 < columns() ? { label: text, hint: oneLine(pattern) } : { label: text };
}

/** A text wrapped to the width of the terminal. */
function lines(text: string): string {
  return wrapped(oneLine(text), columns() - 4).join('\n');
}

/** Examples of names with their numbers, and the count of names that do not match. */
function reading(pattern: string, names: readonly string[]): string[] {
  const { parse } = compilePattern(pattern);
  const fit = names.filter((name) => parse(name));
  const other = names.find((name) => !parse(name));
  const lines = examples(fit).map((name) => named(pattern, name));
  if (other !== undefined) {
    const rest = names.length - fit.length;
    lines.push(`${counted(rest, 'file is', 'files are')} left out, such as ${oneLine(other)}`);
  }
  return lines.map((line) => shortened(line, columns() - 6));
}

function exampleLines(names: readonly string[]): string[] {
  return examples(names).map((name) => shortened(oneLine(name), columns() - 6));
}

/** The first names and the last one. */
function examples(names: readonly string[]): string[] {
  return [...new Set([...names.slice(0, EXAMPLES - 1), ...names.slice(-1)])];
}

function columns(): number {
  return process.stderr.columns || 80;
}
