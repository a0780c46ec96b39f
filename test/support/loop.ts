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
  for (const child of running.splice(0)) child.kill('SIGKILL');
}
/** Starts `dflow loop --json ...words`. */
export function loop(folder: string, words: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [BIN, 'loop', '--json', ...words], {
    cwd: folder,
    env: environment(env, folder),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  const said: Line[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout! }).on('line', (line) => {
    said.push(JSON.parse(line) as Line);
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
