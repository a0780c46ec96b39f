// Credentials are looked at before anything is started: expired ones stop a step before it marks anything as failed,
// and every host says how long its own are good for, so that a shifter anywhere sees it.
import { type Doc, SCHEMA } from '../../domain/doc.ts';
import { secondsLeft, tokenLeft } from '../../domain/token.ts';
import { CredentialsError } from '../../util/errors.ts';
import { wordsOf } from '../../util/systemerrors.ts';
import { humanDuration, type Iso, MINUTE, ms, plus, SECOND } from '../../util/time.ts';
import { say, saying } from '../jobs/said.ts';
import type { Ports, Step } from '../ports.ts';

/** What a host last said of its credentials. */
export interface CredentialDoc extends Doc {
  readonly kind: 'credential';
  readonly host: string;
  readonly at: Iso;
  readonly state: 'ok' | 'low' | 'expired';
  /** Absent: a token that does not say. */
  readonly expires?: Iso;
  readonly text: string;
}

export const credentialId = (host: string): string => `credential:${host}`;

interface Found {
  /** Milliseconds; absent: they do not say. */
  readonly left?: number;
  /** Why there are none. */
  readonly missing?: string;
}

/** A command that hangs says nothing about the credentials. */
const LIMIT = MINUTE;

/**
 * Checks what the configuration names; without `credentials:` it does nothing. Warns (an item that is not failed) when
 * less is left than `credentials.warn`.
 * @throws CredentialsError when they are missing or expired, or cannot be checked
 */
export async function* requireCredentials(ports: Ports): Step {
  const { credentials } = ports.settings;
  if (!credentials || (credentials.check === undefined && credentials.token === undefined)) return;
  let found = await look(ports);
  if (isOver(found) && credentials.renew !== undefined && !ports.dry) {
    await ports.processes.shell(credentials.renew, [], { cwd: ports.settings.folder, timeout: LIMIT });
    found = await look(ports);
  }
  const state = isOver(found) ? 'expired' : (found.left ?? Number.POSITIVE_INFINITY) < credentials.warn ? 'low' : 'ok';
  const text = textOf(found);
  await beat(ports, state, found, text);
  if (state === 'expired') {
    throw new CredentialsError(`credentials on ${ports.host}: ${text}`, {
      hint: credentials.renew ?? 'make new credentials (voms-proxy-init, htgettoken), then repeat the command',
    });
  }
  if (state === 'low') {
    const next = credentials.renew ?? 'make new credentials before these expire';
    yield { kind: 'credential', ref: ports.host, did: 'unchanged', state, text: `credentials: ${text}`, next };
  }
}

function isOver({ left, missing }: Found): boolean {
  return missing !== undefined || (left !== undefined && left <= 0);
}

function textOf({ left, missing }: Found): string {
  if (missing !== undefined) return missing;
  if (left === undefined) return 'valid, expiry unknown';
  return left <= 0 ? 'expired' : `valid for ${humanDuration(left)}`;
}

/** The one that ends first. */
async function look(ports: Ports): Promise<Found> {
  const { check, token } = ports.settings.credentials ?? {};
  const found = [
    ...(check === undefined ? [] : [await ask(ports, check)]),
    ...(token === undefined ? [] : [await readToken(ports, token)]),
  ];
  const missing = found.find((one) => one.missing !== undefined);
  if (missing) return missing;
  const lefts = found.flatMap(({ left }) => left ?? []);
  return lefts.length === 0 ? {} : { left: Math.min(...lefts) };
}

/** The command's words are not shown: they may hold a secret. */
async function ask({ processes, settings }: Ports, command: string): Promise<Found> {
  const { stdout, failure } = await processes.shell(command, [], { cwd: settings.folder, timeout: LIMIT });
  const seconds = secondsLeft(stdout);
  if (seconds !== undefined && (failure === undefined || seconds <= 0)) return { left: seconds * SECOND };
  return {
    missing: `credentials.check does not print the seconds that are left (${failure ?? 'no number in its output'})`,
  };
}

async function readToken({ files, store }: Ports, path: string): Promise<Found> {
  if (path === '') return { missing: 'the variable that names the token file is not set' };
  try {
    const text = (await files.read(path, 1_000_000)).toString('utf8');
    if (text.trim() === '') return { missing: `the token file ${path} is empty` };
    const seconds = tokenLeft(text, ms(await store.now()));
    return seconds === undefined ? {} : { left: seconds * SECOND };
  } catch (error) {
    return { missing: `the token file cannot be read: ${wordsOf(error)}` };
  }
}

/** Told once a minute, or when it changes. */
async function beat(ports: Ports, state: CredentialDoc['state'], { left }: Found, text: string): Promise<void> {
  const at = await ports.store.now();
  const { host } = ports;
  const expires = left === undefined ? {} : { expires: plus(at, left) };
  const doc: CredentialDoc = {
    _id: credentialId(host),
    kind: 'credential',
    v: SCHEMA,
    host,
    at,
    state,
    text,
    ...expires,
  };
  await say(
    ports,
    saying(doc, MINUTE, (last) => last.state === state),
  );
}
