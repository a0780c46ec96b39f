// Who a process is, in one word that a document can carry: boot, name space, pid and start time. Whoever shares boot and
// name space can tell for certain whether it still lives; anybody else can not, whatever the host is called: containers
// of one machine have one boot id and each a process 7, and machines that were copied have one name.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { bootId, signal } from './processes.ts';

const SHAPE = /^([0-9a-f-]{8,64})\.(\d+\.\d+)\.(\d+)\.(\d+)$/;

/** This process; `undefined` where the system does not tell (macOS, a foreign /proc). */
export function thisProcess(): string | undefined {
  const space = nameSpace();
  const start = startOf(process.pid);
  const holder = `${bootId()}.${space}.${process.pid}.${start}`;
  return SHAPE.test(holder) ? holder : undefined;
}

/** Whether that process has ended; `undefined` where this one cannot tell. */
export function hasEnded(holder: string): boolean | undefined {
  const [, boot, space, pid, start] = SHAPE.exec(holder) ?? [];
  if (boot === undefined || boot !== bootId() || space !== nameSpace()) return undefined;
  if (!signal(Number(pid), 0)) return true;
  const found = startOf(Number(pid));
  // It is there, and hidden from this user: it may be the one.
  if (found === undefined) return false;
  return found !== start || !hasThreads(Number(pid));
}

/** Of process ids and of the clock that start times are told by. */
function nameSpace(): string | undefined {
  try {
    if (readlinkSync('/proc/self') !== String(process.pid)) return undefined;
    return `${inodeOf('/proc/self/ns/pid') ?? 0}.${inodeOf('/proc/self/ns/time') ?? 0}`;
  } catch {
    return undefined;
  }
}

function inodeOf(link: string): string | undefined {
  try {
    return /\[(\d+)\]/.exec(readlinkSync(link))?.[1];
  } catch {
    return undefined;
  }
}

/** Fields of a stat file after the name, which may hold blanks: state first, the start time as the twentieth. */
function fieldsOf(path: string): string[] | undefined {
  try {
    const text = readFileSync(path, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

const startOf = (pid: number): string | undefined => fieldsOf(`/proc/${pid}/stat`)?.[19];

/** A killed process is a zombie while one of its threads still hangs in a write to a slow disk: then it has not ended. */
function hasThreads(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => {
      const state = fieldsOf(`/proc/${pid}/task/${thread}/stat`)?.[0];
      return state !== undefined && state !== 'Z' && state !== 'X';
    });
  } catch {
    return false;
  }
}
