// The demo's story: the commands as a person types them, as data, and the telling: each is run by a shell in the
// experiment's folder with the real program. Knows no flow.
import { delimiter, dirname } from 'node:path';
import chalk from 'chalk';
import { DflowError } from '../../util/errors.ts';
import { exec } from '../../util/processes/exec.ts';
import { shellWord } from '../../util/text/shell.ts';

export interface StoryStep {
  /** A sentence before it, for the reader. */
  readonly say?: string;
  /** What is typed, and what the shell runs. */
  readonly type: string;
  /** Lines shown at the beginning and at the end of what it prints; absent: all. */
  readonly show?: readonly [first: number, last: number];
  /** Lines between them that are shown, too. */
  readonly keep?: RegExp;
  /** Exit codes that belong to the story; absent: 0. */
  readonly exits?: readonly number[];
}

export const STORY: readonly StoryStep[] = [
  { type: 'dflow store setup' },
  {
    say: 'Files that the builder has closed are checksummed and catalogued. One run number is absurd.',
    type: 'dflow register',
    show: [3, 1],
    keep: /quarantined|blocked/,
    exits: [0, 1],
  },
  {
    say: 'The first pass made run tables; one run has none yet.',
    type: 'dflow tables load ratdb/*.ratdb',
    show: [2, 1],
  },
  { say: 'Raw files go to the primary storage element, then on to the others.', type: 'dflow transfer', show: [3, 1] },
  { say: 'Complete runs get the jobs that their type asks for.', type: 'dflow enqueue', show: [3, 2] },
  { type: 'dflow submit', show: [3, 1] },
  {
    say: 'All of that, round after round, until nothing is due. One file is damaged: its job fails, and says where.',
    type: 'dflow chain --until-idle',
    show: [2, 2],
    keep: /fail/i,
    exits: [0, 1],
  },
  {
    say: 'The ECA run holds the automatic passes of later runs until somebody has looked at it.',
    type: 'dflow list holds',
  },
  { type: "dflow resume 109137 --why 'ECA constants validated'" },
  { type: 'dflow chain --until-idle', show: [2, 2], exits: [0, 1] },
  { say: 'The shift in one page.', type: 'dflow status' },
  { say: 'The reason why a job is not done.', type: 'dflow why 109134/Processing' },
];

/** What to try next, as typed in the folder. */
const NEXT: readonly (readonly [command: string, what: string])[] = [
  ['dflow log 109134/Processing', 'what the damaged file did'],
  ['dflow why 109128', 'its run table is missing'],
  ['dflow tables load later/*.ratdb && dflow chain --until-idle', 'now it is there'],
  ['dflow why 109129', 'a subrun is missing'],
  ['dflow list jobs --state all', ''],
  ['dflow reprocess --run 109120-109124 --module Analysis40 --request try --dry-run', 'new passes'],
];

export interface Telling {
  readonly folder: string;
  /** bin/run.js */
  readonly program: string;
  readonly colour: boolean;
  readonly columns: number;
  readonly print: (line: string) => void;
}

/** A step of the demo ended as it should not (exit 1); what it printed was shown. */
class StoryError extends DflowError {}

/** Runs the story. @throws StoryError at the first command that ends otherwise than the story says */
export async function tell(story: readonly StoryStep[], telling: Telling): Promise<void> {
  for (const step of story) {
    telling.print('');
    if (step.say) telling.print(chalk.italic(step.say));
    telling.print(`${chalk.dim('$')} ${chalk.bold(step.type)}`);
    await runStep(step, telling);
  }
}

/** What to try next, as text. */
export function nextSteps(telling: Telling): string[] {
  const width = Math.max(...NEXT.map(([command]) => command.length));
  const commands = NEXT.map(([command, what]) => `  ${what ? `${command.padEnd(width)}  # ${what}` : command}`);
  const alias = `  cd ${shellWord(telling.folder)}; alias dflow=${shellWord(`node ${shellWord(telling.program)}`)}`;
  return ['', chalk.bold('Try next'), alias, ...commands];
}

/**
 * The shell sees `dflow` as a function, so that the text shown is the text run; a table, as on a terminal. What the
 * caller's shell says of another experiment must not lead the demo there.
 */
const SHELL = `unset DFLOW_CONFIG DFLOW_STORE DFLOW_FARM DFLOW_VERSION
dflow() { "$DFLOW_DEMO_NODE" "$DFLOW_DEMO_PROGRAM" "$@" --format table; }
`;

async function runStep(step: StoryStep, telling: Telling): Promise<void> {
  const ended = await exec('/bin/sh', ['-c', SHELL + step.type], { cwd: telling.folder, env: environment(telling) });
  for (const line of trimmed(ended.stdout, step)) telling.print(cut(line, telling.columns));
  const expected = step.exits ?? [0];
  if (ended.exit !== undefined && expected.includes(ended.exit)) return;
  for (const line of ended.stderr.trimEnd().split('\n')) telling.print(line);
  throw new StoryError(`${step.type}: ${ended.failure ?? 'exit 0, which the story does not expect'}`, {
    where: telling.folder,
    hint: `cd ${shellWord(telling.folder)}; ${step.type}`,
  });
}

function environment({ program, colour }: Telling): Record<string, string> {
  return {
    DFLOW_DEMO_NODE: process.execPath,
    DFLOW_DEMO_PROGRAM: program,
    // The modules call `node`: let it be this one.
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
    FORCE_COLOR: colour ? '1' : '0',
  };
}

/** The lines that the step shows, with the number of those left out in each gap. */
function trimmed(text: string, { show, keep }: StoryStep): string[] {
  if (text.trim() === '') return [];
  const lines = text.trimEnd().split('\n');
  if (!show) return lines;
  const shown: string[] = [];
  let left = 0;
  const gap = (): void => {
    if (left > 0) shown.push(chalk.dim(`... ${left} more lines`));
    left = 0;
  };
  for (const [index, line] of lines.entries()) {
    // An indented line, such as what to type next, goes with the one before it.
    const follows = left === 0 && line.startsWith('  ');
    if (follows || index < show[0] || index >= lines.length - show[1] || keep?.test(line)) {
      gap();
      shown.push(line);
    } else left++;
  }
  return shown;
}

/** At most `columns` characters, not counting colours. */
function cut(line: string, columns: number): string {
  let width = 0;
  let out = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    if (part.startsWith('\x1b')) out += part;
    else {
      out += part.slice(0, Math.max(0, columns - width));
      width += part.length;
    }
  }
  return out;
}
