// A command that does not exist: answered at once, with the one that was probably meant.

import { messageOf, UsageError } from '../../util/errors.ts';
import { nearest } from '../../util/text/near.ts';
import { field } from '../../util/values/field.ts';

/** What oclif throws for an unknown command, as a usage error; any other error as it is. */
export function misspelt(error: unknown, commands: readonly string[]): unknown {
  const framework = field(error, 'oclif');
  const [, id] = /^[Cc]ommand (.+?) not found\.?$/.exec(messageOf(error)) ?? [];
  if (!framework || id === undefined) return error;
  const longest = Math.max(...commands.map((name) => name.split(':').length));
  const words = id.split(/[: ]/).slice(0, longest);
  const names = commands.map((name) => name.replaceAll(':', ' '));
  const topics = names.map((name) => name.split(' ')[0] ?? name);
  const near = nearest(words.join(' '), names) ?? nearest(words[0] ?? '', [...names, ...topics]) ?? begun(id, names);
  const known = topics.includes(words[0] ?? '');
  const help = known ? `dflow ${words[0]} --help` : 'dflow --help';
  const asked = known ? words.join(' ') : (words[0] ?? id);
  const hint = near && near !== words[0] ? `did you mean: dflow ${near}` : help;
  const [command = '', ...more] = words;
  const text = `dflow ${command} takes no argument '${more.join(' ')}'`;
  return new UsageError(names.includes(command) ? text : `'${asked}' is not a command of dflow`, { hint });
}

/** The one command that begins with the word: `stat` is `status`. */
function begun(word: string, names: readonly string[]): string | undefined {
  const found = names.filter((name) => name.startsWith(word));
  return found.length === 1 ? found[0] : undefined;
}
