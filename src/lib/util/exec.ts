// Running another program: one thin layer over execa, loaded when first needed (it costs 78 ms to import).

export interface ExecOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Milliseconds; then SIGTERM, 5 s later SIGKILL, to the program itself. */
  readonly timeout?: number;
  /** Bytes of stdout and of stderr that are kept; more is an error. */
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

/** Runs a program with arguments, no shell between. */
export async function exec(file: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { execa } = await import('execa');
  const { maxBuffer = 64 * 1024 * 1024, timeout = 0, ...rest } = options;
  const result = await execa(file, [...args], {
    ...rest,
    timeout,
    maxBuffer,
    reject: false,
    stripFinalNewline: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : {}),
  });
  const failure = result.failed ? failureOf(result, timeout) : undefined;
  return {
    stdout: textOf(result.stdout),
    stderr: textOf(result.stderr),
    timedOut: result.timedOut,
    ...(result.exitCode === undefined ? {} : { exit: result.exitCode }),
    ...(result.signal === undefined ? {} : { signal: result.signal }),
    ...(failure === undefined ? {} : { failure }),
  };
}

/**
 * Runs a shell command with arguments as its `"$@"`. A command that names no argument itself gets them at its end:
 * `./make_tables` and `./make_tables "$@"` are the same.
 */
export function shell(command: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const text = /\$(?:[@*#1-9]|\{[@*#1-9])/.test(command) ? command : `${command} "$@"`;
  return exec('/bin/sh', ['-c', text, 'sh', ...args], options);
}

interface Ended {
  readonly timedOut: boolean;
  readonly isMaxBuffer: boolean;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly code?: string | undefined;
  readonly originalMessage?: string | undefined;
}

function failureOf(ended: Ended, timeout: number): string {
  if (ended.timedOut) return `longer than ${timeout / 1000} s`;
  if (ended.isMaxBuffer) return 'it printed too much';
  if (ended.code === 'ENOENT') return 'not found';
  if (ended.signal !== undefined) return `killed by ${ended.signal}`;
  return ended.exitCode === undefined ? (ended.originalMessage ?? 'it did not start') : `exit ${ended.exitCode}`;
}

function textOf(output: unknown): string {
  return typeof output === 'string' ? output : '';
}
