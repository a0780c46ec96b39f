// Requests to a WebDAV server, sent again where it was busy. Knows paths below the element's folder, and no files of ours.
import { given } from '../../util/values/given.ts';
import type { Address } from '../tools/address.ts';
import { patiently } from '../tools/http/patience.ts';
import { type Web, type WebAsk, type WebReply, type WebText, wholeText } from '../tools/http/web.ts';
import type { Login } from './login.ts';
import { failureOf } from './meaning.ts';

export interface DavAsk {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'MOVE' | 'MKCOL' | 'PROPFIND';
  readonly path: string;
  /** A folder: its address ends with a `/`. */
  readonly folder?: boolean;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: WebAsk['body'];
  /** Milliseconds for one try. */
  readonly timeout?: number;
  /** The server reads or moves bytes, and may be silent all that time. */
  readonly slow?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const upper = (letter: string): string => letter.toUpperCase();

export class WebdavClient {
  readonly address: Address;
  readonly #login: Login;
  readonly #web: Web;
  readonly #timeout: number;

  constructor(address: Address, login: Login, web: Web, timeout: number) {
    this.address = address;
    this.#login = login;
    this.#web = web;
    this.#timeout = timeout;
  }

  /** As it is sent: without credentials. @throws ItemError for a path that would leave the folder */
  url(path: string, folder = false): string {
    const { scheme, host, query } = this.address;
    const inside = this.address.inside(path).split('/').map(encodeURIComponent).join('/');
    const end = folder && !inside.endsWith('/') ? '/' : '';
    return `${scheme.endsWith('s') ? 'https' : 'http'}://${host}${inside}${end}${query === '' ? '' : `?${query}`}`;
  }

  /** The whole of a short answer. @throws WebFailure; RemoteFailure (down); CredentialsError; the signal's reason */
  send(ask: DavAsk): Promise<WebText> {
    return this.#patiently(ask, async () => {
      const request = await this.#request(ask);
      const reply = await this.#web.text(request);
      if (reply.status >= 300) throw this.#failure(request, reply);
      return reply;
    });
  }

  /** The beginning of an answer, whose body the caller takes. @throws as `send` */
  open(ask: DavAsk): Promise<WebReply> {
    return this.#patiently(ask, async () => {
      const request = await this.#request(ask);
      const reply = await this.#web.ask(request);
      if (reply.status < 300) return reply;
      throw this.#failure(request, { ...reply, text: await wholeText(reply.body, request) });
    });
  }

  #patiently<T>({ signal }: DavAsk, once: () => Promise<T>): Promise<T> {
    return patiently({ renew: () => this.#login.forget(), signal }, once);
  }

  async #request(ask: DavAsk): Promise<WebAsk> {
    const { method, path, folder, headers, body, timeout = this.#timeout, slow, signal } = ask;
    const all = Object.entries({ ...headers, ...(await this.#login.headers()) });
    // XRootD's server (5.5.3) does not see a name that begins with a small letter.
    const written = Object.fromEntries(all.map(([name, value]) => [name.replace(/\b[a-z]/g, upper), value]));
    return { method, url: this.url(path, folder), headers: written, timeout, ...given({ body, slow, signal }) };
  }

  #failure({ headers }: WebAsk, reply: WebText) {
    const byToken = headers?.Authorization?.startsWith('Bearer ') === true;
    return failureOf(reply, byToken, (words) => this.address.clean(words));
  }
}
