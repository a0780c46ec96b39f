// What a failure of a remote storage element means, whatever tool said it, and the error that says so. Pure.
import {
  BusyItemError,
  CredentialsError,
  type DflowError,
  type ErrorDetail,
  ItemError,
  UnreachableError,
} from '../../util/errors.ts';
import { shown } from '../../util/text/names.ts';
import type { Address } from './address.ts';

/** What a failure of a tool means. */
export type Meaning =
  | 'missing' // there is no such file
  | 'folder' // there is something else of this name
  | 'credentials' // who we are was refused or could not be shown
  | 'denied' // we are known and may not
  | 'down' // the element, not the file
  | 'full' // no space, no quota
  | 'corrupt' // other bytes arrived
  | 'unable' // the server cannot do this at all
  | 'busy' // worth another try
  | 'failed'; // anything else about this file

/** What a storage server means by an HTTP status (RFC 9110, RFC 4918), where its protocol says nothing else. */
export const BY_STATUS: Readonly<Record<number, Meaning>> = {
  401: 'credentials',
  403: 'denied',
  404: 'missing',
  405: 'unable',
  413: 'full',
  423: 'busy',
  429: 'busy',
  500: 'busy',
  501: 'unable',
  502: 'busy',
  503: 'busy',
  504: 'busy',
  507: 'full',
};

const HINTS: Partial<Readonly<Record<Meaning, string>>> = {
  credentials: 'renew the proxy or token, then: dflow status',
  denied: 'ask the site for write permission there, or check which proxy or token is used',
  full: 'free space there, or raise the quota',
  busy: 'wait: the next call tries again',
};

const FACTS: Partial<Readonly<Record<Meaning, string>>> = {
  missing: 'does not exist',
  folder: 'is not a regular file',
  denied: 'no permission',
  full: 'no space left',
  corrupt: 'other bytes arrived than were sent',
  unable: 'the server cannot do this',
};

/** System errors by name, so that those who ask for a full disk find one. */
const CODES: Partial<Readonly<Record<Meaning, string>>> = { missing: 'ENOENT', full: 'ENOSPC', denied: 'EACCES' };

/** A failure with its meaning still at hand. */
export class RemoteFailure extends Error {
  constructor(
    readonly meaning: Meaning,
    /** The tool's own words, on one line, without secrets. */
    readonly words: string,
  ) {
    super(words);
    const code = CODES[meaning];
    if (code) Object.assign(this, { code });
  }
}

/** True for a failure of this meaning. */
export function means(error: unknown, meaning: Meaning): boolean {
  return error instanceof RemoteFailure && error.meaning === meaning;
}

/**
 * A third-party copy failed: whether the way, the source or the target is to blame shows on the way through this
 * machine, so the answer is `false`. @throws `meant` where the target refuses any copy
 */
export function throughHere(error: unknown, meant: unknown): false {
  if (!(error instanceof RemoteFailure)) throw error;
  if (error.meaning === 'credentials' || error.meaning === 'full') throw meant;
  return false;
}

/** The error of `path` ('' where it concerns the whole element). */
export function errorOf(address: Address, failure: RemoteFailure, path: string, hint?: string): DflowError {
  const { meaning, words } = failure;
  const lead = path === '' ? `${address.label} (${address.host})` : `${address.label}: ${shown(path)}`;
  const fact = FACTS[meaning];
  const text = [fact, words].filter((part) => part).join(': ');
  const advice = hint ?? HINTS[meaning];
  const detail: ErrorDetail = { cause: failure, ...(advice ? { hint: advice } : {}) };
  if (meaning === 'credentials') return new CredentialsError(`${address.label} (${address.host}): ${words}`, detail);
  if (meaning === 'down') return new UnreachableError(`${address.label} (${address.host}): ${words}`, detail);
  if (meaning === 'busy') return new BusyItemError(`${lead}: ${text}`, detail);
  return new ItemError(`${lead}: ${text}`, detail);
}
