// Options of a WebDAV element, and what they are where nothing is said.
import type { StorageSettings } from '../../domain/settings.ts';
import { MINUTE } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { Address } from '../tools/address.ts';
import { certificates, identity, Web } from '../tools/http/web.ts';
import { checkOptions } from '../tools/options.ts';
import { WebdavClient } from './client.ts';
import { Login } from './login.ts';

const OPTIONS = {
  ca: 'text',
  credentials: 'text',
  token: 'text',
  proxy: 'text',
  timeout: 'time',
  slowest: 'count',
} as const;
const SCHEMES = ['https', 'http', 'davs', 'dav'];

export interface Settled {
  /** Milliseconds. */
  readonly timeout: number;
  /** Bytes a second below which a copy is given up. */
  readonly slowest: number;
}

/** @throws ConfigError */
export function settle(settings: StorageSettings): { readonly settled: Settled; readonly client: WebdavClient } {
  const { name, url } = settings;
  const { ca, credentials, token, proxy, timeout = MINUTE, slowest = 256 } = checkOptions(settings, OPTIONS);
  const address = new Address(name, url, SCHEMES);
  const login = new Login(name, address, given({ credentials, token }));
  const secure = address.scheme.endsWith('s');
  const web = new Web({ timeout, ...certificates(name, ca), ...(secure && identity(name, proxy)) });
  return {
    client: new WebdavClient(address, login, web, timeout),
    settled: { timeout, slowest: slowest * 1024 },
  };
}
