// Processes as the kernel shows them: who a pid is until the machine restarts, whether it lives, and ending a session.
// Without /proc (macOS) a pid alone is trusted.
import { readdirSync, readFileSync } from 'node:fs';
import { codeOf } from './systemerrors.ts';

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

/** Whether this very process still lives: same boot, same pid, same start time, and not a zombie. */
export function isAlive(pid: number, startTime: string, boot: string): boolean {
  if (boot !== bootId()) return false;
  if (boot === '-') return signal(pid, 0);
  const fields = stat(pid);
  return fields !== undefined && fields[0] !== 'Z' && fields[19] === startTime;
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

/**
 * Kills every process of the session that `leader` began. A process group is not enough: `timeout` puts the payload
 * into a group of its own.
 */
export function killSession(leader: number): void {
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    signal(-leader, 'SIGKILL');
    return;
  }
  for (const pid of pids) {
    const fields = stat(pid);
    if (fields && fields[3] === String(leader) && fields[0] !== 'Z') signal(Number(pid), 'SIGKILL');
  }
}
