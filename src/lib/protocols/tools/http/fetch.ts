// The bytes of a file by HTTP, whole or a part: what was cut off goes on where it was, from the same file only.
import { given } from '../../../util/values/given.ts';
import { RemoteFailure } from '../meaning.ts';
import { NoAnswer, noAnswer, type WebAsk, WebFailure, type WebReply } from './web.ts';

export interface Fetching {
  /** Asks for the file. @throws WebFailure for an answer that is a refusal */
  readonly open: (ask: Pick<WebAsk, 'headers' | 'timeout' | 'signal'>) => Promise<WebReply>;
  readonly url: string;
  /** Milliseconds for so many bytes. */
  readonly limit: (bytes: number) => number;
  readonly sink: (chunk: Buffer) => Promise<void>;
  /** First byte, and the one after the last. */
  readonly range?: readonly [number, number] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Connections that may be cut in one file. */
const CUTS = 4;
const A_DAY = 86_400_000;

/** @throws RemoteFailure; what `sink` throws; the signal's reason */
export async function fetchBytes(fetching: Fetching): Promise<void> {
  const { range: [from, to] = [0, Number.POSITIVE_INFINITY], sink, limit } = fetching;
  let at = from;
  let tag: string | undefined;
  const began = performance.now();
  for (let cuts = 0; at < to; cuts++) {
    try {
      const reply = await begin(fetching, at, to, tag);
      if (!reply) return;
      tag ??= reply.headers.etag ?? '';
      let offset = firstOf(reply);
      const end = offset + Number(reply.headers['content-length'] ?? Number.NaN);
      for await (const chunk of bytesOf(fetching, reply.body)) {
        const wanted = chunk.subarray(Math.max(0, at - offset), Math.max(0, to - offset));
        offset += chunk.length;
        if (wanted.length === 0) continue;
        at += wanted.length;
        await sink(wanted);
        if (performance.now() - began > limit(at - from)) throw new NoAnswer('it sends too slowly', false);
        if (at >= to && offset < end) return;
      }
      if (offset < end) throw new NoAnswer(`${offset} of ${end} bytes came`, true);
      return;
    } catch (error) {
      if (!(error instanceof NoAnswer && error.cut) || cuts >= CUTS) throw error;
    }
  }
}

/** Which byte comes first: a server that knows no ranges, or none behind the end, sends everything. Some say 200 for a part. */
function firstOf({ headers }: WebReply): number {
  return Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? 0);
}

/** `undefined`: there are no bytes at `from`. */
async function begin({ open, limit, signal }: Fetching, from: number, to: number, tag: string | undefined) {
  const all = to === Number.POSITIVE_INFINITY;
  const headers = {
    ...((from > 0 || !all) && { range: `bytes=${from}-${all ? '' : to - 1}` }),
    ...(tag && { 'if-match': tag }),
  };
  const timeout = all ? A_DAY : limit(to - from);
  return open({ headers, timeout, ...given({ signal }) }).catch((error: unknown) => {
    if (!(error instanceof WebFailure)) throw error;
    if (error.status === 416) return undefined;
    if (error.status === 412) throw new RemoteFailure('busy', 'it was written over while it was read');
    throw error;
  });
}

async function* bytesOf({ url, signal }: Fetching, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const parts = body[Symbol.asyncIterator]();
  for (;;) {
    // Only the connection's errors are this side's: what the sink throws is another's.
    const next = await parts.next().catch((error: unknown) => {
      throw noAnswer(error, url, signal);
    });
    if (next.done) return;
    yield next.value;
  }
}
