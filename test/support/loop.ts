// `dflow loop` as a process, with the lines that it says.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { BIN, environment } from './cli.ts';

export interface Line {
  readonly did: string;
  readonly text: string;
  readonly exit?: number;
  readonly next?: string;
  readonly began?: string;
  readonly until?: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly said: Line[];
  /** The first line, of those said and to come, that fits. */
  until(fits: (line: Line) => boolean): Promise<Line>;
  /** The exit code, or the signal. */
  readonly ended: Promise<number | string>;
}

const running: ChildProcess[] = [];

/** For `afterEach`. */
export function killLoops(): void {
  for (const { pid, exitCode, signalCode } of running.splice(0))
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
}

/** Starts `dflow loop --json ...words`. */
export function loop(folder: string, words: readonly string[], env: Record<string, string> = {}): Running {
  return speaking(process.execPath, [BIN, 'loop', '--json', ...words], folder, env);
}

/** Starts a program that says JSON lines, and perhaps others, as the leader of a group. */
export function speaking(
  program: string,
  words: readonly string[],
  folder: string,
  env: Record<string, string> = {},
): Running {
  const child = spawn(program, words, {
    cwd: folder,
    env: environment(env, folder),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  running.push(child);
  const said: Line[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout! }).on('line', (line) => {
    said.push(line.startsWith('{') ? (JSON.parse(line) as Line) : { did: 'said', text: line });
    for (const look of waiting) look();
  });
  const until = (fits: (line: Line) => boolean): Promise<Line> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = said.find(fits);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  return { child, said, until, ended };
}

export const isRound = ({ did }: Line): boolean => ['done', 'unchanged', 'failed', 'skipped'].includes(did);
