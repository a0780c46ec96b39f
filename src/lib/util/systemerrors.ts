// What the system's errors mean, in one place: a name for each number, words for people, what to type, and the error of
// ours that says so. Node names 80 errors; the others come as `Unknown system error -116`.

import { constants } from 'node:os';
import { DflowError, type ErrorDetail, ItemError, messageOf } from './errors.ts';
import { field } from './values/field.ts';

/** Names of Linux that Node lacks, by number. */
const MORE: readonly (readonly [string, number])[] = [
  ['ENONET', 64],
  ['EREMOTE', 66],
  ['ECOMM', 70],
  ['ENOTUNIQ', 76],
  ['EBADFD', 77],
  ['EREMCHG', 78],
  ['EUSERS', 87],
  ['ESHUTDOWN', 108],
  ['EHOSTDOWN', 112],
  ['EUCLEAN', 117],
  ['EREMOTEIO', 121],
  ['ENOMEDIUM', 123],
  ['EMEDIUMTYPE', 124],
  ['ENOKEY', 126],
  ['EKEYEXPIRED', 127],
  ['EKEYREVOKED', 128],
  ['EKEYREJECTED', 129],
  ['EHWPOISON', 133],
];

const NAMES: ReadonlyMap<number, string> = new Map([
  ...MORE.map(([name, number]) => [number, name] as const),
  ...Object.entries(constants.errno).map(([name, number]) => [number, name] as const),
]);

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, ...), if it has one; found by its number where Node has no name. */
export function codeOf(error: unknown): string | undefined {
  const code = field(error, 'code');
  if (typeof code !== 'string') return undefined;
  const number = /^Unknown system error -(\d+)$/.exec(code)?.[1];
  return number === undefined ? code : (NAMES.get(Number(number)) ?? `E${number}`);
}

/** True for errors that mean "there is no such file". */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Errors of this process, its machine or a file server, which say nothing of the file that was asked for. */
const PASSING: ReadonlySet<string> = new Set([
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH'],
  ...['EREMOTEIO', 'EKEYEXPIRED', 'ENOKEY'],
]);

/** True when the same may well succeed later, whatever the file. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && PASSING.has(code);
}

interface Words {
  readonly text: string;
  readonly hint?: string;
}

const ROOM = 'free space there, or raise the quota';
const AGAIN = 'look at the disk or its server: dmesg | tail';
const FILES = 'allow more open files: ulimit -n 8192';

const WORDS: Readonly<Record<string, Words>> = {
  ENOENT: { text: 'does not exist' },
  ENOTDIR: { text: 'does not exist: a part of its path is a file' },
  ENOSPC: { text: 'no space left', hint: ROOM },
  EDQUOT: { text: 'over quota', hint: ROOM },
  EFBIG: { text: 'larger than this file system allows' },
  EACCES: { text: 'no permission', hint: 'check owner and mode of the file and its folder' },
  EPERM: { text: 'not permitted', hint: 'check owner, mode and attributes of the file and its folder' },
  EISDIR: { text: 'is a folder' },
  ELOOP: { text: 'is a symbolic link, or a loop of them' },
  ENAMETOOLONG: { text: 'the name is too long for this file system' },
  EROFS: {
    text: 'the file system is read-only',
    hint: 'mount the file system writable, or: dflow storage disable NAME --for 1d --why TEXT',
  },
  EIO: { text: 'input/output error', hint: AGAIN },
  EREMOTEIO: { text: 'input/output error at the file server', hint: AGAIN },
  EUCLEAN: { text: 'the file system is damaged', hint: 'unmount and check it: fsck' },
  EHWPOISON: { text: 'the memory of this page is damaged', hint: AGAIN },
  ESTALE: { text: 'stale file handle: the server no longer knows this file', hint: 'mount it again' },
  ENOTCONN: { text: 'the file system has lost its server', hint: 'mount it again' },
  ENODEV: { text: 'the device is gone', hint: 'mount it again' },
  ENXIO: { text: 'the device is gone', hint: 'mount it again' },
  EHOSTDOWN: { text: 'the file server is down', hint: 'look at the file server' },
  EHOSTUNREACH: { text: 'the file server cannot be reached', hint: 'look at the network' },
  ETIMEDOUT: { text: 'the file server does not answer', hint: 'look at the file server' },
  EKEYEXPIRED: { text: 'the key or ticket for the file server has expired', hint: 'renew it: kinit' },
  ENOKEY: { text: 'the key or ticket for the file server is missing', hint: 'get one: kinit' },
  EMFILE: { text: 'too many open files in this process', hint: FILES },
  ENFILE: { text: 'too many open files on this machine', hint: 'raise fs.file-max: sysctl fs.file-nr' },
  ENOMEM: { text: 'no memory left on this machine', hint: 'free -m' },
  EBUSY: { text: 'is in use' },
  ETXTBSY: { text: 'is a program that runs now' },
  EAGAIN: { text: 'the machine is short of processes or memory', hint: 'ulimit -u; free -m' },
};

/** A system error: its name, and what it says in words. */
export interface SystemFault extends Words {
  readonly code: string;
  /** The path that the system call was given. */
  readonly path?: string;
}

/** What a system error says; `undefined` for any other error: one of ours, an abort, a defect. */
export function systemFault(error: unknown): SystemFault | undefined {
  const code = codeOf(error);
  const framework = field(error, 'oclif');
  if (error instanceof DflowError || framework || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return undefined;
  const path = field(error, 'path');
  const words = WORDS[code] ?? { text: plain(error, code) };
  return { code, ...words, ...(typeof path === 'string' && path !== '' ? { path } : {}) };
}

/** `EXDEV: cross-device link not permitted, rename ...` -> `cross-device link not permitted`; a number keeps its name. */
function plain(error: unknown, code: string): string {
  const said = /^E[A-Z0-9]+: ([^,]+)/.exec(messageOf(error))?.[1];
  return said ? `${said} (${code})` : `the system says ${code}`;
}

/** Makes an error of ours of what failed. */
type Kind = new (message: string, detail: ErrorDetail) => DflowError;

/**
 * A system error as one of ours, `what: words`; `what` is the path of the call where it is not given. Any other error
 * as it is.
 */
export function ownError(error: unknown, what?: string, kind: Kind = ItemError): unknown {
  const fault = systemFault(error);
  if (!fault) return error;
  const lead = what ?? fault.path;
  const message = lead === undefined ? fault.text : `${lead}: ${fault.text}`;
  return new kind(message, { cause: error, ...(fault.hint ? { hint: fault.hint } : {}) });
}

/** The message of anything that was thrown; a system error in words. */
export function wordsOf(error: unknown): string {
  const fault = systemFault(error);
  if (!fault) return messageOf(error);
  return fault.path === undefined ? fault.text : `${fault.path}: ${fault.text}`;
}

/**
 * Each item by itself: what `work` answers, or the ItemError that concerns only this item. A system error is this
 * item's, named `what`; everything else is thrown.
 */
export async function orItemError<T>(what: string | undefined, work: () => Promise<T>): Promise<T | ItemError> {
  try {
    return await work();
  } catch (error) {
    const own = ownError(error, what);
    if (own instanceof ItemError) return own;
    throw own;
  }
}
