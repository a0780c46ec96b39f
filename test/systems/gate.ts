// A door before a real server: what comes through can be refused, cut off, or stopped, as a bad day would.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Passing {
  readonly method: string;
  readonly url: string;
  /** Counts from 1. */
  readonly number: number;
}

/** What becomes of a request: undefined lets it pass. */
export interface Fate {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The answer is cut after so many bytes of its body; the server has done what was asked. */
  readonly cut?: number;
  /** Before it is handed on. */
  readonly first?: () => Promise<void> | void;
}

export interface Gate {
  readonly port: number;
  readonly seen: Passing[];
  judge: (passing: Passing) => Fate | undefined;
  close(): Promise<void>;
}

export async function gateTo(port: number): Promise<Gate> {
  const gate = { seen: [] as Passing[], judge: (() => undefined) as Gate['judge'] };
  const server: Server = createServer((asked, answer) => void pass(asked, answer));
  const pass = async (asked: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const passing = { method: asked.method ?? '', url: asked.url ?? '', number: gate.seen.length + 1 };
    gate.seen.push(passing);
    const fate = gate.judge(passing);
    await fate?.first?.();
    if (fate?.status !== undefined) {
      asked.resume();
      asked.on('end', () => {
        answer.writeHead(fate.status ?? 500, { 'content-type': 'application/xml', ...fate.headers });
        answer.end(asked.method === 'HEAD' ? undefined : fate.body);
      });
      return;
    }
    const on = request(
      { port, host: '127.0.0.1', method: asked.method, path: asked.url, headers: asked.headers },
      (got) => {
        if (fate?.cut === undefined) {
          answer.writeHead(got.statusCode ?? 500, got.headers);
          got.pipe(answer);
          return;
        }
        let left = fate.cut;
        if (left > 0) answer.writeHead(got.statusCode ?? 500, got.headers);
        got.on('data', (chunk: Buffer) => {
          if (left > 0) answer.write(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) setImmediate(() => answer.destroy());
        });
        got.on('end', () => setImmediate(() => answer.destroy()));
      },
    );
    on.on('error', () => answer.destroy());
    asked.pipe(on);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: own } = server.address() as AddressInfo;
  return Object.assign(gate, {
    port: own,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

/** A refusal as S3 servers write it. */
export const refusal = (status: number, code: string, more = ''): Fate => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said by the test</Message>${more}</Error>`,
});
