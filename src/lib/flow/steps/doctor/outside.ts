// Looks at this machine by another process: a folder on a dead mount holds that one, and not doctor.

import { inTime } from '../../../util/intime.ts';
import { ANSWER } from '../../../util/text/silence.ts';
import { SECOND } from '../../../util/time.ts';
import { type Finding, notChecked, type Patient } from './check.ts';

export interface Answer {
  readonly exit: number;
  readonly stdout: string;
  /** The last line of what it complained of. */
  readonly words: string;
}

/** Exit code of what did not answer in time. */
export const SILENT = 124;

/** Milliseconds that a program has to end once it is told to. */
const END = 6 * SECOND;

/** Runs shell text with `args` as its `"$@"`. A program that does not end in time has exit SILENT, and is ended. */
export async function outside(
  { processes, settings }: Patient,
  script: string,
  args: readonly string[],
  timeout = ANSWER,
): Promise<Answer> {
  // What waits for a dead disk cannot even be killed.
  const ran = await inTime(processes.shell(script, args, { cwd: settings.folder, timeout }), timeout + END);
  if (!ran) return { exit: SILENT, stdout: '', words: '' };
  const exit = ran.timedOut ? SILENT : (ran.exit ?? 125);
  return { exit, stdout: ran.stdout, words: ran.stderr.trim().split('\n').at(-1) ?? '' };
}

/** What `user` (`farm cedar`) cannot do without and is not on PATH; the check of tools says what mends it. */
export async function lacking(patient: Patient, user: string): Promise<Finding | undefined> {
  const programs = patient.tools.filter(({ users }) => users.includes(user)).map(({ program }) => program);
  if (programs.length === 0) return undefined;
  const script = 'for program; do command -v -- "$program" >/dev/null || echo "$program"; done';
  const [gone] = (await outside(patient, script, programs)).stdout.split('\n').filter((line) => line !== '');
  return gone === undefined ? undefined : notChecked(`${gone} is not on PATH: tools/${gone} says what mends it`);
}

export type PathKind = 'folder' | 'file' | 'missing' | 'unreadable' | 'not-runnable' | 'odd' | 'silent';

const KINDS: Readonly<Record<number, PathKind>> = {
  1: 'missing',
  2: 'unreadable',
  3: 'folder',
  4: 'not-runnable',
  5: 'odd',
  [SILENT]: 'silent',
};

const KIND = `[ -e "$1" ] || exit 1
[ -r "$1" ] || exit 2
[ ! -d "$1" ] || exit 3
[ -f "$1" ] || exit 5
[ -x "$1" ] || [ "$(head -c 2 <"$1")" != "#!" ] || exit 4`;

/** What is at a path, links followed. A script (`#!`) that nobody may run is `not-runnable`; a pipe or device is `odd`. */
export async function kindOf(patient: Patient, path: string): Promise<PathKind> {
  const { exit } = await outside(patient, KIND, [path]);
  return KINDS[exit] ?? 'file';
}
