// Help: the first page in the groups of the chain, and every command's EXIT STATUS. Texts are the commands' own.

import { type Command, CommandHelp, Errors, Help } from '@oclif/core';
import { UsageError } from '../../util/errors.ts';
import { nearest } from '../../util/text/near.ts';
import { field } from '../../util/values/field.ts';
import { misspelt } from '../arguments/misspelt.ts';
import { EXITS } from '../help/exitcodes.ts';
import { pageText } from '../help/page.ts';
import { TOPICS, topicPage } from '../help/topics.ts';

/** Groups of the first page, in the order in which people need them. A command that is not built is not shown. */
export const GROUPS: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'CHAIN',
    'the steps from raw file to processed data; each does what is due',
    ['register', 'tables', 'transfer', 'enqueue', 'submit', 'monitor', 'reset', 'purge', 'catalogue', 'chain'],
  ],
  [
    'ASK',
    'make, repeat, stop or undo chosen jobs',
    ['reprocess', 'produce', 'retry', 'cancel', 'delete', 'label', 'get'],
  ],
  [
    'LOOK',
    'look at the experiment; nothing is changed',
    ['status', 'why', 'list', 'show', 'log', 'history', 'flow', 'events', 'metrics', 'report', 'wait', 'note'],
  ],
  ['SWITCH', 'stop a part for some time; --why gives the reason', ['pause', 'resume', 'quarantine', 'farm', 'storage']],
  [
    'SET UP',
    'set up, check and try out',
    [
      'init',
      'demo',
      'doctor',
      'verify',
      'loop',
      'screens',
      'notify',
      'policy',
      'config',
      'module',
      'store',
      'completion',
      'help',
    ],
  ],
];

/** Columns of a terminal on which the first page must not wrap. */
const WIDTH = 80;

const INTRODUCTION = `dflow moves the data of an experiment from its detector to processed files. It
finds the raw files of each run, copies them to storage elements, runs the jobs
of each run on a batch system, and stores the outputs. It deletes a raw file
from the detector's disk only when enough copies are verified.

WORDS  used by all commands
  run              a numbered period of data taking; its files are subruns
  buffer           the disk next to the detector
  storage element  a place for copies: a folder or a grid server
  run table        the state of the detector during a run
  module, job      a program that processes runs; one execution for a run
  pass             the n-th time that a module processes a run
  farm             a place that runs jobs, with one batch system
  hold             something stopped by a person or by dflow, with a reason
  REF              a run (109134), or a pass (109134/Processing/2)`;

/** A command's own `exits`, or what every command may end with. */
export function exitsOf(command: Command.Loadable): readonly number[] {
  const own = field(command, 'exits');
  return Array.isArray(own) ? own : [0, 1, 2, 3];
}

class WithExitStatus extends CommandHelp {
  /** The summary is the first line of the page already. */
  protected override description(): string | undefined {
    const { description } = this.command;
    return description === undefined ? undefined : this.wrap(this.render(description));
  }

  /** `storage disable NAME --why TEXT [options]`: what must be given. The sections below name the options. */
  protected override defaultUsage(): string {
    const { id, args, flags, strict } = this.command;
    const names = Object.values(args).map(({ name, required }, index, all) => {
      const word = `${name.toUpperCase()}${strict === false && index === all.length - 1 ? '...' : ''}`;
      return required ? word : `[${word}]`;
    });
    const needed = Object.values(flags).flatMap((flag) => {
      if (!flag.required) return [];
      return `--${flag.name}${flag.type === 'option' ? ` ${flag.helpValue ?? 'TEXT'}` : ''}`;
    });
    return [id, ...names, ...needed, '[options]'].join(' ');
  }

  protected override sections(): ReturnType<CommandHelp['sections']> {
    const lines = [...exitsOf(this.command), 130].map((code): [string, string] => [String(code), EXITS[code] ?? '']);
    const section = { header: 'EXIT STATUS', generate: () => ({ header: 'EXIT STATUS', body: lines }) };
    return [...super.sections(), section];
  }
}

export default class DflowHelp extends Help {
  protected override CommandHelpClass = WithExitStatus;

  override async showHelp(argv: string[]): Promise<void> {
    const [word = '', ...more] = argv.filter((one) => !one.startsWith('-'));
    const topic = more.length === 0 ? topicPage(word) : undefined;
    if (topic) this.log(pageText(topic, process.stdout.columns || WIDTH));
    else if (this.isKnown(word)) await super.showHelp(argv);
    else throw this.unknown(word);
  }

  private isKnown(word: string): boolean {
    const { commandIDs } = this.config;
    return word === '' || commandIDs.some((id) => id === word || id.startsWith(`${word}:`));
  }

  /** The near miss among the pages and the commands. */
  private unknown(word: string): unknown {
    const near = nearest(word, TOPICS);
    if (near === undefined) return misspelt(new Errors.CLIError(`command ${word} not found`), this.config.commandIDs);
    return new UsageError(`'${word}' is not a command or a topic of dflow`, { hint: `dflow help ${near}` });
  }

  protected override async showRootHelp(): Promise<void> {
    const lines = [`dflow ${this.config.version}`, '', INTRODUCTION, ''];
    for (const [name, about, words] of GROUPS) {
      const rows = words.flatMap((word) => this.line(word));
      if (rows.length > 0) lines.push(`${name}  ${about}`, ...rows, '');
    }
    lines.push(
      `TOPICS  explained by \`dflow help TOPIC\`\n  ${TOPICS.join(', ')}`,
      '',
      'Start with `dflow demo`, or with `dflow init --from FOLDER` on your own files.\n`dflow COMMAND -h` explains a command; `man dflow-COMMAND` shows the same.',
    );
    this.log(lines.join('\n'));
  }

  /** One line of the first page: the command, and the words of its topic. */
  private line(word: string): string[] {
    const command = this.config.findCommand(word);
    const below = this.config.commands.filter((other) => other.id.startsWith(`${word}:`) && !other.hidden);
    if (!command && below.length === 0) return [];
    const topic = below.map((other) => other.id.slice(word.length + 1)).join(', ');
    const about = this.config.findTopic(word)?.description ?? command?.summary ?? '';
    const line = `  ${word.padEnd(13)}${about}`;
    if (topic === '') return [line];
    const whole = `${line} (${topic})`;
    return whole.length <= WIDTH ? [whole] : [line, `${' '.repeat(15)}(${topic})`];
  }
}
