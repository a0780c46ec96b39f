// Starting the programs that reach storage elements: a process group each, so that a time limit or an abort ends what
// they have started, too; output as text or handed over in chunks. Knows nothing of what the programs say.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { signalGroup } from '../../util/processes/processes.ts';

export interface RunOptions {
  /** Added to this process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds; then the group is killed. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
  /** Takes stdout instead of its being kept; waited for, so that a slow taker slows the program down. */
  readonly sink?: (chunk: Buffer) => Promise<void>;
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  /** Absent when it was killed or never started. */
  readonly exit?: number;
  readonly timedOut: boolean;
  /** The program is not installed. */
  readonly absent: boolean;
}

/** Runs a program to its end. Its failure is not an error here; an abort throws the signal's reason, after its end. */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  options.signal?.throwIfAborted();
  const child = spawn(...mortal(file, args), {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  tied(child);
  const limits = limited(child, options);
  let absent = false;
  child.on('error', (error: NodeJS.ErrnoException) => {
    absent = error.code === 'ENOENT';
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const stderr = text(child.stderr);
  try {
    const stdout = options.sink ? await drain(child, options.sink) : await text(child.stdout);
    const exit = await ended;
    options.signal?.throwIfAborted();
    const said = await stderr;
    absent ||= exit === 127 && said.startsWith('setpriv: failed to execute');
    const result = { stdout, stderr: said, timedOut: limits.passed(), absent };
    return exit === null || exit < 0 ? result : { ...result, exit };
  } catch (error) {
    killGroup(child);
    await ended;
    throw error;
  } finally {
    limits.done();
  }
}

async function drain(child: ChildProcess, sink: (chunk: Buffer) => Promise<void>): Promise<string> {
  for await (const chunk of child.stdout ?? []) await sink(chunk);
  return '';
}

async function text(stream: AsyncIterable<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

/**
 * The same program so that the kernel kills it when this process is killed: a copy that nobody waits for would go on
 * writing after another attempt has cleared away what was there. Where there is no setpriv (Linux has it) it is not tied.
 */
export function mortal(file: string, args: readonly string[]): [string, string[]] {
  const plain: [string, string[]] = [file, [...args]];
  if (!SETPRIV || (file.startsWith('/') && !existsSync(file))) return plain;
  return [SETPRIV, ['--pdeathsig', 'KILL', '--', file, ...args]];
}

const running = new Set<ChildProcess>();

/** Until it has closed, the program's group ends when this process does. */
export function tied(child: ChildProcess): void {
  if (running.size === 0) process.once('exit', killAll);
  running.add(child);
  child.once('close', () => {
    running.delete(child);
    if (running.size === 0) process.off('exit', killAll);
  });
}

function killAll(): void {
  for (const child of running) killGroup(child);
}

/** These programs have no state worth a farewell, and a black-holed one does not listen. */
export function killGroup(child: ChildProcess): void {
  signalGroup(child, 'SIGKILL');
}

function limited(child: ChildProcess, { timeout, signal }: RunOptions): { done: () => void; passed: () => boolean } {
  let passed = false;
  const kill = (): void => killGroup(child);
  const timer = setTimeout(() => {
    passed = true;
    kill();
  }, timeout);
  signal?.addEventListener('abort', kill, { once: true });
  const done = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
  };
  return { done, passed: () => passed };
}
