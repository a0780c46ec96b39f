// What S3 servers mean by status and code: one meaning for each, and whether the same request may well succeed soon. Pure.

import { MINUTE } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { laterOf, WebFailure } from '../../tools/http/web.ts';
import { textOf } from '../../tools/http/xml.ts';
import { BY_STATUS, type Meaning } from '../../tools/meaning.ts';

/** A refusal of an S3 server. */
export class S3Failure extends WebFailure {
  constructor(
    meaning: Meaning,
    words: string,
    about: WebFailure['about'],
    /** `NoSuchKey`; '' where the answer had none. */
    readonly code: string,
  ) {
    super(meaning, words, about);
  }
}

const BY_CODE: Readonly<Record<string, Meaning>> = {
  NoSuchKey: 'missing',
  NoSuchVersion: 'missing',
  NoSuchUpload: 'busy',
  NoSuchBucket: 'down',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  InvalidAccessKeyId: 'credentials',
  XAdminUserNotFound: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  ExpiredToken: 'credentials',
  InvalidToken: 'credentials',
  TokenRefreshRequired: 'credentials',
  RequestTimeTooSkewed: 'credentials',
  RequestExpired: 'credentials',
  AuthorizationHeaderMalformed: 'down',
  PermanentRedirect: 'down',
  TemporaryRedirect: 'down',
  IllegalLocationConstraintException: 'down',
  BadDigest: 'corrupt',
  XAmzContentSHA256Mismatch: 'corrupt',
  XAmzContentChecksumMismatch: 'corrupt',
  InvalidPart: 'corrupt',
  IncompleteBody: 'busy',
  RequestTimeout: 'busy',
  SlowDown: 'busy',
  ServiceUnavailable: 'busy',
  InternalError: 'busy',
  OperationAborted: 'busy',
  ConditionalRequestConflict: 'busy',
  QuotaExceeded: 'full',
  StorageFull: 'full',
  XMinioStorageFull: 'full',
  EntityTooLarge: 'unable',
  NotImplemented: 'unable',
  InvalidObjectState: 'busy',
};

const STATUSES: Readonly<Record<number, Meaning>> = { ...BY_STATUS, 301: 'down', 307: 'down', 409: 'busy' };

const SHORTLY = new Set(['RequestTimeout', 'IncompleteBody', 'OperationAborted', 'ConditionalRequestConflict']);

interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Milliseconds since 1970, by this host's clock. */
  readonly now: number;
  /** What is set in the configuration. */
  readonly region: string;
  readonly bucket: string;
  /** Option names: `storage.cloud.options`. */
  readonly options: string;
}

/** The failure that an answer is. `clean` takes secrets out of the server's words. */
export function failureOf(refusal: Refusal, clean: (text: string) => string): S3Failure {
  const { status, text } = refusal;
  const code = textOf(text, 'Code') ?? '';
  // What is not there has a code of its own: any other one may be about whoever asks.
  const unknown = status === 404 && code !== '' ? 'failed' : undefined;
  const meaning = isSkewed(refusal, code) ? 'credentials' : (BY_CODE[code] ?? unknown ?? STATUSES[status] ?? 'failed');
  const said = clean(textOf(text, 'Message') ?? '');
  const words = [code || `HTTP ${status}`, said].filter((part) => part !== '').join(': ');
  const again = SHORTLY.has(code) || [429, 500, 502, 503, 504].includes(status);
  const advice = adviceOf(refusal, code);
  const about = { status, again, later: laterOf(refusal.headers), ...given({ hint: advice?.hint }) };
  return new S3Failure(meaning, advice?.words ?? words, about, code);
}

/** S3 takes a signature for a quarter of an hour. Some servers call an older one just denied. */
const SKEW = 10 * MINUTE;

function isSkewed({ status, headers, now }: Refusal, code: string): boolean {
  const refused = [400, 401, 403].includes(status);
  return code === 'RequestTimeTooSkewed' || (refused && Math.abs(Date.parse(headers.date ?? '') - now) > SKEW);
}

/** What to do about a refusal that no other try can mend. */
function adviceOf(refusal: Refusal, code: string) {
  const { status, headers, text, region, bucket, options } = refusal;
  if (isSkewed(refusal, code)) {
    const theirs = headers.date ?? 'unknown';
    return {
      words: `RequestTimeTooSkewed: the clocks of this host and of the server differ; the server says ${theirs}`,
      hint: 'set the clock of this host (chronyc tracking; date -u), then: dflow doctor',
    };
  }
  if (code === 'NoSuchBucket')
    return { words: `bucket '${bucket}' does not exist`, hint: `make it, or correct the address in dflow.yaml` };
  const other =
    headers['x-amz-bucket-region'] ?? (code === 'AuthorizationHeaderMalformed' ? textOf(text, 'Region') : undefined);
  if (other !== undefined && other !== region && status !== 404)
    return {
      words: `wrong region: the server says '${other}', the configuration '${region}'`,
      hint: `set ${options}.region: ${other}`,
    };
  if (status === 301 || status === 307) {
    const place = textOf(text, 'Endpoint');
    return {
      words: `the bucket has another endpoint${place ? `: ${place}` : ''}`,
      hint: `correct ${options}.endpoint and ${options}.region`,
    };
  }
  return undefined;
}
