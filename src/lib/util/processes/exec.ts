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
  /** Aborted when the program shall end before its time. */
  readonly stopping?: AbortSignal | undefined;
}

/** Files that get what a shell command prints; that of errors is appended to. */
export interface OutputFiles {
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program ended. It never throws for a failure of the program: `failure` says what went wrong, in words. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Absent when it was not started or was killed. */
  readonly exit?: number;
  readonly signal?: string;
  readonly timedOut: boolean;
  /** It was told to end by `stopping`. */
  readonly stopped?: boolean;
  /** `exit 2`, `killed by SIGKILL`, `longer than 60 s`, `not found`; absent when it exited with 0. */
  readonly failure?: string;
}

const GRACE = 5_000;

/** Runs a program with arguments, no shell between. */
export function exec(file: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  return run(file, args, options, options.input === undefined ? 'ignore' : undefined);
}

async function run(
  file: string,
  args: readonly string[],
  options: ExecOptions,
  stdin: 'ignore' | 'pipe' | undefined,
): Promise<ExecResult> {
  const { execa } = await import('execa');
  const { maxBuffer = 64 * 1024 * 1024, timeout, stopping, ...rest } = options;
  const running = execa(file, [...args], {
    ...rest,
    cwd: rest.cwd ?? here(),
    maxBuffer,
    reject: false,
    stripFinalNewline: false,
    detached: true,
    ...given({ stdin }),
  });
  const limit = limited(running, timeout, stopping);
  const result = await running.finally(limit.done);
  const ended = limit.ended();
  const timedOut = ended === 'time';
  const stopped = ended === 'stopped' || undefined;
  const early = { time: `longer than ${(timeout ?? 0) / 1000} s`, stopped: 'stopped' };
  const failure = ended ? early[ended] : result.failed ? failureOf(result) : undefined;
  return {
    stdout: textOf(result.stdout),
    stderr: textOf(result.stderr),
    timedOut,
    ...given({ exit: result.exitCode, signal: result.signal, failure, stopped }),
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

/**
 * A watcher in the group of the command waits for this process to end, and then kills the group. It does not end with
 * SIGTERM, and the shell waits for the command, so that both the command and the watcher have their grace.
 */
const WATCHED = `dflow_command=$DFLOW_COMMAND dflow_out=$DFLOW_STDOUT dflow_err=$DFLOW_STDERR
unset DFLOW_COMMAND DFLOW_STDOUT DFLOW_STDERR
exec 3<&0 </dev/null
( trap '' TERM; read -r dflow_end <&3; kill -KILL 0 ) >/dev/null 2>&1 &
dflow_watcher=$!
exec 3<&-
trap : TERM
( trap - TERM; eval "$dflow_command" ) >"$dflow_out" 2>>"$dflow_err"
dflow_exit=$?
kill -KILL "$dflow_watcher"
exit "$dflow_exit"`;

/** Runs a shell command whose output goes to files. Nothing that it has started lives longer than this process. */
export function shellToFiles(
  command: string,
  args: readonly string[],
  { stdout, stderr }: OutputFiles,
  options: ExecOptions = {},
): Promise<ExecResult> {
  const env = { ...options.env, DFLOW_COMMAND: command, DFLOW_STDOUT: stdout, DFLOW_STDERR: stderr };
  return run('/bin/sh', ['-c', WATCHED, 'sh', ...args], { ...options, env }, 'pipe');
}

/** Ends the group after its time, when it is told to, and when this process ends before it. */
function limited(child: Child, timeout: number | undefined, stopping: AbortSignal | undefined) {
  let ended: 'time' | 'stopped' | undefined;
  const timers: NodeJS.Timeout[] = [];
  const kill = (name: NodeJS.Signals): void => signalGroup(child, name);
  const atExit = (): void => kill('SIGTERM');
  process.once('exit', atExit);
  const end = (why: 'time' | 'stopped'): void => {
    ended ??= why;
    kill('SIGTERM');
    timers.push(setTimeout(() => kill('SIGKILL'), GRACE));
  };
  const stop = (): void => end('stopped');
  if (timeout !== undefined) timers.push(setTimeout(() => end('time'), Math.min(timeout, LONGEST_TIMER)));
  if (stopping?.aborted) stop();
  else stopping?.addEventListener('abort', stop);
  const done = (): void => {
    for (const timer of timers) clearTimeout(timer);
    process.off('exit', atExit);
    stopping?.removeEventListener('abort', stop);
    // What the leader has left behind had the same time.
    if (ended) kill('SIGKILL');
  };
  return { done, ended: () => ended };
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
