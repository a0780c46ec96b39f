// Help: the first page in the groups of the chain, and every command's EXIT STATUS. Texts are the commands' own.
import { type Command, CommandHelp, Help } from '@oclif/core';

/** Groups of the first page, in the order in which people need them. A command that is not built is not shown. */
export const GROUPS: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'CHAIN',
    'do everything that is due, once; a selection limits a step',
    ['register', 'tables', 'transfer', 'enqueue', 'submit', 'monitor', 'reset', 'purge', 'chain'],
  ],
  [
    'ASK',
    'ask for work, or take it back, by REF or selection',
    ['reprocess', 'produce', 'retry', 'cancel', 'delete', 'label'],
  ],
  [
    'LOOK',
    'look; nothing is changed',
    ['status', 'why', 'list', 'show', 'log', 'history', 'flow', 'events', 'report', 'wait', 'note'],
  ],
  [
    'SWITCH',
    'switch things off and on again, with --why and --for or --until',
    ['pause', 'resume', 'quarantine', 'farm', 'storage'],
  ],
  [
    'SET UP',
    'set up, check and try out',
    ['init', 'demo', 'doctor', 'verify', 'loop', 'screens', 'policy', 'config', 'module', 'store', 'autocomplete'],
  ],
];

/** Columns of a terminal on which the first page must not wrap. */
const WIDTH = 80;

const INTRODUCTION = `A detector writes files, run after run. dflow registers them, copies them to
storage elements, makes the jobs of each run, submits and watches them, and
deletes files from the detector's disk only when enough copies are verified.`;

/** Summaries of commands that are not ours. */
const OWN_WORDS: Readonly<Record<string, string>> = { autocomplete: 'Switch on completion in your shell' };

export const EXITS: Readonly<Record<number, string>> = {
  0: 'done, or there was nothing to do',
  1: 'some items failed in this call; each is named',
  2: 'wrong usage, a wrong configuration, or a store that must not be written',
  3: 'the store cannot be reached',
  4: 'credentials are missing or expired',
  5: 'a batch system or storage element cannot be reached, or is not the one expected',
  75: 'another instance holds the lease, or dflow was replaced while it ran: try again',
  130: 'interrupted (143: terminated)',
};

/** A command's own `exits`, or what every command may end with. */
export function exitsOf(command: Command.Loadable): readonly number[] {
  const own = (command as { exits?: unknown }).exits;
  return Array.isArray(own) ? own : [0, 1, 2, 3];
}

class WithExitStatus extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    const lines = [...exitsOf(this.command), 130].map((code): [string, string] => [String(code), EXITS[code] ?? '']);
    const section = { header: 'EXIT STATUS', generate: () => ({ header: 'EXIT STATUS', body: lines }) };
    return [...super.sections(), section];
  }
}

export default class DflowHelp extends Help {
  protected override CommandHelpClass = WithExitStatus;

  protected override async showRootHelp(): Promise<void> {
    const lines = [`dflow ${this.config.version}`, '', INTRODUCTION, ''];
    for (const [name, about, words] of GROUPS) {
      const rows = words.flatMap((word) => this.line(word));
      if (rows.length > 0) lines.push(`${name}  ${about}`, ...rows, '');
    }
    lines.push('`dflow COMMAND --help` says more; `dflow init --from FOLDER` is where to start.');
    this.log(lines.join('\n'));
  }

  /** One line of the first page: the command, and the words of its topic. */
  private line(word: string): string[] {
    const command = this.config.findCommand(word);
    const below = this.config.commands.filter((other) => other.id.startsWith(`${word}:`) && !other.hidden);
    if (!command && below.length === 0) return [];
    const topic = below.map((other) => other.id.slice(word.length + 1)).join(', ');
    const about =
      (Object.hasOwn(OWN_WORDS, word) ? OWN_WORDS[word] : undefined) ??
      this.config.findTopic(word)?.description ??
      command?.summary ??
      '';
    const line = `  ${word.padEnd(13)}${about}`;
    if (topic === '') return [line];
    const whole = `${line} (${topic})`;
    return whole.length <= WIDTH ? [whole] : [line, `${' '.repeat(15)}(${topic})`];
  }
}
