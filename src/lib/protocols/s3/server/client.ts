// Requests to an S3 server: signed, sent, and sent again where it was busy. Knows keys of objects, no paths and no files.
import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { given } from '../../../util/values/given.ts';
import { patiently } from '../../tools/http/patience.ts';
import { type Web, type WebReply, type WebText, wholeText } from '../../tools/http/web.ts';
import type { AccessKey, Keys } from './keys.ts';
import { failureOf, type S3Failure } from './meaning.ts';
import { encodePart, type Place } from './place.ts';

export interface S3Ask {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** '' is the bucket. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Milliseconds for one try. */
  readonly timeout?: number;
  /** The server copies or joins bytes, and may be silent all that time. */
  readonly slow?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told before the same is sent again. */
  readonly repeated?: () => void;
}

/** What of a request is signed. */
interface Signable extends Pick<S3Ask, 'headers' | 'body'> {
  readonly method: string;
  readonly url: string;
}

const hashOf = (body: Buffer | string): string => createHash('sha256').update(body).digest('hex');
const EMPTY = hashOf('');
/** What the signature says of the body; who knows it already gives it with the request. */
export const CONTENT_SHA256 = 'x-amz-content-sha256';

export class S3Client {
  readonly place: Place;
  readonly #keys: Keys;
  readonly #web: Web;
  readonly #timeout: number;
  readonly #options: string;
  readonly #cache = new Map<string, ArrayBuffer>();

  constructor(place: Place, keys: Keys, web: Web, settled: { readonly name: string; readonly timeout: number }) {
    this.place = place;
    this.#keys = keys;
    this.#web = web;
    this.#timeout = settled.timeout;
    this.#options = `storage.${settled.name}.options`;
  }

  /** The whole of a short answer. @throws S3Failure; RemoteFailure (down); the signal's reason */
  send(ask: S3Ask): Promise<WebText> {
    return this.#patiently(ask, async () => {
      const reply = await this.#web.text(await this.#signed(ask));
      // A server may find out about a failure when it has already begun to answer that all is well.
      const wrong = reply.status >= 300 || (reply.status === 200 && /<Error>/.test(reply.text));
      if (wrong) throw await this.#refusal(ask, reply);
      return reply;
    });
  }

  /** The beginning of an answer, whose body the caller takes. @throws as `send` */
  open(ask: S3Ask): Promise<WebReply> {
    return this.#patiently(ask, async () => {
      const signed = await this.#signed(ask);
      const reply = await this.#web.ask(signed);
      if (reply.status < 300) return reply;
      const text = await wholeText(reply.body, signed);
      throw this.#failure({ ...reply, text });
    });
  }

  /** An address by which whoever has it may do this one thing, for some seconds. */
  async presigned(method: string, address: string, seconds: number): Promise<string> {
    const signer = await this.#signer({ method, url: `${address}?X-Amz-Expires=${seconds}` }, true);
    return (await signer.sign()).url.toString();
  }

  #patiently<T>({ repeated, signal }: S3Ask, once: () => Promise<T>): Promise<T> {
    // Keys may have been renewed under us; asked once more they are read again.
    return patiently({ renew: () => this.#keys.forget(), repeated, signal }, once);
  }

  async #signed(ask: S3Ask) {
    const { method, body, timeout = this.#timeout, slow, signal } = ask;
    const words = Object.entries(ask.query ?? {}).map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`);
    const address = `${this.place.url(ask.key)}${words.length > 0 ? `?${words.join('&')}` : ''}`;
    const signer = await this.#signer({ ...ask, url: address }, false);
    const { headers } = await signer.sign();
    const query = signer.encodedSearch === '' ? '' : `?${signer.encodedSearch}`;
    // As it was signed, character by character: an address object would write blanks of a query in another way.
    const url = `${signer.url.origin}${signer.encodedPath}${query}`;
    return { method, url, headers: Object.fromEntries(headers), timeout, ...given({ body, slow, signal }) };
  }

  async #signer({ method, url, headers = {}, body }: Signable, signQuery: boolean): Promise<AwsV4Signer> {
    const { id, secret, token }: AccessKey = await this.#keys.get();
    const sum = headers[CONTENT_SHA256] ?? (body === undefined ? EMPTY : hashOf(body));
    return new AwsV4Signer({
      method,
      url,
      headers: signQuery ? {} : { ...headers, [CONTENT_SHA256]: sum },
      accessKeyId: id,
      secretAccessKey: secret,
      ...given({ sessionToken: token }),
      service: 's3',
      region: this.place.region,
      // Signing keys of the day.
      cache: this.#cache,
      signQuery,
    });
  }

  /** The answer to HEAD has no words: those of a question about the bucket say why it was refused. */
  async #refusal(ask: S3Ask, reply: WebText): Promise<unknown> {
    const failure = this.#failure(reply);
    if (ask.method !== 'HEAD' || failure.code !== '' || reply.status < 300 || reply.status === 404) return failure;
    const query = { 'list-type': '2', 'max-keys': '0' };
    const { key: _, ...more } = ask;
    return this.send({ ...more, method: 'GET', key: '', query }).then(
      () => failure,
      (error: unknown) => error,
    );
  }

  #failure({ status, headers, text }: WebText): S3Failure {
    const { address, region, bucket } = this.place;
    const refusal = { status, headers, text, now: Date.now(), region, bucket, options: this.#options };
    return failureOf(refusal, (words) => address.clean(words));
  }
}
