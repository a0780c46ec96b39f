// Looks at this machine by another process: a folder on a dead mount holds that one, and not doctor.
import { given } from '../../../util/values/given.ts';
import type { Patient } from './check.ts';

export interface Answer {
  readonly exit: number;
  readonly stdout: string;
  /** The last line of what it complained of. */
  readonly words: string;
}

/** Runs shell text with `args` as its `"$@"`. A program that is ended for its time has exit 124. */
export async function outside(
  { processes, settings }: Patient,
  script: string,
  args: readonly string[],
  timeout?: number,
): Promise<Answer> {
  const ran = await processes.shell(script, args, { cwd: settings.folder, ...given({ timeout }) });
  const exit = ran.timedOut ? 124 : (ran.exit ?? 125);
  return { exit, stdout: ran.stdout, words: ran.stderr.trim().split('\n').at(-1) ?? '' };
}

export type PathKind = 'folder' | 'file' | 'missing' | 'unreadable' | 'not-runnable';

const KINDS: Readonly<Record<number, PathKind>> = { 1: 'missing', 2: 'unreadable', 3: 'folder', 4: 'not-runnable' };

/** What is at a path, links followed. A script (`#!`) that nobody may run is `not-runnable`. */
export async function kindOf(patient: Patient, path: string): Promise<PathKind> {
  const script =
    '[ -e "$1" ] || exit 1; [ -r "$1" ] || exit 2; [ ! -d "$1" ] || exit 3; [ -x "$1" ] || [ "$(head -c 2 <"$1")" != "#!" ] || exit 4';
  const { exit } = await outside(patient, script, [path]);
  return KINDS[exit] ?? 'file';
}
