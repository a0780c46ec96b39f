// Processes as the kernel shows them: who a pid is until the machine restarts, whether it lives, and ending all of a job.
// Without /proc (macOS) nothing is found that way: there a job's own process group is all that is ended.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { codeOf } from '../systemerrors.ts';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** Changes at every start of the machine; `-` where the system does not tell. */
export function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? '-';
}

/** Fields of /proc/PID/stat after the name (which may hold blanks): state, ppid, pgrp, session, ... */
function stat(pid: number | string): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** When a living process started, in the kernel's ticks: with its number, who it is until the machine restarts. */
export function startTimeOf(pid: number): string | undefined {
  return stat(pid)?.[19];
}

/** Whether this very process still lives: same boot, same pid, same start time, and not a zombie. */
function isAlive(pid: number, startTime: string, boot: string): boolean {
  if (boot !== bootId()) return false;
  if (boot === '-') return signal(pid, 0);
  const fields = stat(pid);
  return fields !== undefined && fields[0] !== 'Z' && fields[19] === startTime;
}

/** Of ours, as Node knows it. */
export interface Child {
  readonly pid?: number | undefined;
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
}

/** Sends a signal to the process group that a child of ours leads, or led: not when its number is somebody else's by now. */
export function signalGroup({ pid, exitCode, signalCode }: Child, name: NodeJS.Signals): void {
  const ended = exitCode !== null || signalCode !== null;
  // A group keeps the number of its leader from being given away; who has it again, has it since the group ended.
  if (pid === undefined || (ended && startTimeOf(pid) !== undefined)) return;
  signal(-pid, name);
}

/** Whether no process has this number, or only what is left of one: a zombie, whose threads may still be ending. */
export function isGone(pid: number): boolean {
  const fields = stat(pid);
  return fields ? fields[0] === 'Z' : !signal(pid, 0);
}

/** Sends a signal; false when there is no such process (or group, for a negative pid). */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    // EPERM: it is there, but another user's (a set-uid payload).
    if (codeOf(error) === 'EPERM') return true;
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** What everything that a job starts inherits, whatever session it moves to: `DFLOW_JOB=<key>`. */
export const JOB_MARK = 'DFLOW_JOB';

/** The job whose mark a process has in its environment. Unreadable for others' processes, which are then nobody's. */
function jobOf(pid: number | string): string | undefined {
  const variables = read(`/proc/${pid}/environ`)?.split('\0');
  return variables?.find((one) => one.startsWith(`${JOB_MARK}=`))?.slice(JOB_MARK.length + 1);
}

/** The command line of a process. */
function wordsOf(pid: number): string[] {
  const words = read(`/proc/${pid}/cmdline`)?.split('\0');
  if (words || bootId() !== '-') return words ?? [];
  // macOS: one text, blanks in words are lost.
  const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout?.trim().split(/\s+/) ?? [];
}

/** Whether this process belongs to the job, by its mark or by the job file that it was started with. */
function isOfJob(pid: number, key: string): boolean {
  if (jobOf(pid) === key) return true;
  return wordsOf(pid).some((word) => word.endsWith(`/${key}`));
}

export interface Wrapper {
  readonly pid: number;
  readonly startTime: string;
  readonly boot: string;
}

/** Whether this very wrapper lives and is that of the job: a number alone may be somebody else's after a restart. */
export function isWrapper({ pid, startTime, boot }: Wrapper, key: string): boolean {
  return isAlive(pid, startTime, boot) && isOfJob(pid, key);
}

/** Asks a wrapper and its process group to end; false when it is not (any more) the job's. */
export function askToEnd(wrapper: Wrapper, key: string, group: boolean): boolean {
  return isWrapper(wrapper, key) && signal(group ? -wrapper.pid : wrapper.pid, 'SIGTERM');
}

interface Seen {
  readonly pid: number;
  readonly session: number;
  readonly startTime: string;
  readonly job: string | undefined;
}

function look(pid: number): Seen | undefined {
  const fields = stat(pid);
  if (!fields || fields[0] === 'Z') return undefined;
  return { pid, session: Number(fields[3]), startTime: fields[19] ?? '', job: jobOf(pid) };
}

/** All living processes; none where the system does not show them. */
function processes(): Seen[] {
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.flatMap((pid) => look(Number(pid)) ?? []);
  } catch {
    return [];
  }
}

/**
 * The processes of these jobs: those with a mark, and the others in a session that is theirs. A session is theirs when
 * one in it has a mark (so its number cannot have been given away) and its leader has ended or has the mark, too.
 */
function ofJobs(keys: ReadonlySet<string>): Seen[] {
  const all = processes();
  const marked = (one: Seen): boolean => one.job !== undefined && keys.has(one.job);
  const sessions = new Set(all.filter(marked).map(({ session }) => session));
  for (const one of all) if (one.pid === one.session && !marked(one)) sessions.delete(one.session);
  return all.filter((one) => one.pid !== process.pid && (marked(one) || sessions.has(one.session)));
}

/** Looks at most; a job that forks faster than it is killed is left to the next call. */
const ROUNDS = 10;

/**
 * Kills whatever these jobs have left running, in any session or process group. Who it is is looked up now, and once
 * more at the kill: a remembered number is never enough.
 */
export function endJobs(keys: ReadonlySet<string>): void {
  for (let round = 0; keys.size > 0 && round < ROUNDS; round++) {
    const found = ofJobs(keys);
    if (found.length === 0) return;
    for (const { pid, startTime, session } of found) {
      const now = stat(pid);
      if (now && now[19] === startTime && now[3] === String(session)) signal(pid, 'SIGKILL');
    }
  }
}
