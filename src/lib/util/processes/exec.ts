// Running another program: one thin layer over execa, loaded when first needed (it costs 78 ms to import).
// A program gets a process group of its own, so that a time limit ends what it has started, too.
import { LONGEST_TIMER } from '../time.ts';
import { given } from '../values/given.ts';
import { type Child, signalGroup } from './processes.ts';

export interface ExecOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Milliseconds; then SIGTERM to the whole group, 5 s later SIGKILL. */
  readonly timeout?: number;
  /** How the bytes of stdout and stderr become characters; default UTF-8. */
  readonly encoding?: 'latin1';
  /** Characters of stdout and of stderr that are kept; more is a failure. */
  readonly maxBuffer?: number;
}

/** How a program ended. It never throws for a failure of the program: `failure` says what went wrong, in words. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Absent when it was not started or was killed. */
  readonly exit?: number;
  readonly signal?: string;
  readonly timedOut: boolean;
  /** `exit 2`, `killed by SIGKILL`, `longer than 60 s`, `not found`; absent when it exited with 0. */
  readonly failure?: string;
}

const GRACE = 5_000;

/** Runs a program with arguments, no shell between. */
export async function exec(file: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { execa } = await import('execa');
  const { maxBuffer = 64 * 1024 * 1024, timeout, ...rest } = options;
  const running = execa(file, [...args], {
    ...rest,
    cwd: rest.cwd ?? here(),
    maxBuffer,
    reject: false,
    stripFinalNewline: false,
    detached: true,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : {}),
  });
  const limit = limited(running, timeout);
  const result = await running.finally(limit.done);
  const timedOut = limit.passed();
  const failure = timedOut ? `longer than ${(timeout ?? 0) / 1000} s` : result.failed ? failureOf(result) : undefined;
  return {
    stdout: textOf(result.stdout),
    stderr: textOf(result.stderr),
    timedOut,
    ...given({ exit: result.exitCode, signal: result.signal, failure }),
  };
}

/** The working folder, or `/` once it was removed: most programs need none. */
function here(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

/** Runs a shell command; `args` are its `"$@"`, as in modules. */
export function shell(command: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  // Not as a word of the command line, which everybody on this machine can read: it may hold a secret.
  const script = 'dflow_command=$DFLOW_COMMAND; unset DFLOW_COMMAND; eval "$dflow_command"';
  return exec('/bin/sh', ['-c', script, 'sh', ...args], {
    ...options,
    env: { ...options.env, DFLOW_COMMAND: command },
  });
}

/** Ends the group after its time, and when this process ends before it. */
function limited(child: Child, timeout: number | undefined): { done: () => void; passed: () => boolean } {
  let passed = false;
  const timers: NodeJS.Timeout[] = [];
  const kill = (name: NodeJS.Signals): void => signalGroup(child, name);
  const atExit = (): void => kill('SIGTERM');
  process.once('exit', atExit);
  if (timeout !== undefined) {
    const expire = (): void => {
      passed = true;
      kill('SIGTERM');
      timers.push(setTimeout(() => kill('SIGKILL'), GRACE));
    };
    timers.push(setTimeout(expire, Math.min(timeout, LONGEST_TIMER)));
  }
  const done = (): void => {
    for (const timer of timers) clearTimeout(timer);
    process.off('exit', atExit);
  };
  return { done, passed: () => passed };
}

interface Ended {
  readonly isMaxBuffer: boolean;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly code?: string | undefined;
  readonly originalMessage?: string | undefined;
}

function failureOf(ended: Ended): string {
  if (ended.isMaxBuffer) return 'it printed too much';
  if (ended.code === 'ENOENT') return 'not found';
  if (ended.signal !== undefined) return `killed by ${ended.signal}`;
  return ended.exitCode === undefined ? (ended.originalMessage ?? 'it did not start') : `exit ${ended.exitCode}`;
}

function textOf(output: unknown): string {
  return typeof output === 'string' ? output : '';
}
