// Requests to a Rucio server: JSON over HTTP with a token, which is renewed before it ends and when the server refuses it.
// Secrets travel in headers only: no address, body or error has one.
import { readFileSync } from 'node:fs';
import { Agent, type Dispatcher, request } from 'undici';
import type { CatalogueSettings } from '../../domain/settings.ts';
import { ConfigError, UnreachableError } from '../../util/errors.ts';
import { codeOf, wordsOf } from '../../util/systemerrors.ts';
import { given } from '../../util/values/given.ts';
import type { Answer, Ask } from './exchange.ts';
import type { Login, Token } from './login.ts';
import { meaningOf, type Refusal, refusalOf } from './meaning.ts';

/** A token that has less left is renewed before it is used, in milliseconds. */
const MARGIN = 60_000;

/** What a server or a proxy before it answers that is too busy, or starts. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Pauses between tries of a request that a busy server has not taken, in milliseconds. */
const PAUSES = [500, 2_000] as const;

/** Codes of a connection that was open and is not. */
const CLOSED: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

export class Session {
  readonly #settings: CatalogueSettings;
  readonly #login: Login;
  readonly #clock: () => number;
  #agent: Agent;
  #token: Promise<Token> | undefined;

  constructor(settings: CatalogueSettings, login: Login, clock: () => number) {
    this.#settings = settings;
    this.#login = login;
    this.#clock = clock;
    this.#agent = agentOf(settings, login);
  }

  /** One request with what it takes: a token, a second one where the first is refused, a pause where the server is busy. */
  async ask(ask: Ask): Promise<Answer> {
    const answer = await this.#tried(ask);
    if (answer.status < 300) return answer;
    throw this.#meaning(ask, refusalOf(answer));
  }

  /** The same, where a refusal is an answer, too. */
  async tryTo(ask: Ask): Promise<Answer | Refusal> {
    const answer = await this.#tried(ask);
    if (answer.status < 300) return answer;
    const refusal = refusalOf(answer);
    if (refusal.passing) throw this.#meaning(ask, refusal);
    return refusal;
  }

  /** The error that a refusal means. */
  meaning(ask: Ask, refusal: Refusal): Error {
    return this.#meaning(ask, refusal);
  }

  async end(): Promise<void> {
    await this.#agent.destroy();
  }

  async #tried(ask: Ask): Promise<Answer> {
    for (const pause of PAUSES) {
      const answer = await this.#authorised(ask);
      if (!PASSING.has(answer.status)) return answer;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    return this.#authorised(ask);
  }

  async #authorised(ask: Ask): Promise<Answer> {
    const first = await this.#send(ask, { 'x-rucio-auth-token': (await this.#current()).text });
    if (first.status !== 401) return first;
    this.#token = undefined;
    return this.#send(ask, { 'x-rucio-auth-token': (await this.#current()).text });
  }

  /** A token that is good for a while yet. Who asks while another asks waits for the same one. */
  async #current(): Promise<Token> {
    const known = await this.#token;
    if (known && known.until - this.#clock() > MARGIN) return known;
    if (this.#login.shows) this.#showAgain();
    const fresh = this.#login.token({
      send: (ask, headers) => this.#send(ask, headers),
      clock: this.#clock,
      meaning: (ask, answer) => this.#meaning(ask, refusalOf(answer)),
    });
    this.#token = fresh;
    fresh.catch(() => {
      this.#token = undefined;
    });
    return fresh;
  }

  /** The next connections show what is on disk now: a proxy is renewed in its file. */
  #showAgain(): void {
    const old = this.#agent;
    this.#agent = agentOf(this.#settings, this.#login);
    old.close().catch(() => undefined);
  }

  /** Every request may be repeated: one whose connection the server was about to close goes again on a new one. */
  async #send(ask: Ask, headers: Readonly<Record<string, string>>, again = true): Promise<Answer> {
    const { method, path, body } = ask;
    const { url } = this.#settings;
    try {
      const reply = await request(`${url}${path}`, {
        method,
        dispatcher: this.#agent,
        headers: { ...headers, accept: '*/*', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...given({ body: body === undefined ? undefined : JSON.stringify(body) }),
      } satisfies { dispatcher: Dispatcher } & Parameters<typeof request>[1]);
      return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() };
    } catch (cause) {
      if (again && CLOSED.has(codeOf(cause) ?? '')) return this.#send(ask, headers, false);
      throw new UnreachableError(`Rucio cannot be reached: ${wordsOf(cause)}`, {
        where: url,
        hint: `curl -sS ${url}/ping; what is to be said is kept, and dflow catalogue sync says it later`,
        cause,
      });
    }
  }

  #meaning(ask: Ask, refusal: Refusal): Error {
    return meaningOf(ask, refusal, this.#settings);
  }
}

function agentOf(settings: CatalogueSettings, login: Login): Agent {
  const { timeout } = settings;
  return new Agent({
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connect: { timeout: Math.min(timeout, 10_000), ...trust(settings), ...login.shows?.() },
  });
}

function trust({ ca, file }: CatalogueSettings): { ca?: Buffer } {
  if (ca === undefined) return {};
  try {
    return { ca: readFileSync(ca) };
  } catch (cause) {
    throw new ConfigError(`catalogue.ca cannot be read: ${wordsOf(cause)}`, {
      where: file,
      hint: `ls -l ${ca}`,
      cause,
    });
  }
}
