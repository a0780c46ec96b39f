// Help: the first page in the groups of the chain, and every command's EXIT STATUS. Texts are the commands' own.
import { type Command, CommandHelp, Help } from '@oclif/core';

/** Groups of the first page, in the order in which people need them. A command that is not built is not shown. */
export const GROUPS: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'CHAIN',
    'what is due, once; a selection narrows it',
    ['register', 'tables', 'transfer', 'enqueue', 'submit', 'monitor', 'reset', 'purge', 'chain'],
  ],
  ['ASK', 'need a selection, a REF or --all', ['reprocess', 'produce', 'retry', 'cancel', 'delete', 'label']],
  [
    'LOOK',
    'change nothing',
    ['status', 'why', 'list', 'show', 'log', 'history', 'flow', 'events', 'report', 'wait', 'note'],
  ],
  [
    'SWITCH',
    'with --why and --for or --until; `list holds` shows them all',
    ['pause', 'resume', 'quarantine', 'farm', 'storage'],
  ],
  [
    'SET UP',
    'once',
    ['init', 'demo', 'doctor', 'verify', 'loop', 'screens', 'policy', 'config', 'module', 'store', 'autocomplete'],
  ],
];

export const EXITS: Readonly<Record<number, string>> = {
  0: 'done, or nothing to do',
  1: 'items newly failed in this call, each named',
  2: 'usage, configuration, or a store that must not be written',
  3: 'the store cannot be reached',
  4: 'credentials are missing or expired',
  5: 'a batch system or storage element cannot be reached, or is not the one expected',
  75: 'another instance holds the lease',
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
    const lines = [`dflow ${this.config.version}: ${this.config.pjson.description ?? ''}`, ''];
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
    const topic = below.map((other) => other.id.slice(word.length + 1)).join(' | ');
    const about = command?.summary ?? this.config.findTopic(word)?.description ?? '';
    const text = [about, topic && `(${topic})`].filter(Boolean).join('  ');
    return [`  ${word.padEnd(13)}${text}`];
  }
}
