// Options of an element in S3, and what they are where nothing is said.
import type { StorageSettings } from '../../domain/settings.ts';
import { ConfigError } from '../../util/errors.ts';
import { DAY, MINUTE, SECOND } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { certificates, Web } from '../tools/http/web.ts';
import { checkOptions } from '../tools/options.ts';
import { S3Client } from './server/client.ts';
import { Keys } from './server/keys.ts';
import { Place } from './server/place.ts';

const OPTIONS = {
  endpoint: 'text',
  region: 'text',
  style: 'text',
  ca: 'text',
  credentials: 'text',
  credentialsCommand: 'text',
  profile: 'text',
  timeout: 'time',
  slowest: 'count',
  part: 'size',
  copyPart: 'size',
  quota: 'size',
  lend: 'time',
  leftover: 'time',
} as const;

const MIB = 2 ** 20;

export interface Settled {
  /** Milliseconds. */
  readonly timeout: number;
  /** Bytes a second below which a copy is given up. */
  readonly slowest: number;
  /** Bytes of a part of an upload. */
  readonly part: number;
  /** Bytes that the server copies in one request. */
  readonly copyPart: number;
  /** Bytes that the element may hold; absent: not known. */
  readonly quota?: number;
  /** Seconds for which addresses are good that jobs are given. */
  readonly lend: number;
  /** Milliseconds after which an upload that nobody ended is taken back. */
  readonly leftover: number;
}

/** @throws ConfigError */
export function settle(settings: StorageSettings): { readonly settled: Settled; readonly client: S3Client } {
  const { name } = settings;
  const options = checkOptions(settings, OPTIONS);
  const { endpoint, style, ca, credentials: file, credentialsCommand: command, profile, quota } = options;
  const { part = 8 * MIB, copyPart = 5 * 1024 * MIB, timeout = MINUTE, lend = 7 * DAY } = options;
  if (part < 5 * MIB) throw new ConfigError(`storage.${name}: option part is less than 5 MB, which S3 does not take`);
  if (lend > 7 * DAY) throw new ConfigError(`storage.${name}: option lend is more than 7d, which S3 does not allow`);
  const region = options.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
  const place = new Place(settings, { region, ...given({ endpoint, style }) });
  const keys = new Keys({ name, ...given({ command, file, profile }) });
  const web = new Web({ timeout, ...certificates(name, ca) });
  return {
    client: new S3Client(place, keys, web, { name, timeout }),
    settled: {
      timeout,
      slowest: (options.slowest ?? 256) * 1024,
      part,
      copyPart,
      lend: Math.floor(lend / SECOND),
      leftover: options.leftover ?? 7 * DAY,
      ...given({ quota }),
    },
  };
}
