// A change that the screen can make: the words of the command that makes the same change.
import { shellWord } from '../../util/text/shell.ts';

export interface Action {
  readonly verb: 'retry' | 'pause' | 'resume';
  readonly words: readonly string[];
}

/** As a person types it. */
export function commandLine(verb: string, words: readonly string[] = []): string {
  return ['dflow', verb, ...words.map(shellWord)].join(' ');
}
