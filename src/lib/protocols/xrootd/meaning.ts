// What xrdcp and xrdfs mean by their exit codes and error lines (XRootD 4.12 to 5.x), and what they print. Pure.
import type { Space } from '../../util/files/disk.ts';
import { nth } from '../../util/values/have.ts';
import { type Meaning, RemoteFailure } from '../tools/meaning.ts';
import type { Ran } from '../tools/process.ts';

/** By the server's error number, in brackets in the tools' words. */
const BY_NUMBER: Readonly<Record<string, Meaning>> = {
  3003: 'busy', // another writer has it open
  3009: 'full',
  3010: 'denied',
  3011: 'missing',
  3012: 'busy', // "server error": a checksum queue that is full, a daemon that restarts
  3013: 'unable',
  3014: 'down', // no server has it, or none is up
  3015: 'folder',
  3016: 'folder',
  3019: 'corrupt',
  3020: 'busy',
  3021: 'full',
  3024: 'busy',
  3025: 'denied',
  3028: 'credentials',
  3030: 'credentials',
};

const BY_TEXT: readonly (readonly [RegExp, Meaning])[] = [
  [/no such file|not a directory/i, 'missing'],
  [/no space left|quota exceeded/i, 'full'],
  [/check ?sum error|checksum mismatch/i, 'corrupt'],
  [/auth(entication|orization)? failed|no protocols left|cannot obtain credential|login failed/i, 'credentials'],
  [
    /\[FATAL\]|connection error|invalid address|socket|invalid session|internal error|operation expired|timeout|stream error|poller/i,
    'down',
  ],
  [/not supported|unsupported|not implemented|tpc.*(disabled|not allowed)/i, 'unable'],
];

/** By the exit code, where the words say nothing. */
const BY_EXIT: Readonly<Record<number, Meaning>> = { 51: 'down', 52: 'down', 53: 'corrupt' };

/** What an error text (and exit code) means. The server's number says more than the words around it. */
export function meaningOf(text: string, exit?: number): Meaning {
  const number = /\[(3\d\d\d)\]/.exec(text)?.[1];
  const byText = BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
  if (number === '3005' || number === '3007') return byText ?? 'failed';
  const byNumber = number === undefined ? undefined : BY_NUMBER[number];
  return byNumber ?? byText ?? (exit === undefined ? 'failed' : (BY_EXIT[exit] ?? 'failed'));
}

/** The failure of a finished program; `undefined` when it succeeded. `clean` takes secrets out. */
export function failureOf(ran: Ran, clean: (text: string) => string, tool: string): RemoteFailure | undefined {
  if (ran.absent) return new RemoteFailure('down', `${tool} is not installed (package xrootd-client)`);
  if (ran.timedOut) return new RemoteFailure('down', `${tool} did not answer in time`);
  if (ran.exit === 0) return undefined;
  const words = wordsOf(ran.stderr) || wordsOf(ran.stdout);
  const text = words || (ran.exit === undefined ? `${tool} was killed` : `${tool} ended with exit ${ran.exit}`);
  return new RemoteFailure(meaningOf(text, ran.exit), clean(text));
}

/** The lines that say an error; all lines where none does. */
function wordsOf(text: string): string {
  const lines = text.split('\n').map((line) => line.replaceAll('\0', '').trim());
  const errors = lines.filter((line) => /\[(ERROR|FATAL)\]|error|failed/i.test(line));
  return (errors.length > 0 ? errors : lines).filter((line) => line !== '').join('; ');
}

/** The error lines in a session's answer, if there are any. */
export function errorIn(answer: string): string | undefined {
  // Most have none, and some are as long as a folder.
  if (!/\[(?:ERROR|FATAL)\]/.test(answer)) return undefined;
  const lines = answer.match(/^(?:.*: )?\[(?:ERROR|FATAL)\].*$/gm);
  return lines?.map((line) => line.replaceAll('\0', '').trim()).join('; ');
}

/** What `stat` prints. Times are the server's, in UTC. */
export function parseStat(answer: string): { size: number; modified: string; folder: boolean } | undefined {
  const size = /^Size:\s+(\d+)/m.exec(answer)?.[1];
  const time = /^MTime:\s+(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)/m.exec(answer);
  if (size === undefined || !time) return undefined;
  const flags = /^Flags:\s+\d+ \(([^)]*)\)/m.exec(answer)?.[1] ?? '';
  return { size: Number(size), modified: `${time[1]}T${time[2]}.000Z`, folder: /\bIsDir\b/.test(flags) };
}

/** What `query checksum` prints: `adler32 00790079`. Servers leave out leading zeros. */
export function parseChecksum(answer: string, type: 'adler32' | 'md5'): string | undefined {
  const hex = new RegExp(`^${type} ([0-9a-f]+)\\b`, 'im').exec(answer)?.[1];
  return hex?.toLowerCase().padStart(type === 'md5' ? 32 : 8, '0');
}

/** What `query space` prints: `oss.cgroup=public&oss.space=...&oss.free=...`; a quota is less than the disk. */
export function parseSpace(answer: string): Space | undefined {
  const field = (name: string): number =>
    Number(new RegExp(`\\boss\\.${name}=(-?\\d+)`).exec(answer)?.[1] ?? Number.NaN);
  const [space, free, used, quota] = [field('space'), field('free'), field('used'), field('quota')];
  if (!Number.isFinite(space) || !Number.isFinite(free)) return undefined;
  if (!(quota > 0)) return { total: space, free };
  return { total: Math.min(space, quota), free: Math.max(0, Math.min(free, quota - (used || 0))) };
}

export interface Listed {
  readonly path: string;
  readonly size: number;
  readonly modified: string;
}

const LINE = /^([-d])\S{9}\s+(?:\S+\s+\S+\s+)?(\d+)\s+(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (\/.*)$/;

/** One line of `ls -l -R`; `undefined` for a folder or anything else. */
export function parseLine(line: string): Listed | undefined {
  const match = LINE.exec(line);
  if (!match || match[1] === 'd') return undefined;
  return { size: Number(match[2]), modified: `${match[3]}T${match[4]}.000Z`, path: nth(match, 5) };
}
